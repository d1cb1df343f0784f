"""The middleware around Streamlit, with what it reads and sets there: core itself never imports Streamlit."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config, file_util
from streamlit.runtime import get_instance

from core.server.access import AccessMiddleware
from core.server.bodies import BodyMiddleware
from core.server.headers import content_security_policy
from core.server.key import Key


def middleware(key: Key | None) -> list[Middleware]:
    """What every request goes through, from outside to inside. With a key, every name for this server is answered."""
    if key is not None:
        allow_every_host()
    policy = content_security_policy((Path(file_util.get_static_dir()) / "index.html").read_text("utf-8"))
    return [
        # First, so that nobody without the key takes anything of what all bodies together may have.
        Middleware(
            AccessMiddleware,
            allowed_hosts,
            key,
            policy,
            base_path=config.get_option("server.baseUrlPath") or "",
        ),
        Middleware(BodyMiddleware, kept_bytes=kept_bytes),
    ]


def allowed_hosts() -> Sequence[str]:
    """The names that the server answers to while it has no key."""
    names: Sequence[str] = st.get_option("server.allowedHosts")
    return names


def allow_every_host() -> None:
    """Have Streamlit's websocket answer to every name, also after somebody edits config.toml."""

    def allow() -> None:
        if config.get_option("server.allowedHosts"):
            config.set_option("server.allowedHosts", [], "a server with a key")

    config.on_config_parsed(allow, force_connect=True)
    allow()


def kept_bytes(session_id: str | None) -> int:
    """How much of its visitors' uploads Streamlit keeps in memory: those of one session, or of all."""
    sessions = get_instance().uploaded_file_mgr.file_storage
    kept = sessions.values() if session_id is None else [sessions.get(session_id, {})]
    return sum(len(file.data) for files in list(kept) for file in list(files.values()))
