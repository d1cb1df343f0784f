"""What readers hand on: a run as another tool recorded it, a series for each of its numbers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from core.errors import RecordError
from core.foreign.columns import match_of

# In a column that readers hand on, NaN is a gap: nothing was recorded. What was recorded as NaN is `NO_NUMBER`.
Numbers = NDArray[np.float64]
NO_NUMBER = np.inf
NAN_TEXTS = frozenset({"nan", "+nan", "-nan"})  # in lower case

TENSORBOARD, WANDB, TRACKIO, LIGHTNING = "TensorBoard", "W&B", "trackio", "Lightning"
KERAS, TRANSFORMERS, CSV, JSON = "Keras", "Transformers", "CSV", "JSON"

MAX_FILE_BYTES = 200_000_000
# A parsed document takes some twenty times its bytes where it is all brackets.
MAX_DOCUMENT_BYTES = 20_000_000
MAX_FILES = 2000
MAX_TOTAL_BYTES = 1_000_000_000
MAX_POINTS = 5_000_000  # of all series of an import
MAX_COLUMNS = 5000
MAX_RUNS = 50  # of one import
MAX_ALL_EPOCHS = 100_000  # of all runs of an import, which are written at once

# 1,234 and 1.234,5 and 1 234: which of them is a fraction is a matter of the country.
_GROUPED = re.compile(
    r"\s*[+-]?(?:\d+(?:[.\s'\u2019]\d{3})*,\d+(?:[.,]\d+)*|\d{1,3}(?:[\s'\u2019]\d{3})+(?:\.\d+)?)\s*"
)


@dataclass(frozen=True)
class Series:
    """Values under a name, in the order in which they were recorded: equally long arrays without NaN in `step`.

    `epoch` are the epochs as the tool counts them; None where it does not say.
    """

    name: str
    step: Numbers
    value: Numbers
    epoch: Numbers | None = None


@dataclass
class Recorded:
    """A run of another tool. `others` are names of what it recorded that is no number, or was not read.

    `place` is the file or folder that it is called after; None where its name stands in what was read, so that other
    files may hold more of it. `in_percent` are names of accuracies that are above 1 somewhere in its file, be it in
    another run.
    """

    name: str
    tool: str
    series: list[Series] = field(default_factory=list)
    place: PurePosixPath | None = None
    others: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    in_percent: frozenset[str] = frozenset()


def merge(runs: Sequence[Recorded]) -> list[Recorded]:
    """Those of one tool that call themselves the same are one run: W&B writes a file for each chart.

    Those that are called after their file or folder are one each; where names are the same, by the folders above.
    """
    found: list[Recorded] = []
    named: dict[tuple[str, str], Recorded] = {}
    for run in runs:
        known = named.get((run.tool, run.name)) if run.place is None else None
        if known is None:
            found.append(run)
            if run.place is None:
                named[run.tool, run.name] = run
            continue
        known.series += run.series
        known.in_percent |= run.in_percent
        known.others += [each for each in run.others if each not in known.others]
        known.remarks += [each for each in run.remarks if each not in known.remarks]
    _tell_apart(found)
    return found


def note_percent(runs: Sequence[Recorded]) -> None:
    """Note which accuracies of the runs of one file are in percent: a column has one unit, whatever run is in a row."""
    bounds: dict[str, tuple[float, float]] = {}
    for run in runs:
        for series in run.series:
            match = match_of(series.name)
            known = series.value[np.isfinite(series.value)]
            if match is not None and match.key.endswith("accuracy") and len(known):
                low, high = bounds.get(series.name, (np.inf, -np.inf))
                bounds[series.name] = min(low, float(known.min())), max(high, float(known.max()))
    found = frozenset(
        name for name, (low, high) in bounds.items() if low >= 0 and 1 + 1e-6 < high <= 100 + 1e-6
    )
    for run in runs:
        run.in_percent |= found


def check_plain(text: str | None, name: str, shown: str) -> None:
    """Raises RecordError for a number with commas or spaces in it, which one may read as another number."""
    if text is not None and _GROUPED.fullmatch(text):
        raise RecordError(
            f"{shown} has “{text.strip()[:20]}” under {name[:60]}: it is not known whether its separator groups "
            "thousands or begins a fraction. Write numbers like 1234.5."
        )


def _tell_apart(runs: Sequence[Recorded]) -> None:
    """Give those of one name a name each."""
    by_name: dict[str, list[Recorded]] = {}
    for run in runs:
        by_name.setdefault(run.name, []).append(run)
    for name, group in by_name.items():
        if len(group) == 1:
            continue
        above = [run.place.parent.parts if run.place else () for run in group]
        for depth in range(1, max(map(len, above), default=0) + 1):
            longer = ["/".join([*parts[-depth:], name]) for parts in above]
            if len(set(longer)) == len(group):
                break
        else:
            longer = [name, *(f"{name} ({number})" for number in range(2, len(group) + 1))]
        for run, told in zip(group, longer, strict=True):
            run.name = told
