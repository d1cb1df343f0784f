"""The curves of runs as the JSON that the script of a shared page draws from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.curves import curves_frame, downsample
from core.epoch import CURVE_KEYS, Curves
from core.runs.documents import finite_or_none

# What is drawn of a run, and in a study, where each curve more is one per run. How fast a computer is stays there.
OF_RUN = (
    "epoch", "train_accuracy", "train_loss", "clean_train_accuracy", "clean_train_loss", "val_accuracy", "val_loss",
    "learning_rate",
)  # fmt: skip
OF_STUDY = ("epoch", "clean_train_accuracy", "clean_train_loss", "val_accuracy", "val_loss")

# Of one run, and of all runs together: the file of a study with 200 runs stays below 2 MB.
MOST_EPOCHS, MOST_IN_ALL, FEWEST_EPOCHS = 1_000, 10_000, 50


@dataclass(frozen=True)
class Measure:
    """A pair of curves under one name: its keys in the curves, its colour (`c0` to `c9` of the style), whether it is
    dashed, and whether it is on at first.
    """

    name: str
    accuracy: str
    loss: str
    color: int
    dashed: bool = False
    shown: bool = True


# In the colours of the pages.
TRAINING = Measure("Training", "train_accuracy", "train_loss", 0)
VALIDATION = Measure("Validation", "val_accuracy", "val_loss", 1)
CLEAN = Measure("Clean training", "clean_train_accuracy", "clean_train_loss", 2)
CLEAN_OF_STUDY = Measure(
    "Clean training", "clean_train_accuracy", "clean_train_loss", 2, dashed=True, shown=False
)
MEASURES_OF_RUN, MEASURES_OF_STUDY = (TRAINING, CLEAN, VALIDATION), (VALIDATION, CLEAN_OF_STUDY)


def epochs_per_run(num_runs: int) -> int:
    """How many epochs of each of so many runs a page holds."""
    return max(FEWEST_EPOCHS, min(MOST_EPOCHS, MOST_IN_ALL // max(1, num_runs)))


def thinned(curves: Curves, most: int, keep: int | None) -> Curves:
    """At most `most` epochs: the first, the last, `keep`, and others evenly. What is not finite becomes None."""
    if len(curves["epoch"]) > most:
        frame = downsample(curves_frame(curves), most=most, keep=keep)
        kept = set(frame["epoch"].tolist())
        places = [place for place, epoch in enumerate(curves["epoch"]) if epoch in kept]
        curves = {key: [curves[key][place] for place in places] for key in CURVE_KEYS}
    return {key: [finite_or_none(value) for value in curves[key]] for key in CURVE_KEYS}


def run_json(
    run_id: str,
    name: str,
    curves: Curves,
    keys: Sequence[str],
    *,
    variant: int = 0,
    best_epoch: int | None = None,
    onset_epoch: int | None = None,
) -> dict[str, Any]:
    """A run as the script reads it; `curves` as `thinned` gives them, `variant` the number of its variant."""
    return {
        "id": run_id,
        "name": name,
        "variant": variant,
        "best_epoch": best_epoch,
        "onset_epoch": onset_epoch,
        "curves": {key: curves[key] for key in keys},
    }


def measures_json(measures: Sequence[Measure]) -> list[Mapping[str, Any]]:
    """The measures as the script reads them."""
    return [vars(measure) for measure in measures]
