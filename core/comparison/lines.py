"""Curves to be drawn: of single runs, and of groups with their band, over epochs, steps, seconds or pictures seen.

The mean of a group is over those of its seeds that have the epoch, and `n` says how many those are: no curve is
continued beyond its end. Over seconds, steps and pictures, the x of a group's point is the sum of the mean lengths of
its epochs so far.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.analysis.significance import Limits, t_interval
from core.comparison.facts import RunFacts
from core.comparison.groups import CONFIDENCE, Group, copies, limits_of, rounding_of
from core.epoch import CURVE_KEYS
from core.store.results import CurveTable
from core.store.store import Store

Values = NDArray[np.float64]

# 200 epochs of 2,000 runs.
NUMBERS_KEPT = 4_000_000
MOST_POINTS = 400


@dataclass(frozen=True)
class Line:
    """Points in the order of the epochs. `x` is in epochs, steps, seconds or pictures; `y` is smoothed, `raw` is not.

    `low` and `high` are the 95 % interval of a group's mean (NaN with one seed), smoothed as the mean is; `least` and
    `most` its lowest and highest run, `n` the seeds at each epoch. `best` is the position of the best epoch before
    smoothing: the highest accuracy (of a group: of its mean) or the lowest loss; None where there is none, as for a
    learning rate. `why_empty` says why there are no points.
    """

    key: str
    epochs: Values
    x: Values
    y: Values
    raw: Values
    low: Values
    high: Values
    least: Values
    most: Values
    n: NDArray[np.int64]
    best: int | None
    why_empty: str | None = None


def read_curves(store: Store, runs: Iterable[RunFacts]) -> dict[int, CurveTable]:
    """(epochs, len(CURVE_KEYS)) of each run by its row number; NaN for what is not known. None may be changed."""
    return _kept(store.workspace.database).read(store, list(runs))


def run_lines(
    store: Store,
    runs: Sequence[RunFacts],
    measure: str,
    align: str = "epoch",
    smoothing: float = 0.0,
    most: int = MOST_POINTS,
) -> list[Line]:
    """The curve of each run, at most `most` points of each; the best epoch is always among them."""
    tables = read_curves(store, runs)
    return [_line(run.id, [run], [tables[run.number]], measure, align, smoothing, most) for run in runs]


def group_lines(
    store: Store,
    groups: Sequence[Group],
    measure: str,
    align: str = "epoch",
    smoothing: float = 0.0,
    most: int = MOST_POINTS,
) -> list[Line]:
    """The mean of each group with its band, over the runs that finished."""
    tables = read_curves(store, [run for group in groups for run in group.counted])
    return [
        _line(
            group.key,
            group.counted,
            [tables[run.number] for run in group.counted],
            measure,
            align,
            smoothing,
            most,
        )
        for group in groups
    ]


def smooth(values: Values, smoothing: float) -> Values:
    """An exponential moving average with bias correction, as TensorBoard draws: 0 leaves everything as it is.

    s_i = smoothing · s_(i-1) + (1 - smoothing) · x_i from s_0 = 0, divided by 1 - smoothing^i (Kingma and Ba, arXiv
    1412.6980, section 3). What is not known is left out and stays unknown.
    """
    if smoothing == 0:
        return values
    smoothed = np.full_like(values, np.nan)
    last, weight = 0.0, 1.0
    for position in np.flatnonzero(np.isfinite(values)):
        last = smoothing * last + (1 - smoothing) * float(values[position])
        weight *= smoothing
        smoothed[position] = last / (1 - weight)
    return smoothed


def _line(
    key: str,
    runs: Sequence[RunFacts],
    tables: Sequence[CurveTable],
    measure: str,
    align: str,
    smoothing: float,
    most: int,
) -> Line:
    if not any(len(table) for table in tables):
        return _empty(key, "No run of it has finished." if len(runs) != 1 else "No epoch has ended.")
    lengths = []
    for run, table in zip(runs, tables, strict=True):
        length = _length_of_epoch(run, table, align)
        if length is None:
            return _empty(key, "How many pictures it was trained on is not known any more.")
        lengths.append(length)
    if len(tables) == 1:
        return _thinned(_single(key, tables[0], lengths[0], measure, smoothing), most)
    epochs = np.unique(np.concatenate([table[:, 0] for table in tables]))
    # (epochs, runs), NaN where a run has no such epoch; then a column per seed, as copies of it are one value.
    column = CURVE_KEYS.index(measure)
    y = np.full((len(epochs), len(runs)), np.nan)
    x = np.full_like(y, np.nan)
    for position, (table, length) in enumerate(zip(tables, lengths, strict=True)):
        rows = np.searchsorted(epochs, table[:, 0])
        y[rows, position] = table[:, column]
        x[rows, position] = length
    least, highest = _extreme(np.fmin, y), _extreme(np.fmax, y)
    if len(seeds := copies(runs)) < len(runs):
        y, x = (np.stack([_mean(values[:, places]) for places in seeds], axis=1) for values in (y, x))
    count = np.isfinite(y).sum(axis=1)
    known = count > 0
    steps = np.cumsum(_mean(x))
    mean = _mean(y)
    low, high = _interval(y, count, rounding_of(measure, runs) or 0.0, limits_of(measure))
    line = Line(
        key, epochs, steps, smooth(mean, smoothing), mean, smooth(low, smoothing), smooth(high, smoothing),
        least, highest, count, None,
    )  # fmt: skip
    line = _rows(line, np.flatnonzero(known))
    return _thinned(replace(line, best=_best(line.raw, measure)), most)


def _single(key: str, table: CurveTable, length: Values, measure: str, smoothing: float) -> Line:
    raw = table[:, CURVE_KEYS.index(measure)]
    known = np.isfinite(raw)
    raw, count = raw[known], known.sum()
    y, unknown = smooth(raw, smoothing), np.full(count, np.nan)
    return Line(
        key, table[known, 0], np.cumsum(length)[known], y, raw, unknown, unknown, raw, raw, np.ones(count, np.int64),
        _best(raw, measure),
    )  # fmt: skip


def _length_of_epoch(run: RunFacts, table: CurveTable, align: str) -> Values | None:
    """How far each epoch leads on the axis; None where that is not known."""
    if align == "epoch":
        return np.diff(table[:, 0], prepend=0)
    if align == "seconds":
        return np.nan_to_num(table[:, CURVE_KEYS.index("seconds")])
    config = run.config
    if config is None or run.num_train is None:
        return None
    training = config.training
    per_epoch = (
        training.steps_per_epoch(run.num_train)
        if align == "step"
        else training.pictures_per_epoch(run.num_train)
    )
    return np.diff(table[:, 0], prepend=0) * per_epoch


def _interval(y: Values, count: NDArray[np.int64], rounding: float, limits: Limits) -> tuple[Values, Values]:
    """The 95 % interval of the mean of each row, of those that are known, cut as in `mean_and_interval`; NaN with
    fewer than two.
    """
    low, high = np.full(len(y), np.nan), np.full(len(y), np.nan)
    ordered = np.sort(y, axis=1)  # NaN comes last
    for n in np.unique(count[count > 1]):
        rows = np.flatnonzero(count == n)
        mean, half = t_interval(ordered[rows, :n], CONFIDENCE, rounding)
        low[rows] = np.maximum(mean - half, np.minimum(mean, limits[0]))
        high[rows] = np.minimum(mean + half, np.maximum(mean, limits[1]))
    return low, high


def _mean(values: Values) -> Values:
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    mean: Values = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean


def _extreme(which: np.ufunc, values: Values) -> Values:
    found: Values = which.reduce(values, axis=1)
    return found


def _best(values: Values, measure: str) -> int | None:
    known = np.flatnonzero(np.isfinite(values))
    if not len(known) or not measure.endswith(("accuracy", "loss")):
        return None
    at = values[known]
    return int(known[at.argmax() if measure.endswith("accuracy") else at.argmin()])


def _thinned(line: Line, most: int) -> Line:
    """At most `most` points, evenly spread, the first, the last and the best among them."""
    if len(line.epochs) <= most:
        return line
    rows = np.linspace(0, len(line.epochs) - 1, most).round().astype(int)
    if line.best is not None and line.best not in rows:
        rows[1 + int(np.abs(rows[1:-1] - line.best).argmin())] = line.best
    best = None if line.best is None else int(np.flatnonzero(rows == line.best)[0])
    return replace(_rows(line, rows), best=best)


def _rows(line: Line, rows: NDArray[np.int64]) -> Line:
    arrays = {name: getattr(line, name)[rows] for name in _ARRAYS}
    return replace(line, **arrays)


_ARRAYS = ("epochs", "x", "y", "raw", "low", "high", "least", "most", "n")


def _empty(key: str, why: str) -> Line:
    none = np.empty(0)
    return Line(key, none, none, none, none, none, none, none, none, np.empty(0, np.int64), None, why)


class _Kept:
    """Curves of the runs that were drawn last, each until it has one epoch more."""

    def __init__(self) -> None:
        self._tables: OrderedDict[int, tuple[object, CurveTable]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def read(self, store: Store, runs: Sequence[RunFacts]) -> dict[int, CurveTable]:
        found: dict[int, CurveTable] = {}
        missing: list[RunFacts] = []
        with self._lock:
            for each in runs:
                kept = self._tables.get(each.number)
                if kept and kept[0] == _version(each):
                    self._tables.move_to_end(each.number)
                    found[each.number] = kept[1]
                else:
                    missing.append(each)
        if missing:
            read = store.results.curves([each.number for each in missing])
            with self._lock:
                for each in missing:
                    table = read[each.number]
                    table.flags.writeable = False
                    self._put(each, table)
                    found[each.number] = table
        return found

    def _put(self, run: RunFacts, table: CurveTable) -> None:
        if run.number in self._tables:
            self._size -= self._tables.pop(run.number)[1].size
        self._tables[run.number] = (_version(run), table)
        self._size += table.size
        while self._size > NUMBERS_KEPT and len(self._tables) > 1:
            self._size -= self._tables.popitem(last=False)[1][1].size


def _version(facts: RunFacts) -> object:
    # A resumed run forgets epochs that it trains again, at the moment that sets `started_at`.
    return facts.id, facts.run.attempt, facts.run.started_at, facts.run.epoch


@lru_cache(maxsize=16)
def _kept(database: Path) -> _Kept:
    return _Kept()
