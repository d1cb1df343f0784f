"""Addresses of the network: which ones only this computer reaches, and which ones are one visitor."""

import ipaddress


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
