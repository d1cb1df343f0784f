"""The key of a server: taken from the environment, shown by programs as a header and by browsers as a signed cookie."""

import hashlib
import hmac
import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, MutableMapping
from typing import NamedTuple

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import Headers
from starlette.types import Scope

from core.server.classroom import CLASS_VARIABLE, KEY_VARIABLE, kept_class_key
from core.system.addresses import is_loopback, network_of
from core.visitors.person import MACHINE, TEACHER, Person
from core.workspace import Workspace

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

# Of a join key: no 0 and o, no 1, i and l. Eight of them are 40 bits: at the 100 guesses a second that are
# compared at most, half of all take 135 years.
_EASY_TO_TYPE = "abcdefghjkmnpqrstuvwxyz23456789"
_JOIN_KEY_LETTERS = 8

_taken: dict[str, "Key"] = {}


class SignedIn(NamedTuple):
    """Whom a cookie lets in, and how many seconds ago it was signed."""

    person: Person
    age: float


class Key:
    """A secret, and what is derived from it. Neither its text nor its repr shows the secret.

    In a class it is the teacher's. Visitors join with another one, `join_key`, which says nothing of it. Without a
    class `join_key` is None, and the key is that of the person of this machine. `is_kept`: the key was made here and is
    kept in the workspace, rather than given.
    """

    def __init__(self, secret: str, *, is_class: bool = False, is_kept: bool = False) -> None:
        # Bytes of the environment that are not UTF-8 are surrogate escapes in Python's text.
        encoded = secret.encode(errors="surrogateescape")
        self._digest = hashlib.sha256(encoded).digest()
        self.is_kept = is_kept
        self.is_short = len(secret) < SHORT_KEY
        # Slow on purpose (50 ms, once): browsers also send a cookie to other ports of this machine, and whoever
        # gets one there must not find a short secret by trying.
        derived = hashlib.scrypt(encoded, salt=b"convdeck sign-in", n=2**14, r=8, p=1, dklen=32)
        self._signer = TimestampSigner(derived, salt="convdeck.sign-in", digest_method=hashlib.sha256)
        # Another salt, so that no signature of one is one of the other, whatever is signed.
        self._visitor_signer = TimestampSigner(derived, salt="convdeck.visitor", digest_method=hashlib.sha256)
        self.join_key = _join_key(derived) if is_class else None
        # Two servers of one machine share a browser's cookies, so each key has its own.
        self.id = hashlib.sha256(derived).hexdigest()[:8]  # says nothing of the secret
        self.cookie_name = f"convdeck_{self.id}"

    def matches(self, given: bytes) -> bool:
        """Whether these bytes are the secret, in a time that does not depend on how much of it is right."""
        return hmac.compare_digest(hashlib.sha256(given).digest(), self._digest)

    def admits(self, given: bytes) -> bool:
        """Whether these bytes are the join key, with or without its hyphen, in capitals or not; in constant time."""
        if self.join_key is None:
            return False
        plain = re.sub(rb"[\s-]", b"", given.lower())
        right = self.join_key.replace("-", "").encode()
        return hmac.compare_digest(hashlib.sha256(plain).digest(), hashlib.sha256(right).digest())

    def sign_in(self, person: Person = MACHINE) -> str:
        """A cookie's value, good for SIGNED_IN_SECONDS. It ends with the key, not with the server."""
        if person.is_visitor:
            return self._visitor_signer.sign(str(person.id).encode()).decode()
        return self._signer.sign(b"in").decode()

    def signed_in(self, value: str) -> SignedIn | None:
        """Whom this cookie's value lets in; None for one that this key did not sign, or that has expired."""
        if (found := _unsign(self._signer, value)) is not None:
            return SignedIn(self.holder, found[1])
        if self.join_key is not None and (found := _unsign(self._visitor_signer, value)) is not None:
            return SignedIn(Person("visitor", found[0]), found[1])
        return None

    @property
    def holder(self) -> Person:
        """Who has this key itself."""
        return MACHINE if self.join_key is None else TEACHER

    def cookie_age(self, value: str) -> float | None:
        """Seconds since this value was signed; None where `signed_in` is None."""
        found = self.signed_in(value)
        return None if found is None else found.age


def _unsign(signer: TimestampSigner, value: str) -> tuple[str, float] | None:
    """What was signed, and how many seconds ago."""
    try:
        said, signed = signer.unsign(value, max_age=SIGNED_IN_SECONDS, return_timestamp=True)
        return said.decode(), time.time() - signed.timestamp()
    except (BadSignature, UnicodeError):
        return None


def _join_key(derived: bytes) -> str:
    """`kxm4-7qpt`. As slow to guess the secret from as a cookie is."""
    number = int.from_bytes(hmac.digest(derived, b"convdeck join key", "sha256"))
    letters = ""
    for _ in range(_JOIN_KEY_LETTERS):
        number, letter = divmod(number, len(_EASY_TO_TYPE))
        letters += _EASY_TO_TYPE[letter]
    return f"{letters[:4]}-{letters[4:]}"


def take_key(environment: MutableMapping[str, str]) -> Key | None:
    """The key of `CONVDECK_TOKEN`, which is removed there: none of the processes that the server starts needs it.

    With `CONVDECK_CLASS` it is the key of a class, and made where there is none. Raises UserError where that cannot be
    kept.
    """
    secret = environment.pop(KEY_VARIABLE, "").strip(BLANKS)
    is_class = environment.pop(CLASS_VARIABLE, "").strip() not in ("", "0")
    is_kept = is_class and not secret
    if is_kept:
        secret = kept_class_key(Workspace.from_environment())
    if secret:
        _taken[KEY_VARIABLE] = Key(secret, is_class=is_class, is_kept=is_kept)
    return _taken.get(KEY_VARIABLE)


def taken_key() -> Key | None:
    """The key that this process has taken."""
    return _taken.get(KEY_VARIABLE)


def has_class() -> bool:
    """Whether this process serves a class."""
    key = taken_key()
    return key is not None and key.join_key is not None


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
