"""The teacher's key of a class, and the addresses that phones reach."""

import stat

import pytest

from core.errors import UserError
from core.server import access, classroom, key
from core.server.classroom import kept_class_key, lan_hosts, reachable_addresses


def test_a_key_is_made_once_for_its_owner_alone(workspace):
    made = kept_class_key(workspace)
    assert len(made) >= 24 and kept_class_key(workspace) == made
    assert stat.S_IMODE(workspace.class_key.stat().st_mode) == 0o600
    workspace.class_key.chmod(0o644)
    assert kept_class_key(workspace) == made
    assert stat.S_IMODE(workspace.class_key.stat().st_mode) == 0o600
    workspace.class_key.write_text(" \n")
    assert kept_class_key(workspace) not in ("", made)


def test_a_key_that_cannot_be_kept_is_refused_in_words(workspace):
    workspace.class_key.mkdir()
    with pytest.raises(UserError, match=r"cannot be kept in .*class-key: .*CONVDECK_TOKEN"):
        kept_class_key(workspace)
    workspace.class_key.rmdir()
    workspace.class_key.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="it is not text"):
        kept_class_key(workspace)


def test_a_class_has_a_key_of_the_environment_or_one_that_is_made(workspace, monkeypatch):
    monkeypatch.setattr(key, "_taken", {})
    environment = {"CONVDECK_TOKEN": "correct horse battery", "CONVDECK_CLASS": "1"}
    given = key.take_key(environment)
    assert environment == {} and given.matches(b"correct horse battery") and key.has_class()
    assert not workspace.class_key.exists() and not given.is_kept
    made = key.take_key({"CONVDECK_CLASS": "1"})
    assert made.matches(kept_class_key(workspace).encode()) and key.has_class() and made.is_kept
    monkeypatch.setattr(key, "_taken", {})
    assert key.take_key({"CONVDECK_CLASS": "0"}) is None and not key.has_class()
    key.take_key({"CONVDECK_TOKEN": "correct horse battery"})
    assert not key.has_class()


@pytest.mark.parametrize("left", ["of a former class\n", ""])
def test_a_key_that_was_given_leaves_the_kept_one_alone(workspace, monkeypatch, left):
    monkeypatch.setattr(access, "listening_addresses", lambda: [("192.0.2.3", 8501)])
    workspace.class_key.write_text(left)
    workspace.class_key.chmod(0o644)
    given = key.Key("correct horse battery", is_class=True)
    told = access._announce(given, given.join_key)
    assert "the one in CONVDECK_TOKEN" in told and "correct horse" not in told
    assert (workspace.class_key.read_text(), stat.S_IMODE(workspace.class_key.stat().st_mode)) == (
        left,
        0o644,
    )
    workspace.class_key.unlink()
    made = kept_class_key(workspace)
    assert f"key {made}" in access._announce(key.Key(made, is_class=True, is_kept=True), given.join_key)


def test_phones_are_given_addresses_of_their_network(monkeypatch):
    interfaces = {
        "lo": ["127.0.0.1"], "docker0": ["172.17.0.1"], "wlan0": ["192.168.1.5"], "eth0": ["93.184.216.34", "10.0.0.7"],
        "veth12": ["10.9.9.9"], "usb0": ["169.254.3.4"],
    }  # fmt: skip
    assert lan_hosts(interfaces) == ["10.0.0.7", "192.168.1.5", "93.184.216.34"]
    monkeypatch.setattr(classroom, "_addresses_by_interface", lambda: {"wlan0": ["192.168.1.5", "10.0.0.7"]})
    both = ["http://192.168.1.5:8501", "http://10.0.0.7:8501"]
    assert reachable_addresses([("0.0.0.0", 8501), ("::", 8501), ("127.0.0.1", 8502)]) == both
    assert reachable_addresses([("192.0.2.3", 80), ("fe80::1", 80)]) == [
        "http://192.0.2.3:80",
        "http://[fe80::1]:80",
    ]
