"""The verdict on a run's curves, judged with what is known of its data, and what to try next."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any

from core.analysis.diagnosis import Diagnosis, diagnose
from core.analysis.findings import Verdict
from core.analysis.signals import VALIDATION_PICTURES
from core.analysis.suggestions import Suggestion, suggestions_for
from core.datasets.class_counts import ClassCount
from core.datasets.identity import data_problem
from core.datasets.splits import CLEAN_PICTURES, counts_for
from core.datasets.storage import DatasetInfo, describe_dataset
from core.epoch import Curves
from core.errors import RunNotFound
from core.runs.documents import run_summary
from core.runs.trouble import trouble_of
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace

# A list of a thousand runs of 200 epochs takes a second of processor time to judge. 1 KB each.
VERDICTS_KEPT = 4096


def verdict_of(store: Store, run: Run, curves: Curves) -> Diagnosis:
    """The diagnosis of a run. How many pictures its accuracies rest on decides what is more than chance.

    Where that is known neither of the run nor of its data set, or the settings cannot be read, it is made from the
    curves and the answers to each class alone. Raises RunNotFound.
    """
    known = _measured_on(run, _described(store.workspace, run))
    diagnosis = diagnose(curves, **known, classes=store.breakdowns.last_validation(run.id))
    return _with_doubt(run, diagnosis)


def summary_of(store: Store, run: Run) -> dict[str, Any]:
    """A run as JSON with its verdict: the answer to starting or changing one. Raises RunNotFound."""
    return _summary(store, run, _described(store.workspace, run))


def summaries_of(store: Store, runs: Iterable[Run]) -> list[dict[str, Any]]:
    """What `runs --json` lists, without those that were deleted meanwhile."""
    described: dict[str, DatasetInfo | None] = {}
    summaries = []
    for run in runs:
        if run.data is None and run.dataset not in described:
            described[run.dataset] = _described(store.workspace, run)
        with suppress(RunNotFound):
            summaries.append(_summary(store, run, described.get(run.dataset)))
    return summaries


def _summary(store: Store, run: Run, info: DatasetInfo | None) -> dict[str, Any]:
    known = _measured_on(run, info)
    if run.state.is_finished:
        version = (run.attempt, run.started_at, run.ended_at, run.epoch)
        diagnosis = _of_ended(store, run.id, version, tuple(known.items()))
    else:
        diagnosis = _diagnosed(store, run.id, known)
    diagnosis = _with_doubt(run, diagnosis)
    return run_summary(run) | {
        "problem": trouble_of(store.workspace, run),
        "verdict": diagnosis.to_dict(),
    }


@lru_cache(maxsize=VERDICTS_KEPT)
def _of_ended(
    store: Store, run_id: str, version: tuple[float | None, ...], known: tuple[tuple[str, Any], ...]
) -> Diagnosis:
    """Kept: the epochs of a run that has ended stay as they are until it is resumed, which makes a new `version`."""
    return _diagnosed(store, run_id, dict(known))


def _diagnosed(store: Store, run_id: str, known: dict[str, Any]) -> Diagnosis:
    return diagnose(store.curves(run_id), **known, classes=store.breakdowns.last_validation(run_id))


def _with_doubt(run: Run, diagnosis: Diagnosis) -> Diagnosis:
    """Of a run that another tool has recorded, how many validation pictures there were is seldom known."""
    if run.recorded_by is None or run.data_num_validation is not None:
        return diagnosis
    if diagnosis.verdict in (Verdict.DIVERGED, Verdict.TOO_EARLY):
        return diagnosis  # these do not rest on them
    doubt = (
        f"How many validation pictures there were is not known; {VALIDATION_PICTURES:,} are assumed, and with fewer "
        "the curves say less."
    )
    return replace(diagnosis, evidence=f"{diagnosis.evidence} {doubt}")


def first_said(workspace: Workspace, run: Run, curves: Curves, verdict: Verdict) -> int | None:
    """The epoch after which this verdict was first reached, though it may have changed since; None if never."""
    known = _measured_on(run, _described(workspace, run))
    for count, epoch in enumerate(curves["epoch"], start=1):
        if diagnose({key: values[:count] for key, values in curves.items()}, **known).verdict is verdict:
            return int(epoch)
    return None


def _measured_on(run: Run, info: DatasetInfo | None) -> dict[str, Any]:
    """How many pictures of which classes the measures of a run rest on; nothing where that is not known.

    A run says so itself; of one that does not, `info` is the data set that has the name of its own now.
    """
    if run.recorded_by is not None:
        known_validation = run.data_num_validation
        return {
            **({} if known_validation is None else {"num_validation": known_validation}),
            # Such a run has failed for one reason alone: its loss became NaN.
            **({"ends_in_nan": True} if run.state is RunState.FAILED else {}),
        }
    config, known = run.readable_config, run.data or info
    if known is None or config is None:
        return {}
    return {
        "num_classes": len(known.class_names),
        "num_validation": known.num_validation,
        "num_clean": min(CLEAN_PICTURES, config.dataset.num_train or known.num_train),
        "class_names": known.class_names,
        "can_lag": config.has_running_averages or config.optimizer.weight_averaging is not None,
    }


def suggestions_of(workspace: Workspace, run: Run, diagnosis: Diagnosis) -> tuple[Suggestion, ...]:
    """What to try after this verdict; nothing where its data is gone or the settings cannot be read."""
    info, config = _described(workspace, run), run.readable_config
    if info is None or config is None:
        return ()
    shape = config.dataset.picture_shape(info.image_shape)
    # Where no epoch came after the best one, stopping there would change nothing.
    best_epoch = None if run.best_epoch == run.epoch else run.best_epoch
    patience = config.training.early_stopping_patience
    ended_early = run.state is RunState.FINISHED and patience is not None and 0 < run.epoch < run.total_epochs
    return suggestions_for(
        diagnosis, config, best_epoch, input_shape=shape, num_classes=info.num_classes,
        num_available=info.num_train, total_epochs=run.total_epochs, ended_early=ended_early,
    )  # fmt: skip


def class_counts_of(workspace: Workspace, run: Run) -> tuple[ClassCount, ...] | None:
    """Of the pictures that the run itself trains on and is judged by. None where its data is not here, or another data
    set has its name now, and where its settings cannot be read.
    """
    config = run.readable_config
    return None if config is None or data_problem(workspace, run) else counts_for(workspace, config.dataset)


def _described(workspace: Workspace, run: Run) -> DatasetInfo | None:
    """What is known of the run's data; None where it is gone or damaged, or another data set has its name now."""
    return None if data_problem(workspace, run) else describe_dataset(workspace, run.dataset)
