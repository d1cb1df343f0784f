"""The key of a server: taken from the environment, shown by programs as a header and by browsers as a signed cookie."""

import hashlib
import hmac
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable, MutableMapping

from itsdangerous import BadSignature, TimestampSigner

KEY_VARIABLE = "CONVDECK_TOKEN"
SIGNED_IN_SECONDS = 30 * 24 * 3600
RENEWED_AFTER_SECONDS = 24 * 3600
SHORT_KEY = 12  # characters; below that, the console warns
MOST_WRONG_KEYS = 10
WRONG_KEYS_SECONDS = 600.0
WRONG_KEY_DELAY_SECONDS = 1.0
MOST_ADDRESSES = 10_000

_taken: dict[str, "Key"] = {}


class Key:
    """A secret, and what is derived from it. Neither its text nor its repr shows the secret."""

    def __init__(self, secret: str) -> None:
        self._digest = hashlib.sha256(secret.encode()).digest()
        self.is_short = len(secret) < SHORT_KEY
        # Slow on purpose (50 ms, once): browsers also send a cookie to other ports of this machine, and whoever
        # gets one there must not find a short secret by trying.
        derived = hashlib.scrypt(secret.encode(), salt=b"convdeck sign-in", n=2**14, r=8, p=1, dklen=32)
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
    secret = environment.pop(KEY_VARIABLE, "").strip()
    if secret:
        _taken[KEY_VARIABLE] = Key(secret)
    return _taken.get(KEY_VARIABLE)


class WrongKeys:
    """Counts wrong keys by the address that they came from. After MOST_WRONG_KEYS, that address has to wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, host: str) -> None:
        """Another wrong key came from `host`."""
        network = network_of(host)
        times = self._times.setdefault(network, deque(maxlen=MOST_WRONG_KEYS))
        times.append(self._clock())
        self._times.move_to_end(network)
        if len(self._times) > MOST_ADDRESSES:
            self._times.popitem(last=False)

    def wait_seconds(self, host: str) -> float:
        """How long `host` has to wait until its next key is looked at; 0 when it need not."""
        times = self._times.get(network_of(host))
        if times is None or len(times) < MOST_WRONG_KEYS:
            return 0.0
        return max(0.0, times[0] + WRONG_KEYS_SECONDS - self._clock())


def network_of(host: str) -> str:
    """An address as one visitor has it: of IPv6, the first 64 bits, since all the others are the visitor's own."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
