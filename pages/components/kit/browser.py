"""What pages need of the browser beyond Streamlit: their own scripts, where it runs, and how wide its window is.

Scripts are files in a folder `assets`, which Streamlit serves: scripts in a text would come from `blob:` addresses,
which a content security policy for this server's own scripts alone does not let run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from pages.components.kit import session

# Fields beside one another and a legend of long lines need more.
NARROW_PIXELS = 800
NARROW = "is-narrow"


def mount(
    package: str, folder: Path, files: Mapping[str, tuple[str, str | None]], name: str, key: str,
    data: Mapping[str, Any] | None = None, **callbacks: Any,
) -> Any:  # fmt: skip
    """The component `name` of `files`, which has the script and style of each component in `folder`/assets."""
    full_name = f"{package}.{name}"
    manager = get_bidi_component_manager()
    # A manifest is what installed packages have; of these no package is installed.
    if manager.get_component_asset_root(full_name) is None:
        configs = [ComponentConfig(each, "assets") for each in files]
        manager.register_from_manifest(ComponentManifest(package, "1", configs), folder)
    script, style = files[name]
    component = st.components.v2.component(full_name, js=script, css=style)
    return component(key=key, data=data, **callbacks)


def take_no_notice() -> None:
    """The callback for a state that is read from what `mount` returns: without any, a component sends nothing."""


def is_on_this_computer() -> bool:
    """Whether the visitor's browser runs where the server does, as far as the page's address tells."""
    return urlsplit(st.context.url or "").hostname in ("localhost", "127.0.0.1", "::1")


def is_narrow() -> bool:
    """Whether the window is that of a phone, as far as is known: at first by what the browser says it is."""
    known = session.widget_value(NARROW)
    return "Mobi" in st.context.headers.get("User-Agent", "") if known is None else bool(known)


def watch_width() -> None:
    """Draw the page again when its window becomes narrow, or wide. For the end of a page: it takes up a line."""
    known = is_narrow()
    found = mount(
        "convdeck_kit", Path(__file__).parent, {"viewport": ("viewport.js", None)}, "viewport", "viewport",
        {"pixels": NARROW_PIXELS, "known": known}, on_narrow_change=_take_width,
    ).narrow  # fmt: skip
    if isinstance(found, bool):
        session.set_widget(NARROW, found)


def _take_width() -> None:
    """Before the page is drawn again."""
    found = session.widget_value("viewport")
    if isinstance(found, Mapping) and isinstance(found.get("narrow"), bool):
        session.set_widget(NARROW, found["narrow"])
