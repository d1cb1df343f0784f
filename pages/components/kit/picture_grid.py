"""A grid of many small pictures from one file, and a scroll to a place: what these need of the browser."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages.components.kit.browser import mount, take_no_notice

PACKAGE = "convdeck_pictures"
HERE = Path(__file__).parent
# Name of each component: its script and its style in `assets`.
FILES: dict[str, tuple[str, str | None]] = {
    "pictures": ("pictures.js", "pictures.css"),
    "scroll": ("scroll.js", None),
}


def picture_grid(
    sheet: bytes, size: tuple[int, int], columns: int, groups: Sequence[tuple[str, Sequence[str]]], key: str, *,
    captions: Sequence[str] = (), marks: Sequence[str] = (), picks: bool = False, is_roomy: bool = False,
    chosen: int | None = None,
) -> int | None:  # fmt: skip
    """Pictures of `size` (width, height) that lie in a PNG `sheet` side by side in rows of `columns`.

    `groups` are headings with what each picture beneath is, in the order of the sheet. `captions` are lines below each
    picture, `marks` words on it, both in that order. A click shows a picture large; with `picks` it returns, once, its
    place in the sheet, and the one at `chosen` is framed. Few pictures may be drawn larger, `is_roomy`.
    """
    data = {
        "sheet": f"data:image/png;base64,{base64.b64encode(sheet).decode()}",
        "width": size[0], "height": size[1], "columns": columns, "captions": list(captions), "marks": list(marks),
        "picks": picks, "roomy": is_roomy, "chosen": chosen,
        "groups": [{"name": name, "labels": list(labels)} for name, labels in groups],
    }  # fmt: skip
    picked = _mount("pictures", key=key, data=data, on_picked_change=take_no_notice).picked
    place = picked.get("place") if isinstance(picked, Mapping) else None
    count = sum(len(labels) for _, labels in groups)
    return place if isinstance(place, int) and 0 <= place < count else None


def scroll_here(token: str, key: str) -> None:
    """Bring this place into view, once per token. `key` tells the places of a page from one another."""
    _mount("scroll", key=f"scroll-{key}", data={"token": token})


def _mount(name: str, key: str, data: Mapping[str, Any] | None = None, **callbacks: Any) -> Any:
    return mount(PACKAGE, HERE, FILES, name, key, data, **callbacks)
