"""What this page needs of the browser beyond Streamlit: an upload in portions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pages.components.kit.browser import mount

PACKAGE = "convdeck"
HERE = Path(__file__).parent
# Name of each component: its script and its style in `assets`.
FILES: dict[str, tuple[str, str | None]] = {
    "upload": ("upload.js", "upload.css"),
}


class Uploaded(NamedTuple):
    """The id of an upload, and whether its pictures were collected in the boxes of the classes."""

    id: str
    collected: bool


def upload_box(
    key: str, imported: str | None = None, refused: tuple[str, Sequence[str]] | None = None
) -> Uploaded | None:
    """A place to choose or drop files. Returns an upload, once, when all of it has arrived.

    Boxes are emptied when the upload that was made of them is `imported`. `refused` is an upload with the files in it
    that cannot be read: they are marked in the boxes.
    """
    data = {"imported": imported, "refused": refused and {"upload": refused[0], "files": list(refused[1])}}
    uploaded = _mount("upload", key=key, data=data, on_uploaded_change=_nothing).uploaded
    if not isinstance(uploaded, Mapping) or not isinstance(uploaded.get("id"), str):
        return None
    return Uploaded(uploaded["id"], bool(uploaded.get("collected")))


def _nothing() -> None:
    """A component sends only what it has a callback for."""


def _mount(name: str, key: str, data: Mapping[str, Any] | None = None, **callbacks: Any) -> Any:
    return mount(PACKAGE, HERE, FILES, name, key, data, **callbacks)
