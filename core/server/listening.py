"""Where this process listens, and the refusal to serve other computers without a key."""

import contextlib
import os
from collections.abc import Iterable

import psutil

from core.errors import UserError
from core.server.classroom import KEY_VARIABLE
from core.server.key import BLANKS
from core.system.addresses import is_loopback

_guarded = False


def listening_addresses() -> list[tuple[str, int]]:
    """Address and port of every TCP socket of this process that listens, whatever made it listen there.

    Empty where the operating system does not tell.
    """
    with contextlib.suppress(psutil.Error, OSError):
        return sorted(
            {
                (each.laddr.ip, each.laddr.port)
                for each in psutil.Process().net_connections("tcp")
                if each.status == psutil.CONN_LISTEN
            }
        )
    return []


def refusal_to_listen(addresses: Iterable[tuple[str, int]]) -> str | None:
    """Why a server without a key does not start at `addresses`; None when only this computer reaches them."""
    open_ones = [
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        for host, port in addresses
        if not is_loopback(host)
    ]
    if not open_ones:
        return None
    return (
        f"ConvDeck was not started: it would listen on {', '.join(open_ones)}, where other computers reach it, and has "
        f"no key. Without one, anyone there could start runs and see every data set and picture.\n"
        f"To use it on this computer alone, have it listen on 127.0.0.1: remove --server.address and "
        f"STREAMLIT_SERVER_ADDRESS, and leave server.address in .streamlit/config.toml as it came.\n"
        f"To serve others, choose a long key and set it in the environment variable {KEY_VARIABLE}; browsers and "
        f"programs then have to give it:\n"
        f"  export {KEY_VARIABLE}=\"$(python3 -c 'import secrets; print(secrets.token_urlsafe(24))')\"\n"
        f'  echo "$' + KEY_VARIABLE + '"'
    )


def refusal_of_base_path(base_path: str) -> str | None:
    """Why a server does not start under a path, `server.baseUrlPath`; None when it has none.

    Streamlit puts its own routes under it and leaves REST, to which pages send pictures, where it is.
    """
    if not base_path.strip("/"):
        return None
    return (
        f"ConvDeck was not started: server.baseUrlPath is {base_path[:60]!r}, and ConvDeck works only at the root of "
        "an address. Remove it from the options, .streamlit/config.toml and STREAMLIT_SERVER_BASE_URL_PATH. Behind a "
        "reverse proxy, give ConvDeck a host name or a port of its own."
    )


def note_guard() -> None:
    """AccessMiddleware stands before everything that this process serves."""
    global _guarded
    _guarded = True


def check_guarded() -> None:
    """Raises UserError in a server without AccessMiddleware that serves others, or has a key that it does not ask for.

    That is `streamlit run pages/shell.py`, for example.
    """
    if _guarded:
        return
    if os.environ.get(KEY_VARIABLE, "").strip(BLANKS):
        raise UserError(f"Only app.py asks for the key in {KEY_VARIABLE}: run streamlit run app.py.")
    if problem := refusal_to_listen(listening_addresses()):
        raise UserError(problem)
