"""The search of one sweep: which trial comes next, which is given up, and when all is done.

Each look reads the trials from the store and does what they call for. What is kept here between two looks only saves
time: it is made again from the store after a kill.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from core.errors import DatasetError, IllegalTransition, RunNotFound, UserError
from core.searcher.failures import cause_to_give_up
from core.searcher.insights import Insights
from core.store.records import Run
from core.store.states import RunState, SweepState, TrialState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.store.trials import MAX_RESUMES, NewTrialRun, Trial
from core.sweeps.configs import trial_runs
from core.sweeps.objective import Measuring
from core.sweeps.places import is_within, put, read
from core.sweeps.pruning import Pruner
from core.sweeps.search import Ended, PastTrial, Search
from core.sweeps.spec import SweepSpec, read_spec
from core.system.devices import DeviceReport

# What does not show in the runs under way, such as a run that a person resumes or deletes, is seen this often.
LOOK_SECONDS = 2.0
# Methods that do not look at results: their next trial can wait in the queue, so that no device waits for it.
INDIFFERENT = ("grid", "random", "qmc")

logger = logging.getLogger(__name__)


class SweepSearch:
    """Looks after one sweep for as long as it is RUNNING."""

    def __init__(
        self,
        store: Store,
        sweep: Sweep,
        devices: Callable[[], DeviceReport],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises UserError where the sweep's settings cannot be read."""
        self._store = store
        self._workspace = store.workspace
        self._id = sweep.id
        self._devices = devices
        self._clock = clock
        self._spec: SweepSpec = read_spec(sweep.spec)
        spec = self._spec
        self._search = Search(spec.space, spec.method, spec.seed, spec.objective.directions)
        self._pruner = None if spec.pruning == "none" else Pruner(spec.pruning, _most_epochs(spec), spec.seed)
        self._is_first_judgement = True
        self._insights = Insights(spec, sweep.insights, clock)
        self._past: tuple[PastTrial, ...] = ()
        self._reached: dict[object, tuple[float, ...] | None] = {}
        self._under_way: list[str] = []
        self._seen: object = None
        self._look_due = float("-inf")

    def look(self, sweep: Sweep) -> None:
        """Do what there is to do now; almost nothing where nothing has changed.

        Raises IllegalTransition or SweepNotFound where a person changed the sweep a moment ago; make another then.
        """
        seen = (sweep, [_progress(run) for run in self._store.get_runs(self._under_way)])
        if seen != self._seen or self._clock() >= self._look_due:
            self._seen, self._look_due = seen, self._clock() + LOOK_SECONDS
            self._act(sweep)
        elif insights := self._insights.work(self._past):
            self._store.sweeps.record_insights(self._id, insights)

    def record_insights(self) -> None:
        """Work out what is known of the trials now, all at once. Raises SweepNotFound."""
        self._past = self._past_of(self._store.sweeps.trials(self._id))
        if self._insights.is_current(self._past):
            return
        if insights := self._insights.finish(self._past):
            self._store.sweeps.record_insights(self._id, insights)

    def _act(self, sweep: Sweep) -> None:
        trials = self._store.sweeps.trials(self._id)
        if self._resume_interrupted(trials):
            trials = self._store.sweeps.trials(self._id)
        self._past = self._past_of(trials)
        if self._pruner is not None and self._prune(trials):
            trials = self._store.sweeps.trials(self._id)
            self._past = self._past_of(trials)
        if not self._give_up(sweep, trials):
            while self._has_room(sweep, trials):
                added = self._add_next(sweep, trials)
                if added is None:
                    sweep = self._store.sweeps.set_planned(
                        self._id, len(trials)
                    )  # a grid without a point left
                    break
                trials.append(added)
                self._past = self._past_of(trials)
                if self._give_up(sweep, trials):
                    return
            self._finish(sweep, trials)
        self._under_way = [run.id for run in _unfinished(trials)]

    # What ends

    def _resume_interrupted(self, trials: Sequence[Trial]) -> bool:
        """Resume runs that lost their process. Returns whether there was one."""
        found = False
        for trial in trials:
            for each in trial.search_runs:
                run = each.run
                lost = run.state is RunState.INTERRUPTED and run.attempt <= MAX_RESUMES
                if lost and trial.pruned_at is None:
                    try:
                        self._store.resume_run(run.id)
                    except (IllegalTransition, RunNotFound):
                        continue  # a person was quicker
                    found = True
                    logger.info("sweep %s: trial %d was interrupted and is resumed", self._id, trial.number)
        return found

    def _past_of(self, trials: Sequence[Trial]) -> tuple[PastTrial, ...]:
        objective = self._spec.objective
        needs_seconds = "seconds" in objective.measures
        measuring: Measuring | None = None
        curves: dict[str, list[float | None]] | None = None
        found, reached = [], dict[object, tuple[float, ...] | None]()
        for trial in trials:
            key = (trial.number, trial.state, *(_progress(each.run) for each in trial.search_runs))
            if key not in self._reached:
                if measuring is None:
                    seconds = self._store.sweeps.training_seconds(self._id) if needs_seconds else {}
                    measuring = Measuring(self._workspace, objective, seconds)
                self._reached[key] = measuring.of_trial(trial, self._spec.num_seeds)
            results = reached[key] = self._reached[key]
            curve: Sequence[float | None] = ()
            if trial.state is TrialState.PRUNED and trial.search_runs:
                curves = self._store.sweeps.val_accuracies(self._id) if curves is None else curves
                curve = curves.get(trial.search_runs[0].run.id, [])[: trial.pruned_at]
            found.append(
                PastTrial(
                    trial.number, trial.choices, _ended(trial, results), results or (), tuple(curve),
                    frozenset(trial.known), trial.origin == "search",
                )
            )  # fmt: skip
        self._reached = reached  # without what was so before
        return tuple(found)

    def _prune(self, trials: Sequence[Trial]) -> bool:
        """Give up the trials that the pruner gives up. Returns whether there was one."""
        assert self._pruner is not None
        curves = self._store.sweeps.val_accuracies(self._id)
        given_up: dict[str, int] = {}
        for trial in trials:
            if not trial.search_runs:
                continue
            run = trial.search_runs[0].run
            curve = curves.get(run.id, [])[: trial.pruned_at]
            # After a restart only the last epoch is judged: the others were, when less was known.
            judge_from = run.total_epochs + 1 if trial.state.is_finished else 1
            if self._is_first_judgement and not trial.state.is_finished:
                judge_from = len(curve)
            epoch = self._pruner.report(trial.number, curve, epochs=run.total_epochs, judge_from=judge_from)
            if trial.state.is_finished or run.state is RunState.FINISHED:
                self._pruner.end(trial.number)
            elif epoch is not None:
                given_up[run.id] = epoch
        self._is_first_judgement = False
        for trial in trials:
            # Two trials may have the same run, where the same values were chosen twice.
            if trial.search_runs and not trial.state.is_finished:
                epoch = given_up.get(trial.search_runs[0].run.id)
                if epoch is not None:
                    self._store.sweeps.record_pruned(self._id, trial.number, epoch)
                    logger.info(
                        "sweep %s: trial %d is given up after epoch %d", self._id, trial.number, epoch
                    )
        return bool(given_up)

    def _give_up(self, sweep: Sweep, trials: Sequence[Trial]) -> bool:
        """End a sweep whose trials only fail. Returns whether it did."""
        cause = cause_to_give_up(trials, sweep.planned, self._insights.excused)
        if cause is not None:
            # Recorded first: a person who resumes the sweep is not told the same at once.
            self._store.sweeps.record_insights(self._id, self._insights.excuse(len(trials)))
            self._end(SweepState.FAILED, error=cause.error, next_step=cause.next_step)
        return cause is not None

    def _finish(self, sweep: Sweep, trials: Sequence[Trial]) -> None:
        if len(trials) >= sweep.planned and not _unfinished(trials):
            if insights := self._insights.finish(self._past):
                self._store.sweeps.record_insights(self._id, insights)
            self._end(SweepState.FINISHED, planned=sweep.planned)

    def _end(self, state: SweepState, **how: Any) -> None:
        self._store.sweeps.change_state(self._id, state, expected=SweepState.RUNNING, **how)
        logger.info("sweep %s: %s %s", self._id, state.lower(), how.get("error", ""))

    # What begins

    def _has_room(self, sweep: Sweep, trials: Sequence[Trial]) -> bool:
        """Whether another trial is to begin now."""
        if len(trials) >= sweep.planned:
            return False
        if sweep.concurrency is not None:
            return len([trial for trial in trials if _unfinished([trial])]) < sweep.concurrency
        devices = self._devices().devices
        gpus = sum(device.kind == "gpu" for device in devices)
        room = max(1, gpus // max(1, self._spec.base.training.num_gpus) if gpus else len(devices))
        return len(_unfinished(trials)) < room + (self._spec.method in INDIFFERENT)

    def _add_next(self, sweep: Sweep, trials: Sequence[Trial]) -> Trial | None:
        """The next trial, added; None where the search has nothing left to try."""
        choices = self._search.next(self._past)
        if choices is None:
            return None
        number, runs, error = len(trials), tuple[NewTrialRun, ...](), None
        try:
            runs = trial_runs(self._workspace, self._spec, sweep.name, number, choices)
        except DatasetError:
            raise  # it holds for every trial
        except UserError as cause:
            error = str(cause)
        known = [each.number for each in self._past if each.ended is not None]
        added = self._store.sweeps.add_trial(
            self._id, number, choices, runs, known=known, error=error, reuse=self._spec.reuse
        )
        logger.info("sweep %s: trial %d %s%s", self._id, number, choices, f": {error}" if error else "")
        return added


def _progress(run: Run) -> tuple[Any, ...]:
    return run.id, run.state, run.attempt, run.epoch, run.best_val_accuracy, run.gap


def _unfinished(trials: Sequence[Trial]) -> list[Run]:
    """The runs of the search that wait or hold a device, each once; also those of trials that were given up."""
    runs = {each.run.id: each.run for trial in trials for each in trial.search_runs}
    return [run for run in runs.values() if not run.state.is_finished]


def _ended(trial: Trial, results: tuple[float, ...] | None) -> Ended | None:
    if not trial.state.is_finished:
        return None
    if trial.state is TrialState.PRUNED:
        return "pruned"
    return "failed" if results is None else "complete"


def _most_epochs(spec: SweepSpec) -> int:
    """The most that a trial may have, whether they are searched alone or with a whole part."""
    base, steps = spec.space.base, ("training", "epochs")
    found = [spec.base.training.epochs]
    for dimension in spec.space.dimensions:
        if is_within(steps, dimension.place.steps):
            values = [dimension.high] if dimension.values is None else dimension.values
            found += [int(read(put(base, dimension.place, value), steps)) for value in values]
    return max(found)
