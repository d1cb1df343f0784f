"""What the server reads and sets of Streamlit's own options and memory; core never imports Streamlit."""

from collections.abc import Sequence

import streamlit as st
from streamlit import config


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
