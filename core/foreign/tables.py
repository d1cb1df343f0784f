"""CSV: Keras's CSVLogger, Lightning's metrics.csv, exports of W&B, trackio and TensorBoard, and other wide tables."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from core.errors import RecordError
from core.foreign.columns import best_epoch_name, is_epoch, is_step, match_of, words_of
from core.foreign.recorded import (
    CSV,
    KERAS,
    LIGHTNING,
    MAX_COLUMNS,
    MAX_POINTS,
    MAX_RUNS,
    NAN_TEXTS,
    NO_NUMBER,
    TENSORBOARD,
    TRACKIO,
    WANDB,
    Numbers,
    Recorded,
    Series,
    check_plain,
)
from core.formatting import reason

DELIMITERS = ",;\t|"
RUN_NAMES = ("run_name", "run", "name")
_HEADER_BYTES = 1_000_000
_BOUNDS = ("__MIN", "__MAX")  # what W&B writes beside each column of a chart
_BETWEEN = " - "
_TENSORBOARD = ["Wall time", "Step", "Value"]
_TAGGED = re.compile(r"(?:run-)?(?P<run>.*?)-tag-(?P<tag>.+)")


def is_table(text: str) -> bool:
    """Whether the beginning of a file looks like the header of a table."""
    line = text.partition("\n")[0]
    return any(line.count(each) for each in DELIMITERS) or bool(match_of(line.strip(' "\r')))


def read_table(data: bytes, shown: str, run_name: str) -> list[Recorded]:
    """The runs in a CSV; `run_name` is what one is called whose name is not in it. Raises RecordError."""
    names, delimiter = _header(data, shown)
    if [name.strip() for name in names] == _TENSORBOARD:
        return [_one_tag(data, shown, run_name)]
    bounds = [name for name in names if name.endswith(_BOUNDS)]
    charted = [name for name in names if _BETWEEN in name and name not in bounds]
    first = names[0]
    if charted and len(charted) + len(bounds) >= len(names) - 1 and first not in charted:
        return _by_chart(data, shown, names, delimiter, charted)
    by_run = next((names.index(each) for each in RUN_NAMES if each in names), None)
    wanted = [at for at, name in enumerate(names) if is_epoch(name) or is_step(name) or match_of(name)]
    numbers, texts = _columns(data, shown, names, delimiter, wanted, by_run)
    others = [name for at, name in enumerate(names) if at not in wanted and at != by_run]
    tool = tool_of(names, shown)
    if texts is None:
        return [recorded_of(numbers, run_name, tool, others)]
    found = []
    labels, place = np.unique(texts, return_inverse=True)
    if len(labels) > MAX_RUNS:
        raise RecordError(f"{shown} holds {len(labels):,} runs; at most {MAX_RUNS} can be imported at once.")
    for number, label in enumerate(labels):
        rows = place == number
        part = {name: values[rows] for name, values in numbers.items()}
        found.append(recorded_of(part, str(label) or run_name, tool, others))
    return found


def tool_of(names: Sequence[str], shown: str) -> str:
    """Which tool writes such columns."""
    known = set(names)
    if known & {"_step", "_runtime", "_timestamp"}:
        return WANDB
    if {"run_name", "step"} <= known or {"timestamp", "step"} <= known:
        return TRACKIO
    if {"epoch", "step"} <= known and (
        PurePosixPath(shown).name == "metrics.csv"
        or any(name.endswith(("_epoch", "_step")) for name in known)
    ):
        return LIGHTNING
    if "epoch" in known and "loss" in known:
        return KERAS
    return CSV


def recorded_of(columns: Mapping[str, Numbers], name: str, tool: str, others: Sequence[str] = ()) -> Recorded:
    """A run from equally long columns, NaN where a row has no value; epochs and steps are among them."""
    run = Recorded(name, tool, others=list(others))
    epoch_name = best_epoch_name(columns)
    step_name = next((each for each in columns if is_step(each)), None)
    size = len(next(iter(columns.values()), ()))
    epochs = None if epoch_name is None else _epochs_of(columns, epoch_name, run)
    steps = None if step_name is None else _filled(columns[step_name])
    if steps is None:
        steps = np.arange(size, dtype=float)
    for each, values in columns.items():
        if is_epoch(each) or is_step(each):
            continue
        kept = ~np.isnan(values)
        if not kept.any():
            run.others.append(each)
            continue
        epoch = None if epochs is None else epochs[kept]
        run.series.append(Series(each, steps[kept], values[kept], epoch))
    return run


def _epochs_of(columns: Mapping[str, Numbers], epoch_name: str, run: Recorded) -> Numbers | None:
    """The epoch of each row. A row with an accuracy or a loss and without an epoch belongs to the one before it, or
    where a tool says the epoch after its numbers, to the next; None, and a remark, where that cannot be told.
    """
    counted = columns[epoch_name]
    others = [each for each in columns if is_epoch(each) and each != epoch_name]
    different = [each for each in others if not np.array_equal(columns[each], counted, equal_nan=True)]
    if different:
        run.remarks.append(f"Epochs are counted by {epoch_name}, not by {', '.join(different)[:120]}.")
    is_known = np.isfinite(counted)
    measured = np.zeros(len(counted), bool)
    for name, values in columns.items():
        match = match_of(name)
        if match is not None and match.key.endswith(("accuracy", "loss")):
            measured |= ~np.isnan(values)
    without = np.flatnonzero(measured & ~is_known)
    if not is_known.any() or not len(without):
        return _filled(counted)
    first, last = int(is_known.argmax()), len(counted) - 1 - int(is_known[::-1].argmax())
    is_before, is_behind = bool(without[0] < first), bool(without[-1] > last)
    if is_before and not is_behind:
        run.remarks.append(
            f"{epoch_name} is recorded after the numbers of an epoch: they belong to the next one."
        )
        filled = _filled(counted[::-1])
        return None if filled is None else filled[::-1]
    if is_behind and not is_before:
        return _filled(counted)
    run.remarks.append(
        f"{epoch_name} is missing in {len(without):,} rows, and whether it is recorded before or after an epoch's "
        "numbers cannot be told, so it is not used."
    )
    return None


def _filled(values: Numbers) -> Numbers | None:
    """Each gap with the value before it, gaps at the beginning with the first one; None where all are gaps."""
    known = np.isfinite(values)
    if not known.any():
        return None
    place = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    filled = values[place]
    filled[: int(known.argmax())] = values[known.argmax()]
    return filled


def _header(data: bytes, shown: str) -> tuple[list[str], str]:
    text = data[:_HEADER_BYTES].decode("utf-8-sig", "replace")
    line = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=line.count)
    try:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        names = next(rows, [])
        first = next(rows, None)
    except csv.Error as error:
        raise RecordError(f"{shown} is no table that can be read: {reason(error)}.") from None
    if not names or first is None:
        raise RecordError(f"{shown} has no rows under its header.")
    if len(names) > MAX_COLUMNS:
        raise RecordError(f"{shown} has {len(names):,} columns; at most {MAX_COLUMNS:,} are read.")
    if len(first) > len(names):
        raise RecordError(
            f"{shown} has {len(first)} values under {len(names)} names, so it is not known which belongs to which."
        )
    return names, delimiter


def _columns(
    data: bytes,
    shown: str,
    names: Sequence[str],
    delimiter: str,
    wanted: Sequence[int],
    text: int | None = None,
) -> tuple[dict[str, Numbers], "np.ndarray[tuple[int], np.dtype[np.str_]] | None"]:
    """The wanted columns as numbers, and that of a text, by pandas's C parser."""
    import pandas as pd  # late: see `core.analysis.curves`

    places = sorted({*wanted, *(() if text is None else (text,))})
    if not places:
        return {}, None
    _check_widths(data, shown, len(names), delimiter)
    most = MAX_POINTS // len(places)
    try:
        frame = pd.read_csv(
            io.BytesIO(data), sep=delimiter, usecols=places, nrows=most + 1, engine="c", low_memory=False,
            encoding="utf-8-sig", encoding_errors="replace", skipinitialspace=True,
            dtype=None if text is None else {names[text]: str}, keep_default_na=False, na_values=[""],
        )  # fmt: skip
    except (
        ValueError,
        OverflowError,
        MemoryError,
        csv.Error,
    ) as error:  # ParserError and EmptyDataError are such
        raise RecordError(f"{shown} is no table that can be read: {reason(error)}.") from None
    if len(frame) > most:
        raise RecordError(f"{shown} has more than {most:,} rows, which is too many.")
    found: dict[str, Numbers] = {}
    texts = None
    for at, (_, column) in zip(places, frame.items(), strict=True):
        if at == text:
            texts = column.fillna("").to_numpy(dtype=str)
        else:
            numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            if not pd.api.types.is_numeric_dtype(column):
                unread = column[np.isnan(numbers) & column.notna().to_numpy()].astype(str)
                for each in unread.unique():
                    check_plain(each, names[at].strip(), shown)
                is_nan = column.astype(str).str.strip().str.lower().isin(NAN_TEXTS) & column.notna()
                numbers = np.where(is_nan, NO_NUMBER, numbers)
            found.setdefault(names[at].strip(), numbers)
    return found, texts


def _check_widths(data: bytes, shown: str, count: int, delimiter: str) -> None:
    """Raises RecordError for a row with more values than there are names, as of 1,000 without quotes: pandas, which
    is asked for some columns alone, would shift them in silence.
    """
    if b'"' in data:
        text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", "replace", newline="")
        try:
            widest = max(map(len, csv.reader(text, delimiter=delimiter)), default=0)
        except csv.Error as error:
            raise RecordError(f"{shown} is no table that can be read: {reason(error)}.") from None
    else:
        mark = delimiter.encode()
        widest = 1 + max((line.count(mark) for line in io.BytesIO(data)), default=0)
    if widest > count:
        raise RecordError(
            f"{shown} has a row of {widest:,} values under {count:,} names, so it is not known which belongs to which."
        )


def _by_chart(
    data: bytes, shown: str, names: Sequence[str], delimiter: str, charted: Sequence[str]
) -> list[Recorded]:
    """W&B's export of a chart: a column per run, named `run - metric`, over the steps in the first one."""
    wanted = [at for at, name in enumerate(names) if at == 0 or name in charted]
    numbers, _ = _columns(data, shown, names, delimiter, wanted)
    axis = names[0].strip()
    counted = numbers.pop(axis)
    axis = axis if is_epoch(axis) or is_step(axis) else "step"
    by_run: dict[str, dict[str, Numbers]] = {}
    for name, values in numbers.items():
        run, _, metric = name.rpartition(_BETWEEN)
        by_run.setdefault(run.strip(), {axis: counted})[metric.strip()] = values
    if len(by_run) > MAX_RUNS:
        raise RecordError(f"{shown} holds {len(by_run):,} runs; at most {MAX_RUNS} can be imported at once.")
    return [recorded_of(columns, run, WANDB) for run, columns in by_run.items()]


def _one_tag(data: bytes, shown: str, run_name: str) -> Recorded:
    """TensorBoard's download of one curve, whose tag is in the file's name: `run-train-tag-epoch_loss.csv`."""
    names, delimiter = _header(data, shown)
    numbers, _ = _columns(data, shown, names, delimiter, [1, 2])
    named = _TAGGED.fullmatch(PurePosixPath(shown).stem)
    run, tag = (named["run"], named["tag"]) if named else ("", run_name)
    step = "epoch" if tag.startswith("epoch_") else "step"
    parts = [part for part in re.split(r"[\\/_ ]", run) if part]
    part = parts.pop() if parts and match_of(f"{parts[-1]}/loss") and words_of(parts[-1]) != ["loss"] else ""
    columns = {step: numbers["Step"], f"{part}/{tag}" if part else tag: numbers["Value"]}
    return recorded_of(columns, "_".join(parts) or run_name, TENSORBOARD)
