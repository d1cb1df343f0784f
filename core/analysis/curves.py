"""Curves as tables: the data that charts are drawn from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from core.epoch import CURVE_KEYS

if TYPE_CHECKING:
    import pandas as pd

GAP_IN_WORDS = (
    "Clean training accuracy minus validation accuracy, in percentage points: the median of the last three epochs, "
    "which one odd epoch does not move. Of runs of other tools, training accuracy as recorded minus validation, the "
    "lowest of the last three epochs."
)


def curves_frame(curves: Mapping[str, list[Any]]) -> "pd.DataFrame":
    """A row per epoch and a column per curve: `epoch` int64, all others float64 with NaN for what is not known."""
    import pandas as pd  # late: it is half of what the server loads before it answers

    # None becomes NaN. From arrays: a Series for each would take five times as long.
    columns = {key: np.array(curves[key], "int64" if key == "epoch" else "float64") for key in CURVE_KEYS}
    return pd.DataFrame(columns)


def downsample(frame: "pd.DataFrame", most: int = 1000, keep: int | None = None) -> "pd.DataFrame":
    """At most `most` rows, evenly spread, for drawing.

    The first, the last and the row whose epoch is `keep` are always among them: thinning must not hide the best.
    """
    if most < 3:
        raise ValueError(f"most must be at least 3, not {most}.")
    if len(frame) <= most:
        return frame
    rows = np.linspace(0, len(frame) - 1, most).round().astype(int)
    if keep is not None and (found := np.flatnonzero(frame["epoch"].to_numpy() == keep)).size:
        nearest = 1 + int(np.abs(rows[1:-1] - found[0]).argmin())
        if found[0] not in (rows[0], rows[-1]):
            rows[nearest] = found[0]
    return frame.iloc[rows].reset_index(drop=True)


def best_epoch(curves: Mapping[str, list[Any]]) -> int | None:
    """The first epoch with the highest validation accuracy; None when there is none."""
    rows = zip(curves["val_accuracy"], curves["epoch"], strict=True)
    known = [(value, -epoch) for value, epoch in rows if value is not None]
    return -max(known)[1] if known else None
