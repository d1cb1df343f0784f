"""A sweep as it stands: its trials, what they reached, the best of them, and what a confirmation says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.analysis.search_luck import shown
from core.errors import UserError
from core.formatting import count_of
from core.runs.documents import finite_or_none
from core.store.states import SweepState, TrialState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.store.trials import Trial
from core.sweeps.confirmation import Confirmation, confirm
from core.sweeps.honesty import Honesty, judge_luck
from core.sweeps.objective import Measuring, best_of, digest_of, front_of, rank
from core.sweeps.spec import SweepSpec, read_spec
from core.workspace import Workspace


@dataclass(frozen=True)
class SweepReport:
    """`reached` are the objective's values by the number of the trial, of those that have finished with all seeds.

    `best` is the number of the best trial, `ranking` has the best first, `front` those of the Pareto front where there
    are several measures. `honesty` says what of it may be luck. `problem` says why there is no `spec`, where another
    version of ConvDeck wrote what this cannot read.
    """

    sweep: Sweep
    spec: SweepSpec | None
    trials: tuple[Trial, ...]
    reached: Mapping[int, tuple[float, ...]]
    best: int | None
    front: tuple[int, ...]
    ranking: tuple[int, ...]
    confirmation: Confirmation | None
    honesty: Honesty | None
    problem: str | None = None

    def num_in(self, *states: TrialState) -> int:
        """How many trials are in one of these states."""
        return sum(trial.state in states for trial in self.trials)

    @property
    def num_ended(self) -> int:
        """How many trials have ended, in whatever way."""
        return sum(trial.state.is_finished for trial in self.trials)

    @property
    def standing(self) -> str:
        """`12 of 30 trials have ended: 9 finished, 2 pruned, 1 failed; 2 are under way.`"""
        ended = [
            f"{count} {word}"
            for state, word in (
                (TrialState.FINISHED, "finished"),
                (TrialState.PRUNED, "pruned"),
                (TrialState.FAILED, "failed"),
                (TrialState.STOPPED, "stopped"),
            )
            if (count := self.num_in(state))
        ]
        under_way = len(self.trials) - self.num_ended
        parts = f": {', '.join(ended)}" if ended else ""
        going = f"; {under_way} {'is' if under_way == 1 else 'are'} under way" if under_way else ""
        return f"{self.num_ended} of {self.sweep.planned} trials have ended{parts}{going}."

    @property
    def is_importance_current(self) -> bool:
        """Whether the searcher has seen all results as they are now; not after one came, or went, since it left."""
        return not self.reached or (self.sweep.insights or {}).get("of") == digest_of(self.reached)

    @property
    def importance_note(self) -> str | None:
        """A sentence where the importance is that of earlier results. While it searches, that is so for moments."""
        shown = (self.sweep.insights or {}).get("importance")
        if not shown or self.is_importance_current or self.sweep.state is SweepState.RUNNING:
            return None
        return (
            "Results have changed since this was calculated. It is calculated again when the sweep next runs."
        )

    def fresh_seeds_sentence(self, number: int) -> str | None:
        """What a trial reached with fresh seeds, in a sentence; None before a confirmation has a verdict, and for a
        trial without such a result. It has measured what the winner's curse only estimates, so it is said instead.
        """
        found = self.confirmation
        if self.spec is None or found is None or found.leader is None:
            return None
        confirmed = next((each for each in found.trials if each.number == number), None)
        if confirmed is None or confirmed.interval is None:
            return None
        in_points = self.spec.objective.is_in_points
        searched = self.reached.get(number)
        before = "" if searched is None else f" (in the search: {shown(searched[0], in_points)})"
        seeds = count_of(len(confirmed.by_seed), "fresh seed")
        return f"With {seeds}: {shown(confirmed.interval.mean, in_points)} on average{before}."

    def objective_of(self, number: int) -> float | list[float] | None:
        """What a trial reached: a number, or with several measures a list of them; None until it has finished."""
        values = self.reached.get(number)
        if values is None or self.spec is None:
            return None
        return list(values) if self.spec.objective.is_pareto else values[0]

    def to_dict(self) -> dict[str, Any]:
        """The one document of the command line and of REST."""
        insights = self.sweep.insights or {}
        return {
            **sweep_summary(self.sweep),
            "standing": self.standing,
            "problem": self.problem,
            "counts": {state.value: self.num_in(state) for state in TrialState},
            "trials": [self._trial(trial) for trial in self.trials],
            "best": None if self.best is None else self._best(self.trials[self.best]),
            "front": list(self.front) if self.spec and self.spec.objective.is_pareto else None,
            "importance": insights.get("importance"),
            "importance_is_current": self.is_importance_current,
            "honesty": self.honesty and self.honesty.to_dict(insights.get("stability")),
            "confirmed": None if self.confirmation is None else self.confirmation.to_dict(),
            "spec": None if self.spec is None else self.spec.to_dict(),
        }

    def _trial(self, trial: Trial) -> dict[str, Any]:
        return {
            "number": trial.number,
            "values": trial.choices,
            "runs": [each.run.id for each in trial.search_runs],
            "state": trial.state.value,
            "objective": self.objective_of(trial.number),
            "epochs": sum(each.run.epoch for each in trial.search_runs),
            "best_val_accuracy": finite_or_none(best_so_far(trial)),
            "origin": trial.origin,
            "reused": bool(trial.search_runs) and all(each.is_reused for each in trial.search_runs),
            "changed_while_training": any(each.is_changed for each in trial.search_runs),
            "pruned_at": trial.pruned_at,
            "error": trial.error
            or next((each.run.error for each in trial.search_runs if each.run.error), None),
        }

    def _best(self, trial: Trial) -> dict[str, Any]:
        return {
            "number": trial.number,
            "values": trial.choices,
            "objective": self.objective_of(trial.number),
            "runs": [each.run.id for each in trial.search_runs],
        }


def best_so_far(trial: Trial) -> float | None:
    """The mean of the best validation accuracies of its runs so far, also of one that has not finished."""
    known = [
        each.run.best_val_accuracy for each in trial.search_runs if each.run.best_val_accuracy is not None
    ]
    return sum(known) / len(known) if known else None


def sweep_summary(sweep: Sweep) -> dict[str, Any]:
    """What `sweeps --json` lists. Times are unix seconds."""
    try:
        spec = read_spec(sweep.spec)
    except UserError:
        spec = None
    return {
        "id": sweep.id, "name": sweep.name, "state": sweep.state.value, "method": spec and spec.method,
        "objective": spec and spec.objective.to_asked(), "pruning": spec and spec.pruning,
        "planned": sweep.planned, "concurrency": sweep.concurrency,
        "num_trials": sweep.num_trials, "num_runs": sweep.num_runs, "num_under_way": sweep.num_under_way,
        "created_at": sweep.created_at, "ended_at": sweep.ended_at, "error": sweep.error,
        "next_step": sweep.next_step,
    }  # fmt: skip


def read_report(workspace: Workspace, store: Store, sweep_id: str) -> SweepReport:
    """The sweep as it stands now. Raises SweepNotFound."""
    sweep, trials = store.sweeps.get(sweep_id), tuple(store.sweeps.trials(sweep_id))
    try:
        spec = read_spec(sweep.spec)
    except UserError as error:
        return SweepReport(sweep, None, trials, {}, None, (), (), None, None, str(error))
    seconds = store.sweeps.training_seconds(sweep_id) if "seconds" in spec.objective.measures else {}
    measuring = Measuring(workspace, spec.objective, seconds)
    reached = {
        trial.number: values
        for trial in trials
        if (values := measuring.of_trial(trial, spec.num_seeds)) is not None
    }
    return SweepReport(
        sweep, spec, trials, reached,
        best=best_of(spec.objective, reached),
        front=tuple(front_of(spec.objective, reached)) if spec.objective.is_pareto else (),
        ranking=tuple(rank(spec.objective, reached)),
        confirmation=confirm(
            spec.objective, trials, measuring, sweep.confirm_seeds, resumes=sweep.state is not SweepState.STOPPED
        ),
        honesty=judge_luck(spec.objective, trials, reached, spec.num_seeds, measuring),
    )  # fmt: skip
