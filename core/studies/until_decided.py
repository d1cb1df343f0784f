"""Add seeds to a comparison until it is decided, within its budget, and say beforehand how many that may take.

`continue_studies` may be called by several processes, killed, and called again: all that it goes by is in the store,
and a seed is added in one transaction, only to a study that has as many as when it was looked at.
"""

import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace

from core.analysis.anytime import Forecast, forecast
from core.analysis.winners_curse import noise_of_seeds
from core.config import ExperimentConfig
from core.datasets.identity import check_same_data
from core.errors import ConvDeckError, StudyNotFound, UserError
from core.runs import control
from core.scheduling.service import ensure_scheduler
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.store.studies import Study
from core.studies.decision import MOST_WITHOUT_A_PAIR
from core.studies.plan import plan
from core.studies.report import StudyReport, read_report
from core.studies.spec import StudySpec
from core.studies.start import check_study, to_new_run
from core.workspace import Workspace

# Older runs are not looked through for how far seeds move results.
RECENT_RUNS = 500
# Fewer pairs of the two configs than that say less of their differences than all runs that were repeated.
ENOUGH_PAIRS = 3

logger = logging.getLogger(__name__)


def open_studies(store: Store) -> list[Study]:
    """The studies that may add more seeds, the oldest first."""
    return store.studies.adding_seeds()


def continue_studies(workspace: Workspace, store: Store) -> int:
    """Add a seed to each study whose runs have all ended and that is not decided. Returns how many were added.

    A study adds no more once it is decided or has used its seeds; where its last seeds have no pair of results, because
    runs failed, were stopped or deleted; and where its next runs cannot be trained here any more. An error of one study
    keeps no other from being looked at.
    """
    added, unexpected = 0, None
    for study in open_studies(store):
        if study.num_under_way:
            continue
        try:
            added += _continue(workspace, store, study)
        except StudyNotFound:
            continue  # it was deleted just now
        except UserError as error:
            logger.warning("study %s: no more seeds are added: %s", study.id, error)
            _end(store, study, str(error))
        except ConvDeckError as error:
            logger.info("study %s: looking again in a moment: %s", study.id, error)  # such as a busy database
        except Exception as error:
            unexpected = unexpected or error  # once the others have been looked at
    if added:
        ensure_scheduler(workspace)
    if unexpected is not None:
        raise unexpected
    return added


@dataclass(frozen=True)
class Expectation:
    """What a comparison may take before it begins, and `basis`, from which runs that is known."""

    forecast: Forecast
    basis: str

    @property
    def sentence(self) -> str:
        """`About 6 seeds are needed to detect a difference of half a point.`"""
        return self.forecast.sentence


def expected_seeds(store: Store, spec: StudySpec) -> Expectation | None:
    """About how many seeds will settle it, from how far seeds have moved results of runs that are there already.

    From the pairs of the two configs, if there are a few; else from runs of one of them, or of others on the same data,
    that differ by their seed alone: a pair then varies by √2 times as much. Runs on other pictures of that name, and
    those that a person changed while they trained, do not count. None where nothing was repeated.
    """
    changed = store.studies.changed_runs()
    data = control.with_data(store.workspace, RunRequest(spec.bases[0].config)).data
    digest = None if data is None else data.digest
    runs = [
        run
        for run in store.list_runs(RECENT_RUNS)
        # Of a run from before digests were kept, nothing else is known.
        if run.id not in changed and (run.dataset_digest is None or run.dataset_digest == digest)
    ]
    known = _known_deviation(runs, spec)
    if known is None:
        return None
    deviation, basis = known
    return Expectation(forecast(deviation, difference=spec.smallest_difference), basis)


def _continue(workspace: Workspace, store: Store, study: Study) -> bool:
    report = read_report(workspace, store, study.id)
    spec = report.spec
    if report.under_way:
        return False
    if spec is None or _is_over(report, spec):
        _end(store, report.study)
        return False
    for member in report.members:
        check_same_data(workspace, member.run)
    following = spec.with_seeds(1, spec.max_seeds)
    check_study(workspace, following)
    new = [each for each in plan(following) if each.role.seed == following.seeds[-1]]
    runs = [to_new_run(workspace, each) for each in new]
    return store.studies.add_seeds(study.id, report.study.added_seeds, runs, reuse=spec.reuse)


def _is_over(report: StudyReport, spec: StudySpec) -> bool:
    used = spec.max_seeds is None or len(spec.seeds) >= spec.max_seeds
    return report.is_decided or used or report.num_stalled >= MOST_WITHOUT_A_PAIR


def _end(store: Store, study: Study, error: str | None = None) -> None:
    try:
        store.studies.end_adding(study.id, study, error)
    except StudyNotFound:
        return  # it was deleted just now


def _known_deviation(runs: Iterable[Run], spec: StudySpec) -> tuple[float, str] | None:
    """Of differences between two runs of one seed, and from what it is known."""
    bases = [replace(base.config, seed=0) for base in spec.bases]
    dataset = bases[0].dataset
    by_config: dict[ExperimentConfig, dict[int, float]] = defaultdict(dict)
    for run in runs:
        config = run.readable_config if run.state is RunState.FINISHED else None
        if config is not None and run.best_val_accuracy is not None:
            same = (config.dataset.id, config.dataset.num_train) == (dataset.id, dataset.num_train)
            if same:
                by_config[replace(config, seed=0)].setdefault(config.seed, run.best_val_accuracy)
    pairs = _differences(*(by_config.get(base, {}) for base in bases))
    if len(pairs) >= ENOUGH_PAIRS:
        found = f"From {len(pairs)} pairs of runs of the two that are there."
        return float(np.std(pairs, ddof=1)), found
    own = noise_of_seeds([list(by_config.get(base, {}).values()) for base in bases])
    noise = own or noise_of_seeds([list(values.values()) for values in by_config.values()])
    if noise is None:
        return None
    whose = "From runs of these configs" if own else "From runs of other configs on the same data"
    return math.sqrt(2) * noise.deviation, f"{whose} that differ by their seed alone."


def _differences(first: Mapping[int, float], second: Mapping[int, float]) -> list[Any]:
    return [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]
