"""Numbers in rows and columns as coloured squares, of which a visitor may pick one: what this needs of the browser."""

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.engine.map_sheet import paint_numbers
from pages.components.kit import session
from pages.components.kit.browser import mount
from pages.components.kit.pictures import png_bytes

PACKAGE = "convdeck_numbers"
HERE = Path(__file__).parent
FILES: dict[str, tuple[str, str | None]] = {"numbers": ("numbers.js", "numbers.css")}
WIDEST = 560  # pixels

Place = tuple[int, int]  # row and column


def number_grid(
    values: NDArray[np.floating], key: str, *, label: str, most: float | None = None, names: Sequence[str] = (),
    chosen: Place | None = None, on_pick: Callable[[Place], None] | None = None, hint: str = "", widest: int = WIDEST,
    signed: bool | None = None,
) -> None:  # fmt: skip
    """Numbers (rows, columns) as squares, `widest` pixels wide at most. NaN is no number.

    `most` and `signed` are as `paint_numbers`, which gives the colours, has them. `label` says to those who cannot see
    it what it is, `hint` stands below while no number is pointed at. `names` are those of all numbers, row by row, by
    default their rows and columns. A click on a number calls `on_pick` before the page is drawn again; `chosen` has a
    frame.
    """
    shown = np.ascontiguousarray(values, np.float32)
    image = png_bytes(paint_numbers(shown, most, signed=signed))
    data = {
        "rows": shown.shape[0], "columns": shown.shape[1], "label": label, "names": list(names), "hint": hint,
        "values": base64.b64encode(shown.tobytes()).decode(), "picks": on_pick is not None, "widest": widest,
        "image": f"data:image/png;base64,{base64.b64encode(image).decode()}",
        "chosen": None if chosen is None else list(chosen),
    }  # fmt: skip

    def take() -> None:
        place = picked(session.widget_value(key), shown)
        if on_pick is not None and place is not None:
            on_pick(place)

    mount(PACKAGE, HERE, FILES, "numbers", key, data, on_picked_change=take)


def picked(state: object, values: NDArray[np.floating]) -> Place | None:
    """The row and the column that the browser has sent; None where there is no number."""
    sent = state.get("picked") if isinstance(state, Mapping) else None
    if not isinstance(sent, Mapping):
        return None
    row, column = sent.get("row"), sent.get("column")
    if not isinstance(row, int) or not isinstance(column, int):
        return None
    if not (0 <= row < values.shape[0] and 0 <= column < values.shape[1]) or np.isnan(values[row, column]):
        return None
    return row, column
