"""The key of a server: taken from the environment, shown by programs as a header and by browsers as a signed cookie."""

import hashlib
import hmac
import time
from collections import OrderedDict, deque
from collections.abc import Callable, MutableMapping

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import Headers
from starlette.types import Scope

from core.server.addresses import is_loopback, network_of

KEY_VARIABLE = "CONVDECK_TOKEN"
SIGNED_IN_SECONDS = 30 * 24 * 3600
RENEWED_AFTER_SECONDS = 24 * 3600
SHORT_KEY = 12  # characters; below that, the console warns, and guessing has to be limited
MOST_WRONG_KEYS = 10
WRONG_KEYS_SECONDS = 600.0
WRONG_KEY_DELAY_SECONDS = 1.0
LATER_WRONG_KEY_DELAY_SECONDS = 10.0  # after MOST_WRONG_KEYS
MOST_ADDRESSES = 10_000
THIS_COMPUTER = "this computer"
BLANKS = " \t\r\n"  # around a key; `str.strip` would also take U+00A0, which a key in UTF-8 may end with

_taken: dict[str, "Key"] = {}


class Key:
    """A secret, and what is derived from it. Neither its text nor its repr shows the secret."""

    def __init__(self, secret: str) -> None:
        # Bytes of the environment that are not UTF-8 are surrogate escapes in Python's text.
        encoded = secret.encode(errors="surrogateescape")
        self._digest = hashlib.sha256(encoded).digest()
        self.is_short = len(secret) < SHORT_KEY
        # Slow on purpose (50 ms, once): browsers also send a cookie to other ports of this machine, and whoever
        # gets one there must not find a short secret by trying.
        derived = hashlib.scrypt(encoded, salt=b"convdeck sign-in", n=2**14, r=8, p=1, dklen=32)
        self._signer = TimestampSigner(derived, salt="convdeck.sign-in", digest_method=hashlib.sha256)
        # Two servers of one machine share a browser's cookies, so each key has its own.
        self.cookie_name = f"convdeck_{hashlib.sha256(derived).hexdigest()[:8]}"

    def matches(self, given: bytes) -> bool:
        """Whether these bytes are the secret, in a time that does not depend on how much of it is right."""
        return hmac.compare_digest(hashlib.sha256(given).digest(), self._digest)

    def sign_in(self) -> str:
        """A cookie's value, good for SIGNED_IN_SECONDS. It ends with the key, not with the server."""
        return self._signer.sign(b"in").decode()

    def cookie_age(self, value: str) -> float | None:
        """Seconds since this value was signed; None for one that this key did not sign, or that has expired."""
        try:
            _, signed = self._signer.unsign(value, max_age=SIGNED_IN_SECONDS, return_timestamp=True)
        except (BadSignature, UnicodeError):
            return None
        return time.time() - signed.timestamp()


def take_key(environment: MutableMapping[str, str]) -> Key | None:
    """The key of `CONVDECK_TOKEN`, which is removed there: none of the processes that the server starts needs it."""
    secret = environment.pop(KEY_VARIABLE, "").strip(BLANKS)
    if secret:
        _taken[KEY_VARIABLE] = Key(secret)
    return _taken.get(KEY_VARIABLE)


def has_key() -> bool:
    """Whether this process has taken a key, so that people sign in."""
    return KEY_VARIABLE in _taken


def source_of(scope: Scope, headers: Headers) -> str:
    """Whose wrong keys are counted together: an address beyond this computer by itself, everybody else as one.

    uvicorn takes the address of a request from loopback out of `X-Forwarded-For`, which any program on this computer
    can fill in as it likes, with another value for each guess.
    """
    host = (scope.get("client") or ("",))[0]
    if "x-forwarded-for" in headers or is_loopback(host):
        return THIS_COMPUTER
    return network_of(host)


class WrongKeys:
    """Counts wrong keys by their source, as `source_of` says it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, source: str) -> None:
        """Another wrong key came from `source`."""
        times = self._times.setdefault(source, deque(maxlen=MOST_WRONG_KEYS))
        times.append(self._clock())
        self._times.move_to_end(source)
        if len(self._times) > MOST_ADDRESSES:
            self._times.popitem(last=False)

    def wait_seconds(self, source: str) -> float:
        """For how long `source` counts as guessing: since its last MOST_WRONG_KEYS came within WRONG_KEYS_SECONDS.

        0 when it does not.
        """
        times = self._times.get(source)
        if times is None or len(times) < MOST_WRONG_KEYS:
            return 0.0
        return max(0.0, times[0] + WRONG_KEYS_SECONDS - self._clock())
