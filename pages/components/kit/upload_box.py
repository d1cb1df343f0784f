"""A place to choose or drop a file or folder, which the browser sends in portions: nothing is held in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pages.components.kit.browser import mount, take_no_notice

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
    uploaded = _mount("upload", key=key, data=data, on_uploaded_change=take_no_notice).uploaded
    if not isinstance(uploaded, Mapping) or not isinstance(uploaded.get("id"), str):
        return None
    return Uploaded(uploaded["id"], bool(uploaded.get("collected")))


def zip_box(key: str) -> str | None:
    """For one .zip or folder of pictures without classes. Returns the upload's id, once, when all of it is there."""
    uploaded = _mount("upload", key=key, data={"pictures": True}, on_uploaded_change=take_no_notice).uploaded
    found = uploaded.get("id") if isinstance(uploaded, Mapping) else None
    return found if isinstance(found, str) else None


def _mount(name: str, key: str, data: Mapping[str, Any] | None = None, **callbacks: Any) -> Any:
    return mount(PACKAGE, HERE, FILES, name, key, data, **callbacks)
