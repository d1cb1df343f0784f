"""What a run's curves say, judged with what is known of its data, and what to try next; the same for every face."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from core.config import ExperimentConfig
from core.datasets.splits import CLEAN_PICTURES
from core.datasets.storage import DatasetInfo
from core.errors import DatasetError, RunError, RunNotFound
from core.experiments import find_dataset
from core.mends import Mend, mends_for
from core.runs.diagnosis import Diagnosis, Verdict, diagnose
from core.runs.records import Run
from core.runs.serialize import run_summary
from core.runs.store import Store
from core.runs.tables import Curves
from core.workspace import Workspace


def verdict_of(workspace: Workspace, run: Run, curves: Curves) -> Diagnosis:
    """The diagnosis of a run. How many pictures its accuracies rest on decides what is more than chance.

    Where the data set is gone or the settings cannot be read, it is made from the curves alone.
    """
    return diagnose(curves, **_measured_on(workspace, run))


def summary_of(store: Store, run: Run) -> dict[str, Any]:
    """A run as JSON with its verdict: what starts and changes of runs answer. Raises RunNotFound."""
    verdict = verdict_of(store.workspace, run, store.curves(run.id))
    return run_summary(run) | {"verdict": verdict.to_dict()}


def summaries_of(store: Store, runs: Iterable[Run]) -> list[dict[str, Any]]:
    """What `runs --json` lists, without those that were deleted meanwhile."""
    summaries = []
    for run in runs:
        with suppress(RunNotFound):
            summaries.append(summary_of(store, run))
    return summaries


def first_said(workspace: Workspace, run: Run, curves: Curves, verdict: Verdict) -> int | None:
    """The epoch after which this verdict was said for the first time, though it may have changed since; else None."""
    known = _measured_on(workspace, run)
    for count, epoch in enumerate(curves["epoch"], start=1):
        if diagnose({key: values[:count] for key, values in curves.items()}, **known).verdict is verdict:
            return int(epoch)
    return None


def _measured_on(workspace: Workspace, run: Run) -> dict[str, int]:
    """How many classes and pictures the measures of a run rest on; nothing where that is not known."""
    info, config = _known(workspace, run)
    if info is None or config is None:
        return {}
    num_train = config.dataset.num_train or info.num_train
    return {
        "num_classes": info.num_classes,
        "num_validation": info.num_validation,
        "num_clean": min(CLEAN_PICTURES, num_train),
    }


def mends_of(workspace: Workspace, run: Run, diagnosis: Diagnosis) -> tuple[Mend, ...]:
    """What to try after this verdict; nothing where the data set is gone or the settings cannot be read."""
    info, config = _known(workspace, run)
    if info is None or config is None:
        return ()
    side = config.dataset.image_size
    height, width, channels = info.image_shape
    shape = (side or height, side or width, channels)
    # Where no epoch came after the best one, stopping there would change nothing.
    best_epoch = None if run.best_epoch == run.epoch else run.best_epoch
    return mends_for(diagnosis, config, best_epoch, input_shape=shape, num_classes=info.num_classes)


def _known(workspace: Workspace, run: Run) -> tuple[DatasetInfo | None, ExperimentConfig | None]:
    try:
        info = find_dataset(workspace, run.dataset)
        return (info if info.state != "damaged" else None), run.config
    except (DatasetError, RunError):
        return None, None
