"""Curves as CSV, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable

from core.epoch import CURVE_KEYS, Curves
from core.store.records import Run, finite

# A spreadsheet takes a cell that begins with one of these for a formula and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def curves_csv(runs: Iterable[tuple[Run, Curves]]) -> str:
    """A row per run and epoch: `run`, `name`, then the curves by their names. What is not known is empty."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("run", "name", *CURVE_KEYS))
    for run, curves in runs:
        for epoch, *values in zip(*(curves[key] for key in CURVE_KEYS), strict=True):
            writer.writerow((run.id, escape_cell(run.name), epoch, *(finite(value) for value in values)))
    return out.getvalue()


def escape_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe is put before it where one would."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
