"""A POST to a webhook: one deadline for all of it, no redirects, no proxies, and no way around where it may lead."""

import contextlib
import http.client
import queue
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

from core.formatting import reason
from core.system.addresses import addresses_of, is_public

MOST_ANSWER_BYTES = 2_000
# Refusals that may pass: too slow, too early, too many.
_PASSING = (408, 425, 429)

Posted = tuple[bool, int | None, str, bool]


class _Connection(http.client.HTTPConnection):
    """Connects to addresses that were looked at before: a name could stand for others by then."""

    def __init__(self, host: str, port: int, addresses: list[str], is_safe: bool, ends: float) -> None:
        super().__init__(host, port)
        self._addresses = addresses
        self._is_safe = is_safe
        self._ends = ends
        self._is_over = False
        if is_safe:
            self.default_port = 443  # so that the header Host has no port where it needs none
        self._lock = threading.Lock()

    def connect(self) -> None:
        self._hold(self._reach())
        if self._is_safe:
            # The handshake comes after it is held, so that `cut` ends that too.
            wrapped = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self._hold(wrapped)
            wrapped.do_handshake()

    def _reach(self) -> socket.socket:
        problem: OSError = OSError("it has no address")
        for address in self._addresses:
            left = self._ends - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, self.port), timeout=left)
            except OSError as error:
                problem = error
        raise problem

    def _hold(self, connected: socket.socket) -> None:
        with self._lock:
            self.sock = connected
            if self._is_over:
                raise TimeoutError

    def cut(self) -> None:
        """End whatever waits: reading, writing or the handshake. Called from another thread."""
        with self._lock:
            self._is_over = True
            if self.sock is not None:
                with contextlib.suppress(OSError):
                    # That of the plain socket: TLS would take its state away from the thread that reads.
                    socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    @property
    def is_over(self) -> bool:
        return self._is_over


def post(url: str, body: bytes, deadline_seconds: float, *, public_only: bool) -> Posted:
    """(whether it was taken, the status, what was answered, whether trying again changes nothing).

    With `public_only`, nothing is sent where a single address of the host is not public.
    """
    ends = time.monotonic() + deadline_seconds
    late = f"no answer within {deadline_seconds:g} seconds"
    parts = urlsplit(url)
    host, is_safe = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_safe else 80)
    try:
        addresses = _resolve(host, port, deadline_seconds)
    except TimeoutError:
        return False, None, late, False
    except (OSError, UnicodeError) as error:
        return False, None, f"{host} has no address: {reason(error)}", False
    if public_only and not all(is_public(address) for address in addresses):
        return False, None, f"{host} is this computer or in its network, where this alert may not send", True
    connection = _Connection(host, port, addresses, is_safe, ends)
    timer = threading.Timer(max(0.0, ends - time.monotonic()), connection.cut)
    timer.daemon = True
    timer.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json", "User-Agent": "ConvDeck", "Connection": "close"}
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        if connection.is_over:  # what was cut off reads like the end of the head
            return False, None, late, False
        text = b""
        with contextlib.suppress(OSError, http.client.HTTPException):
            text = response.read(MOST_ANSWER_BYTES)  # the status says enough
        return _judged(response.status, response.getheader("Location"), text.decode(errors="replace"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.is_over or isinstance(error, TimeoutError):
            return False, None, late, False
        return False, None, reason(error), False
    finally:
        timer.cancel()
        connection.close()


def _judged(status: int, location: str | None, text: str) -> Posted:
    if 200 <= status < 300:
        return True, status, text, False
    if 300 <= status < 400:
        return False, status, f"it redirects to {location or 'nowhere'}, which is not followed", True
    return False, status, text, 400 <= status < 500 and status not in _PASSING


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host. The system's own look-up can take longer than anybody waits, and cannot be ended."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(addresses_of(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="look up a webhook", daemon=True).start()
    try:
        found = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    return found
