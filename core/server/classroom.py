"""A server for a class: the teacher's key where none was given, and the addresses that the visitors' devices reach."""

import contextlib
import io
import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence

import psutil

from core.errors import UserError
from core.system.addresses import is_loopback
from core.workspace import Workspace

KEY_VARIABLE = "CONVDECK_TOKEN"
CLASS_VARIABLE = "CONVDECK_CLASS"
JOIN_PARAMETER = "join"  # in an address: the key with which visitors join
_MOST_BYTES = 1000
# Interfaces of virtual machines and containers, which no phone reaches.
_VIRTUAL = re.compile("(docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxd|cni|flannel|podman|awdl|llw|utun)")


def kept_class_key(workspace: Workspace) -> str:
    """The key in the workspace's `class-key`, which only its owner can read; made where it is missing or empty.

    It is made once, so that a restart signs out no one. Raises UserError where it can be neither read nor written.
    """
    workspace.ensure()
    path = workspace.class_key
    try:
        with contextlib.suppress(FileNotFoundError):
            path.chmod(0o600)
            if kept := path.read_text("utf-8")[:_MOST_BYTES].strip():
                return kept
            path.unlink()
        made = secrets.token_urlsafe(18)
        # Created with these rights, not changed to them: no one can have opened it in between.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made + "\n")
        return made
    except (OSError, UnicodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UserError(
            f"The key of the class cannot be kept in {path}: {said}. Remove that file or fix its permissions, or set a "
            "key of your own in CONVDECK_TOKEN."
        ) from error


def announcement(addresses: Sequence[str], join_key: str, made_key: str | None) -> str:
    """What the terminal shows the teacher at the start. `made_key` is the teacher's own key where it was made here."""
    if not addresses:
        return (
            "\n  The class has not begun: no other computer reaches this one. Connect it to the network of the class, "
            "then start again.\n"
        )
    wide = max(map(len, addresses))
    here = f"http://localhost:{addresses[0].rpartition(':')[2]}"
    own = made_key or f"the one in {KEY_VARIABLE}"
    lines = [
        "",
        "  The class is open. The QR code is on Home.",
        "",
        *(f"  Students     {address.ljust(wide)}   key {join_key}" for address in addresses),
        f"  You          {here.ljust(wide)}   key {own}",
        "",
        "  Keep your own key to yourself: with it, every run can be stopped and deleted.",
        "",
    ]
    return "\n".join(lines)


def join_link(address: str, join_key: str) -> str:
    """The address that asks for a name alone, for a QR code."""
    return f"{address}/?{JOIN_PARAMETER}={join_key}"


def qr_code(text: str) -> bytes:
    """A PNG of the QR code of `text`, black on white with the margin that ISO/IEC 18004 asks for: 4 modules."""
    import segno  # 1 MB of the server's memory that only a class needs

    image = io.BytesIO()
    segno.make(text, error="m", micro=False).save(image, kind="png", scale=16, border=4)
    return image.getvalue()


def reachable_addresses(listening: Iterable[tuple[str, int]]) -> list[str]:
    """`http://192.168.1.5:8501` for each address at which other computers reach this server, the likeliest first."""
    found = []
    for host, port in listening:
        if host in ("0.0.0.0", "::"):
            hosts = lan_hosts(_addresses_by_interface())
        else:
            hosts = [] if is_loopback(host) else [host]
        found += [f"http://{f'[{each}]' if ':' in each else each}:{port}" for each in hosts]
    return list(dict.fromkeys(found))


def lan_hosts(interfaces: Mapping[str, Sequence[str]]) -> list[str]:
    """The IPv4 addresses in a network that phones can be in: private ones first, none of virtual machines' networks."""
    hosts = []
    for name in sorted(interfaces):
        if _VIRTUAL.match(name):
            continue
        for text in interfaces[name]:
            address = ipaddress.IPv4Address(text)
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                hosts.append(address)
    return [str(address) for address in sorted(hosts, key=lambda each: not each.is_private)]


def _addresses_by_interface() -> dict[str, list[str]]:
    states = psutil.net_if_stats()
    return {
        name: [each.address for each in found if each.family == socket.AF_INET]
        for name, found in psutil.net_if_addrs().items()
        if name not in states or states[name].isup
    }
