"""What these pages need of the browser beyond Streamlit: an upload in portions, a grid of pictures, a scroll."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pages.components.kit.browser import mount

PACKAGE = "convdeck"
HERE = Path(__file__).parent
# Name of each component: its script and its style in `assets`.
FILES: dict[str, tuple[str, str | None]] = {
    "upload": ("upload.js", "upload.css"),
    "pictures": ("pictures.js", "pictures.css"),
    "scroll": ("scroll.js", None),
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


def picture_grid(
    sheet: bytes, size: tuple[int, int], columns: int, groups: Sequence[tuple[str, Sequence[str]]], key: str
) -> None:
    """Pictures of `size` (width, height) that lie in a PNG `sheet` side by side in rows of `columns`.

    `groups` are headings with what each picture beneath is, in the order of the sheet.
    """
    data = {
        "sheet": f"data:image/png;base64,{base64.b64encode(sheet).decode()}",
        "width": size[0], "height": size[1], "columns": columns,
        "groups": [{"name": name, "labels": list(labels)} for name, labels in groups],
    }  # fmt: skip
    _mount("pictures", key=key, data=data)


def scroll_here(token: str) -> None:
    """Bring this place into view, once per token."""
    _mount("scroll", key="scroll-here", data={"token": token})


def _nothing() -> None:
    """A component sends only what it has a callback for."""


def _mount(name: str, key: str, data: Mapping[str, Any] | None = None, **callbacks: Any) -> Any:
    return mount(PACKAGE, HERE, FILES, name, key, data, **callbacks)
