"""Maps whose columns are epochs: their cells, and what their Vega-Lite specs share. No `st.*`."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.store.class_accuracy import Counts

MOST_COLUMNS = 100  # with more epochs than that, a column stands for several of them

# A column's epochs in words: `7`, or `7 to 9`.
EPOCHS_TEXT = {
    "calculate": "(datum.start + 0.5) + (datum.end - datum.start > 1 ? ' to ' + (datum.end - 0.5) : '')",
    "as": "epochs",
}


def columns_of(epochs: Counts) -> list[NDArray[np.int64]]:
    """Positions of the epochs that each column stands for: one each, or evenly spread over MOST_COLUMNS."""
    return np.array_split(np.arange(len(epochs)), min(MOST_COLUMNS, max(1, len(epochs))))


def cells(epochs: Counts, num_rows: int) -> pd.DataFrame:
    """A row for each column and each of `num_rows` things, column by column.

    `start` and `end` on the axis of epochs, float32: half an epoch around those of the column. `rank`, int16: 0 to
    num_rows - 1.
    """
    columns = columns_of(epochs)
    start = np.array([epochs[part[0]] - 0.5 for part in columns], np.float32)
    end = np.array([epochs[part[-1]] + 0.5 for part in columns], np.float32)
    return pd.DataFrame(
        {
            "start": np.repeat(start, num_rows),
            "end": np.repeat(end, num_rows),
            "rank": np.tile(np.arange(num_rows, dtype=np.int16), len(columns)),
        }
    )


def epoch_encoding() -> dict[str, Any]:
    """`x` and `x2` of the cells."""
    return {
        "x": {
            "field": "start",
            "type": "quantitative",
            "title": "Epoch",
            "scale": {"nice": False, "zero": False},
            "axis": {"format": "d", "tickMinStep": 1, "grid": False},
        },
        "x2": {"field": "end"},
    }


def named(number: str, names: Sequence[str]) -> str:
    """An expression for the name of the class whose number the expression `number` gives.

    As a JSON literal a name stays a piece of text, whatever it holds.
    """
    return f"({json.dumps(list(names))})[{number}]"
