"""What readers hand on: a run as another tool recorded it, a series for each of its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# In a column that readers hand on, NaN is a gap: nothing was recorded. What was recorded as NaN is `NO_NUMBER`.
Numbers = NDArray[np.float64]
NO_NUMBER = np.inf
NAN_TEXTS = frozenset({"nan", "+nan", "-nan"})  # in lower case

TENSORBOARD, WANDB, TRACKIO, LIGHTNING = "TensorBoard", "W&B", "trackio", "Lightning"
KERAS, TRANSFORMERS, CSV, JSON = "Keras", "Transformers", "CSV", "JSON"

MAX_FILE_BYTES = 200_000_000
MAX_FILES = 2000
MAX_TOTAL_BYTES = 1_000_000_000
MAX_POINTS = 5_000_000  # of all series of a file
MAX_COLUMNS = 5000
MAX_RUNS = 50  # of one import


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
    """A run of another tool. `others` are names of what it recorded that is no number, or was not read."""

    name: str
    tool: str
    series: list[Series] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def merge(runs: Sequence[Recorded]) -> list[Recorded]:
    """Those of one tool with one name are one run: W&B writes a file for each chart."""
    found: dict[tuple[str, str], Recorded] = {}
    for run in runs:
        known = found.setdefault((run.tool, run.name), Recorded(run.name, run.tool))
        known.series += run.series
        known.others += [each for each in run.others if each not in known.others]
        known.remarks += [each for each in run.remarks if each not in known.remarks]
    return list(found.values())
