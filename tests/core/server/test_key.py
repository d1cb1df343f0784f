"""The key, its cookie, and how often a wrong one may be tried."""

import hashlib
import hmac
import os
import subprocess
import sys

import pytest
from itsdangerous import TimestampSigner
from starlette.datastructures import Headers

from core.server import key as module
from core.server.key import MOST_WRONG_KEYS, WRONG_KEYS_SECONDS, Key, WrongKeys, has_key, source_of, take_key
from core.system.addresses import network_of

SECRET = "correct horse battery staple"


@pytest.fixture(autouse=True)
def nothing_taken(monkeypatch):
    monkeypatch.setattr(module, "_taken", {})


@pytest.fixture(scope="module")
def key() -> Key:
    return Key(SECRET)


@pytest.mark.parametrize("given", ["", "correct", SECRET + "!", SECRET.upper(), "é"])
def test_only_the_whole_key_is_right(key: Key, given: str) -> None:
    assert key.matches(SECRET.encode())
    assert not key.matches(given.encode())


def test_keys_are_compared_in_constant_time(key: Key, monkeypatch) -> None:
    compared = []
    compare = hmac.compare_digest
    monkeypatch.setattr(module.hmac, "compare_digest", lambda *both: compared.append(both) or compare(*both))
    key.matches(b"x" * 10_000)
    assert [tuple(map(len, both)) for both in compared] == [(32, 32)]


def test_a_cookie_is_signed_and_tells_nothing(key: Key) -> None:
    cookie = key.sign_in()
    assert key.cookie_age(cookie) == pytest.approx(0, abs=2)
    for secret in (SECRET, hashlib.sha256(SECRET.encode()).hexdigest()):
        assert secret not in cookie + key.cookie_name + repr(key)
    value, _, signature = cookie.rpartition(".")
    for forged in (
        "", "in", value, f"{value}.{signature[:-1]}", f"{value}x.{signature}", SECRET, "ü.ü.ü",
        TimestampSigner(SECRET, salt="convdeck.sign-in", digest_method=hashlib.sha256).sign(b"in").decode(),
    ):  # fmt: skip
        assert key.cookie_age(forged) is None


def test_a_cookie_outlives_the_server_but_not_its_key_nor_a_month(key: Key, monkeypatch) -> None:
    cookie = key.sign_in()
    assert Key(SECRET).cookie_age(cookie) is not None
    other = Key("another key")
    assert other.cookie_age(cookie) is None
    assert other.cookie_name != key.cookie_name
    monkeypatch.setattr(module, "SIGNED_IN_SECONDS", -1)
    assert key.cookie_age(cookie) is None


def test_the_key_leaves_the_environment() -> None:
    environment = {"CONVDECK_TOKEN": f" {SECRET}\n", "HOME": "/"}
    taken = take_key(environment)
    assert taken is not None and taken.matches(SECRET.encode())
    assert environment == {"HOME": "/"}
    assert take_key(environment) is taken  # app.py may be loaded a second time
    assert has_key()


def test_a_key_is_its_bytes_whatever_they_are(monkeypatch) -> None:
    """A key may end with byte A0, which Latin-1 has for a space, and need not be UTF-8 at all."""
    for given in (SECRET.encode() + b"\xc3\xa0", SECRET.encode() + b"\xff\xfe\x85"):
        monkeypatch.setattr(module, "_taken", {})
        taken = take_key({"CONVDECK_TOKEN": os.fsdecode(b"\t" + given + b"\n")})
        assert taken is not None and taken.matches(given)
        assert taken.cookie_age(taken.sign_in()) is not None


@pytest.mark.parametrize("environment", [{}, {"CONVDECK_TOKEN": ""}, {"CONVDECK_TOKEN": " \n"}])
def test_an_empty_key_is_none(environment: dict[str, str]) -> None:
    assert take_key(environment) is None
    assert not has_key()


def test_after_ten_wrong_keys_an_address_has_to_wait() -> None:
    now = 0.0
    wrong = WrongKeys(clock=lambda: now)
    for _ in range(MOST_WRONG_KEYS):
        assert wrong.wait_seconds("192.0.2.1") == 0
        wrong.count("192.0.2.1")
    assert wrong.wait_seconds("192.0.2.1") == WRONG_KEYS_SECONDS
    assert wrong.wait_seconds("192.0.2.2") == 0
    now = WRONG_KEYS_SECONDS
    assert wrong.wait_seconds("192.0.2.1") == 0


@pytest.mark.parametrize("forwarded", ["192.0.2.1", "192.0.2.2", "x", ""])
def test_who_names_an_address_does_not_become_it(forwarded: str) -> None:
    """uvicorn takes X-Forwarded-For of a request from loopback for its address."""
    here = source_of({"client": ("127.0.0.1", 5000)}, Headers({}))
    named = {"client": (forwarded or "127.0.0.1", 0)}
    assert source_of(named, Headers({"X-Forwarded-For": forwarded})) == here
    for scope in ({"client": ("::1", 5000)}, {"client": None}, {}):
        assert source_of(scope, Headers({})) == here
    assert source_of({"client": ("192.0.2.1", 5000)}, Headers({})) == "192.0.2.1" != here


def test_the_addresses_that_are_counted_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_ADDRESSES", 3)
    wrong = WrongKeys()
    for number in range(50):
        wrong.count(f"192.0.2.{number}")
    assert len(wrong._times) == 3


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_one_visitor_is_one_address(host: str, expected: str) -> None:
    assert network_of(host) == expected


def test_the_command_line_needs_no_key_and_no_key_is_in_its_way(tmp_path) -> None:
    for secret in ("", SECRET):
        environment = {**os.environ, "CONVDECK_HOME": str(tmp_path), "CONVDECK_TOKEN": secret}
        listed = subprocess.run(
            [sys.executable, "-m", "core", "runs", "--json"], env=environment, capture_output=True, text=True
        )
        assert (listed.returncode, listed.stdout.strip()) == (0, "[]")
