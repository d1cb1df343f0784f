"""Buttons that delete: red, wherever they stand, and the row that ends a dialog which asks first."""

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

ICON = ":material/delete:"


def destructive_button(
    label: str, key: str, *, type: Literal["secondary", "tertiary"] = "secondary", disabled: bool = False,
    help: str | None = None, on_click: Callable[..., None] | None = None, args: tuple[Any, ...] = (),
) -> bool:  # fmt: skip
    """A button whose words are red while it can be pressed. `label` is of ours: it holds no name.

    Streamlit's buttons have the accent's colour or none; a label can have one of its own.
    """
    return st.button(
        label if disabled else f":red[{label}]", key, help, on_click, args, type=type, icon=ICON, disabled=disabled
    )  # fmt: skip


def render_confirmation(
    label: str, key: str, *, keep: str = "Keep", on_click: Callable[..., None], args: tuple[Any, ...] = ()
) -> None:
    """The end of a dialog: a way out, and the button that calls `on_click(*args)`. Both close the dialog.

    `key` is that of the deleting button; that of the way out is `keep-` and the rest of it.
    """
    with st.container(horizontal=True, horizontal_alignment="right"):
        kept = st.button(keep, key=f"keep-{key.removeprefix('really-delete-')}")
        deleted = destructive_button(label, key, on_click=on_click, args=args)
    if kept or deleted:
        st.rerun()
