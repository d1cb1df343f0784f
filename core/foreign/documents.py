"""JSON and JSON lines: Keras's history, W&B's history, trackio's answers, the log of a Transformers trainer."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from core.errors import RecordError
from core.foreign.columns import is_epoch, is_step, match_of
from core.foreign.recorded import (
    JSON,
    KERAS,
    MAX_COLUMNS,
    MAX_DOCUMENT_BYTES,
    MAX_POINTS,
    MAX_RUNS,
    NAN_TEXTS,
    NO_NUMBER,
    TRACKIO,
    TRANSFORMERS,
    Numbers,
    Recorded,
    check_plain,
)
from core.foreign.tables import RUN_NAMES, recorded_of, tool_of

_INSIDE = ("history", "log_history", "rows", "data", "metrics")


def read_document(data: bytes, shown: str, run_name: str) -> list[Recorded]:
    """The runs in a JSON document or in lines of JSON. Raises RecordError."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise RecordError(
            f"{shown} has {len(data) / 1e6:,.0f} MB; of JSON at most {MAX_DOCUMENT_BYTES / 1e6:,.0f} MB are read."
        )
    found = _parsed(data, shown)
    if isinstance(found, list):
        return _of_rows(found, shown, run_name)
    if isinstance(found, dict):
        if isinstance(found.get("values"), list) and isinstance(found.get("metric"), str):
            # `trackio get metric --json`
            rows = [
                {"step": each.get("step"), found["metric"]: each.get("value")}
                for each in found["values"]
                if isinstance(each, dict)
            ]
            name = found["run"] if isinstance(found.get("run"), str) else run_name
            return _of_rows(rows, shown, name, TRACKIO)
        lists = {key: value for key, value in found.items() if _is_numbers(value)}
        if lists:
            return [_of_lists(lists, [key for key in found if key not in lists], shown, run_name)]
        for key in _INSIDE:
            inside = found.get(key)
            tool = TRANSFORMERS if key == "log_history" else None
            if isinstance(inside, list):
                return _of_rows(inside, shown, run_name, tool)
            if isinstance(inside, dict) and (lists := {k: v for k, v in inside.items() if _is_numbers(v)}):
                return [_of_lists(lists, [k for k in inside if k not in lists], shown, run_name)]
    raise RecordError(
        f"{shown} holds JSON of another kind. It can be a list of objects, lines of them, or an object of lists."
    )


def _parsed(data: bytes, shown: str) -> Any:
    """A document, or a list of the objects in its lines. NaN, which Python writes, is taken too."""
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return msgspec.json.Decoder().decode_lines(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise RecordError(f"{shown} is neither valid JSON nor lines of it.") from None


def _is_numbers(value: Any) -> bool:
    """Whether it is a list that begins with a number, or with NaN."""
    return isinstance(value, list) and bool(value) and (value[0] is None or type(value[0]) in (int, float))


def _of_lists(lists: Mapping[str, list[Any]], others: Sequence[str], shown: str, run_name: str) -> Recorded:
    """`History.history`: a list per number, a value per epoch."""
    size = max(map(len, lists.values()))
    if len(lists) > MAX_COLUMNS or size * len(lists) > MAX_POINTS:
        raise RecordError(f"{shown} has {len(lists):,} lists of up to {size:,} values, which is too many.")
    columns = {
        name: _numbers([*values, *[None] * (size - len(values))], name, shown)
        for name, values in lists.items()
    }
    if not any(map(is_epoch, columns)):
        columns = {"epoch": np.arange(size, dtype=float), **columns}
    return recorded_of(columns, run_name, KERAS, others)


def _of_rows(rows: Sequence[Any], shown: str, run_name: str, tool: str | None = None) -> list[Recorded]:
    """An object per step, or per number that was logged."""
    flat = [_flat(row) for row in rows if isinstance(row, dict)]
    names: dict[str, None] = {}
    for row in flat:
        names.update(dict.fromkeys(row))
        if len(names) > MAX_COLUMNS:
            raise RecordError(f"{shown} has more than {MAX_COLUMNS:,} names, which is too many.")
    if not names:
        raise RecordError(f"{shown} holds no objects with numbers.")
    wanted = [name for name in names if is_epoch(name) or is_step(name) or match_of(name)]
    if len(flat) * max(1, len(wanted)) > MAX_POINTS:
        raise RecordError(f"{shown} has {len(flat):,} rows, which is too many.")
    tool = tool or tool_of(list(names), shown)
    tool = JSON if tool == "CSV" else tool
    by_run = next((each for each in RUN_NAMES if isinstance(flat[0].get(each), str)), None)
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in flat:
        name = row.get(by_run) if by_run else None
        groups.setdefault(name if isinstance(name, str) else run_name, []).append(row)
    if len(groups) > MAX_RUNS:
        raise RecordError(f"{shown} holds {len(groups):,} runs; at most {MAX_RUNS} can be imported at once.")
    others = [name for name in names if name not in wanted and name != by_run]
    return [
        recorded_of(
            {each: _numbers([row.get(each) for row in part], each, shown) for each in wanted},
            name,
            tool,
            others,
        )
        for name, part in groups.items()
    ]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Objects inside with their names joined by a slash; what trackio keeps as JSON in `metrics` beside the others."""
    metrics = row.get("metrics")
    if isinstance(metrics, str) and metrics.startswith("{"):
        try:
            row = {**row, "metrics": json.loads(metrics)}
        except (ValueError, RecursionError):
            return row
    if not any(type(value) is dict for value in row.values()):
        return row
    found: dict[str, Any] = {}
    for key, value in row.items():
        if type(value) is not dict:
            found[key] = value
        elif key == "metrics":
            found.update(value)
        else:
            found.update({f"{key}/{inner}": each for inner, each in value.items()})
    return found


def _numbers(values: Iterable[Any], name: str, shown: str) -> Numbers:
    """NaN for what is no number, or too large for one; NO_NUMBER for NaN, which W&B writes as a text.

    Raises RecordError for a text that looks like a number with separators.
    """
    found = []
    for value in values:
        if type(value) is str:
            check_plain(value, name, shown)
        try:
            number = float(value) if type(value) in (int, float) else np.nan
        except OverflowError:
            number = np.nan
        is_recorded = type(value) is float or (type(value) is str and value.lower() in NAN_TEXTS)
        found.append(NO_NUMBER if is_recorded and np.isnan(number) else number)
    return np.array(found, dtype=float)
