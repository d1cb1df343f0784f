"""Runs with their settings, results and tags, and their curves, as CSV and Parquet.

A table of runs has a row per run; a table of curves is long: a row per run and epoch, whose `run` is the other's `id`.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.comparison.facts import RunFacts
from core.comparison.lines import read_curves
from core.comparison.quantities import RESULTS, setting_names
from core.comparison.run_fields import RUN_FIELDS, Kind
from core.config.labels import setting_at
from core.epoch import CURVE_KEYS
from core.runs.documents import escape_cell
from core.store.records import finite
from core.store.store import Store

CSV, PARQUET = "csv", "parquet"
FORMATS = (CSV, PARQUET)
CONTENT_TYPES = {CSV: "text/csv; charset=utf-8", PARQUET: "application/vnd.apache.parquet"}

_WHOLE_RESULTS = {"parameters", "flops", "epochs", "best_epoch"}
_KINDS: dict[str, Kind] = {
    "whole": "whole", "number": "number", "switch": "switch", "choice": "text", "text": "text", "list": "wholes",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """Values of one kind, whatever runs they are of; what is not known is None."""

    kind: Kind
    values: list[Any]


Table = dict[str, Column]  # of equal length, by their names


def runs_table(facts: Sequence[RunFacts]) -> Table:
    """What is known of each run, its results, and every setting by its path. Times are unix seconds."""
    table = {
        field.column: Column(field.kind, [_listed(field.read(each)) for each in facts])
        for field in RUN_FIELDS
        if field.column is not None
    }
    for key in RESULTS:
        table[key] = Column(
            "whole" if key in _WHOLE_RESULTS else "number", [each.results[key] for each in facts]
        )
    for path in setting_names(facts):
        table[path] = Column(_KINDS[setting_at(path).kind], [each.settings.get(path) for each in facts])
    return table


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def curves_table(store: Store, facts: Sequence[RunFacts]) -> Table:
    """Every epoch of the runs: `run` (its id), `name`, then the curves by their names."""
    curves = read_curves(store, facts)
    ids = [each.id for each in facts for _ in curves[each.number]]
    names = [each.name for each in facts for _ in curves[each.number]]
    rows = np.concatenate([np.empty((0, len(CURVE_KEYS))), *(curves[each.number] for each in facts)])
    table: Table = {"run": Column("text", ids), "name": Column("text", names)}
    table["epoch"] = Column("whole", rows[:, 0].astype(int).tolist())
    for position, key in enumerate(CURVE_KEYS[1:], start=1):
        table[key] = Column("number", [finite(value) for value in rows[:, position].tolist()])
    return table


def export_runs(facts: Sequence[RunFacts], file_format: str) -> bytes:
    """The table of runs as a file: `csv` or `parquet`."""
    return write_table(runs_table(facts), file_format)


def export_curves(store: Store, facts: Sequence[RunFacts], file_format: str) -> bytes:
    """The table of curves as a file: `csv` or `parquet`."""
    return write_table(curves_table(store, facts), file_format)


def write_table(table: Table, file_format: str) -> bytes:
    """A table as a file. In CSV lists are JSON, unknown values are empty, and no cell is read as a formula."""
    return _csv(table) if file_format == CSV else _parquet(table)


def _csv(table: Table) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(table)
    columns = (map(_cell, column.values) for column in table.values())
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return escape_cell(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _parquet(table: Table) -> bytes:
    import pyarrow as pa  # late: a fifth of a second
    import pyarrow.parquet

    kinds = {
        "text": pa.string(), "texts": pa.list_(pa.string()), "number": pa.float64(), "whole": pa.int64(),
        "switch": pa.bool_(), "wholes": pa.list_(pa.int64()),
    }  # fmt: skip
    columns = {name: pa.array(column.values, kinds[column.kind]) for name, column in table.items()}
    out = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), out)
    return out.getvalue()
