"""Which addresses other computers reach, and what is said to a person who would serve them without a key."""

import socket

import pytest

from core.errors import UserError
from core.server import listening
from core.server.listening import (
    check_guarded,
    is_loopback,
    listening_addresses,
    note_guard,
    refusal_to_listen,
)
from core.server.services import get_services


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("", True),  # a Unix socket
        ("/run/convdeck.sock", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("10.0.0.1", False),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_only_loopback_is_this_computer(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_this_computer_alone_is_served_without_a_key() -> None:
    assert refusal_to_listen([("127.0.0.1", 8501), ("::1", 8501)]) is None
    assert refusal_to_listen([]) is None


def test_a_refusal_names_address_and_way_out() -> None:
    said = refusal_to_listen([("127.0.0.1", 1), ("::", 8501), ("192.0.2.1", 8502)])
    assert said is not None
    for part in ("[::]:8501", "192.0.2.1:8502", "CONVDECK_TOKEN", "server.address"):
        assert part in said
    assert "127.0.0.1:1" not in said


def test_the_operating_system_tells_where_a_process_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as here:
        assert here.getsockname() in listening_addresses()
        port = here.getsockname()[1]
    assert port not in [each for _, each in listening_addresses()]


def test_pages_without_the_middleware_serve_no_others_and_ignore_no_key(workspace, monkeypatch) -> None:
    monkeypatch.setattr(listening, "_guarded", False)
    check_guarded()
    with monkeypatch.context() as patch:
        patch.setattr(listening, "listening_addresses", lambda: [("0.0.0.0", 8501)])
        with pytest.raises(UserError, match=r"0\.0\.0\.0:8501"):
            get_services()
    monkeypatch.setenv("CONVDECK_TOKEN", "secret")
    with pytest.raises(UserError, match=r"app\.py"):
        get_services()
    note_guard()
    assert get_services().workspace == workspace
