"""Addresses of the network: which ones only this computer reaches, which are public, which are one visitor."""

import ipaddress
import socket

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

# Headers of proxies: the request is somebody else's then, wherever that is.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


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
        if found.is_site_local:  # fec0::/10, which Python counts as global
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def is_public_only(host: str, port: int = 443) -> bool:
    """Whether all addresses of a name are public ones. Raises OSError where it has none."""
    return all(is_public(address) for address in addresses_of(host, port))


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches an address. What is no address, as a Unix socket's path, counts as such."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return True
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


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
