"""Addresses of other computers: which ones a name stands for, and whether they are in the public internet."""

import ipaddress
import socket

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def addresses_of(host: str, port: int) -> list[str]:
    """Every address of a name or an address itself, in the order in which the system would try them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet: not this computer, its network, multicast or a reserved one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        # Addresses that lead to an IPv4 one which is part of them.
        if found.teredo is not None:
            return False
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if int(found) < 2**32:  # the former IPv4-compatible ones
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def is_public_only(host: str, port: int = 443) -> bool:
    """Whether all addresses of a name are public ones. Raises OSError where it has none."""
    return all(is_public(address) for address in addresses_of(host, port))
