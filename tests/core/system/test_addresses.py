"""Which addresses are in the public internet."""

import pytest

from core.system import addresses
from core.system.addresses import is_public, is_public_only


@pytest.mark.parametrize(
    ("address", "public"),
    [
        # Of the registries of IANA: https://www.iana.org/assignments/iana-ipv4-special-registry
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False), ("127.9.9.9", False), ("0.0.0.0", False), ("10.1.2.3", False), ("172.16.0.1", False),
        ("192.168.1.5", False), ("169.254.169.254", False), ("100.64.0.1", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fd00::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:93.184.215.14", True), ("64:ff9b::7f00:1", False), ("::127.0.0.1", False),
        ("2002:7f00:1::1", False), ("2002:0a00:0001::1", False), ("no address", False), ("fec0::1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address, public) -> None:
    assert is_public(address) is public


def test_a_host_counts_as_public_only_with_all_of_its_addresses(monkeypatch) -> None:
    assert not is_public_only("localhost")
    assert not is_public_only("2130706433")  # 127.0.0.1 as one number
    assert is_public_only("93.184.215.14")
    monkeypatch.setattr(addresses, "addresses_of", lambda host, port: ["93.184.215.14", "127.0.0.1"])
    assert not is_public_only("example.com")
