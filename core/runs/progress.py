"""How far a run has come, and how long it will still take."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from core.store.records import Run

# The first epoch also compiles the network, and speed changes with the computer's load: only the last few count.
RECENT_EPOCHS = 5


def epoch_fraction(run: Run) -> float:
    """The fraction of the current epoch that is done, 0 to 1."""
    return min(1.0, run.batch / run.total_batches) if run.total_batches else 0.0


def run_fraction(run: Run) -> float:
    """The fraction of all epochs that is done, 0 to 1, counted in batches."""
    if not run.total_epochs:
        return 0.0
    return min(1.0, (run.epoch + epoch_fraction(run)) / run.total_epochs)


def is_measuring(run: Run) -> bool:
    """Whether the steps of its current epoch are done, so that it is measured on training and validation pictures."""
    return run.state.is_active and 0 < run.total_batches <= run.batch


def is_saving(run: Run) -> bool:
    """Whether all of its epochs have been measured, and only its weights are still to be saved."""
    return run.state.is_active and 0 < run.total_epochs <= run.epoch


def epoch_seconds(run: Run, curves: Mapping[str, list[Any]]) -> float | None:
    """How long an epoch takes: the median of the last few; before the first has ended, from the pictures per second."""
    known = [value for value in curves["seconds"][-RECENT_EPOCHS:] if value is not None]
    if known:
        return float(median(known))
    config = run.readable_config
    if config is not None and run.images_per_second and run.total_batches:
        return run.total_batches * config.training.batch_size / run.images_per_second
    return None


def seconds_left(run: Run, curves: Mapping[str, list[Any]]) -> float | None:
    """Until the last epoch has ended, if the run does not stop early; None while nothing is known of its speed."""
    each = epoch_seconds(run, curves)
    if each is None or not run.state.is_active:
        return None
    return max(0.0, (run.total_epochs - run.epoch - epoch_fraction(run)) * each)
