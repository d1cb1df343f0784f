"""What a session keeps of pictures that are being imported: the upload, what was wrong with it, where to look next."""

import secrets
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.importing.report import DamagedPictures


def held_upload() -> str | None:
    """The id of the file that this visitor has uploaded and not imported yet."""
    return st.session_state.get("held_upload")


def hold_upload(upload_id: str | None, *, collected: bool = False) -> None:
    """Remember it, or None for no file; and whether it was made of the boxes of the classes."""
    st.session_state["held_upload"] = upload_id
    st.session_state["held_is_collected"] = collected
    st.session_state.pop("damaged_pictures", None)


def is_collected() -> bool:
    """Whether the held upload was made of the boxes of the classes."""
    return bool(st.session_state.get("held_is_collected"))


def settle_upload(upload_id: str, refused: Sequence[str] | None) -> None:
    """Let go of an upload: it was imported (None), or is to be changed as these files in it cannot be read."""
    st.session_state["settled_upload"] = upload_id, refused
    hold_upload(None)


def settled_upload() -> tuple[str, Sequence[str] | None] | None:
    """The last upload that was let go, as `settle_upload` got it."""
    return st.session_state.get("settled_upload")


def is_choosing_pictures() -> bool:
    """Whether a file waits to be imported, or the last one was let go to choose others."""
    settled = settled_upload()
    return held_upload() is not None or (settled is not None and settled[1] is not None)


def damaged_pictures() -> tuple[DamagedPictures, float] | None:
    """Why the held upload could not be imported, and after how many seconds, where leaving out pictures would help."""
    return st.session_state.get("damaged_pictures")


def set_damaged_pictures(error: DamagedPictures, seconds: float) -> None:
    """Keep it while the visitor decides."""
    st.session_state["damaged_pictures"] = error, seconds


def look_inside(dataset_id: str) -> None:
    """Have the page of data sets show this one, and scroll to it."""
    st.session_state["look-inside"] = dataset_id
    st.session_state["scroll_to_inside"] = secrets.token_hex(4)


def scroll_to_inside() -> str | None:
    """Changes each time the page is to scroll to the inside of a data set; None as long as it never was."""
    return st.session_state.get("scroll_to_inside")


def seen_import(files: tuple[str, ...]) -> Any:
    """What the import dialog made of these files, by their ids; None where it has not seen them yet."""
    known = st.session_state.get("seen_import")
    return known[1] if known is not None and known[0] == files else None


def keep_seen_import(files: tuple[str, ...], seen: Any) -> None:
    """Remember it in place of what was seen before; no files: nothing."""
    st.session_state["seen_import"] = (files, seen) if files else None


def ask_for_import() -> None:
    """The visitor wants the dialog that imports a bundle; the page opens it when it is drawn next."""
    st.session_state["import_wanted"] = True


def take_import_request() -> bool:
    """Whether that was asked for, once."""
    return bool(st.session_state.pop("import_wanted", False))
