"""Is the best trial really better? The best three with fresh seeds, the same for all, compared in pairs.

The seeds that the search has seen have chosen the best trials, so they flatter them; fresh ones do not. There is no
verdict before all runs have ended: who looks after each of them, until one is ahead, finds a winner among equals in up
to a quarter of confirmations. Seeds that are added later are judged by intervals that hold at all looks.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.analysis.choice import Candidate, ConfirmedDifference, judge_confirmation
from core.analysis.choice import Confirmation as Judgement
from core.analysis.significance import ACCURACY, GAP, Interval, Limits, rounding_error
from core.formatting import as_sentence, count_of
from core.store.states import RunState
from core.store.trials import Trial, TrialRun
from core.sweeps.objective import DEFAULT, Measuring, Objective


@dataclass(frozen=True)
class ConfirmedTrial:
    """A confirmed trial: what it reached with the fresh seeds so far, by seed, and the mean with its interval."""

    number: int
    by_seed: dict[int, float]
    interval: Interval | None
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Confirmation:
    """`leader` is the number of the trial with the best mean, `winner` the same where it is clearly better than each
    other one. `differences` are the leader minus each other trial, whose number is `other`; all of their intervals hold
    together, however often seeds are added, with 95 %. `take` is the smallest network of those that cannot be told from
    the leader. There are none of these until the runs that were planned first have ended.

    `num_seeds` are planned. `is_complete`: all runs have ended; of these, `num_missing` have no result. `num_reused`
    were trained before, for something else.
    """

    trials: tuple[ConfirmedTrial, ...]
    differences: tuple[ConfirmedDifference, ...]
    num_seeds: int
    is_complete: bool
    num_missing: int
    num_reused: int
    leader: int | None
    winner: int | None
    take: int | None
    sentence: str
    take_sentence: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "winner": self.winner,
            "leader": self.leader,
            "take": self.take,
            "sentence": self.sentence,
            "take_sentence": self.take_sentence,
            "seeds": self.num_seeds,
            "complete": self.is_complete,
            "num_missing": self.num_missing,
            "num_reused": self.num_reused,
            "trials": [
                {
                    "number": each.number,
                    "objective": None if each.interval is None else asdict(each.interval),
                    "by_seed": [{"seed": seed, "objective": value} for seed, value in each.by_seed.items()],
                    "runs": list(each.runs),
                }
                for each in self.trials
            ],
            "differences": [asdict(each) for each in self.differences],
        }


def confirm(
    objective: Objective,
    trials: Sequence[Trial],
    measuring: Measuring,
    planned_seeds: int | None,
    *,
    resumes: bool,
) -> Confirmation | None:
    """What the runs with fresh seeds say so far; None where no trial has any. Of several measures the first decides.

    `planned_seeds` is how many were planned before there was any result. `resumes`: runs that lost their process
    will be resumed, so that they have not ended yet.
    """
    chosen = [trial for trial in trials if trial.confirm_runs]
    if len(chosen) < 2:
        return None
    by_seed = [_by_seed(trial, objective, measuring) for trial in chosen]
    candidates = [
        Candidate(f"trial {trial.number}", values, _cost(trial, measuring))
        for trial, values in zip(chosen, by_seed, strict=True)
    ]
    name = "" if objective.is_weighted else objective.measures[0]
    runs = [each for trial in chosen for each in trial.confirm_runs]
    under_way = sum(not each.run.state.is_finished or (resumes and each.will_resume) for each in runs)
    is_first = is_first_plan(chosen, planned_seeds)
    judged = judge_confirmation(
        candidates,
        at_one_look=is_first,
        rounding=_rounding(name, chosen),
        limits=_LIMITS.get(name, (-math.inf, math.inf)),
        maximise=objective.directions[0] == "maximize",
        in_points=objective.is_in_points,
    )
    means = judged.means if judged is not None else (None,) * len(chosen)
    if is_first and under_way:
        # Without intervals, which would be verdicts at many looks.
        means = tuple(each and Interval(each.mean, None, None, each.n) for each in means)
        judged = None
    confirmed = tuple(
        ConfirmedTrial(trial.number, values, mean, tuple(each.run.id for each in trial.confirm_runs))
        for trial, values, mean in zip(chosen, by_seed, means, strict=True)
    )
    return _confirmation(judged, confirmed, runs, len(runs) - under_way)


def is_first_plan(trials: Sequence[Trial], planned_seeds: int | None) -> bool:
    """Whether these are the runs that were planned before there was any result, no more and no fewer, and no person
    has ended one of them: only then was the number of seeds not chosen after looking.
    """
    runs = [each for trial in trials for each in trial.confirm_runs]
    seeds = {each.seed for each in runs}
    was_stopped = any(each.run.state is RunState.STOPPED for each in runs)
    return len(seeds) == planned_seeds and len(runs) == len(seeds) * len(trials) and not was_stopped


_LIMITS: dict[str, Limits] = {DEFAULT: ACCURACY, "gap": GAP}


def _confirmation(
    judged: Judgement | None, trials: tuple[ConfirmedTrial, ...], runs: Sequence[TrialRun], ended: int
) -> Confirmation:
    missing = ended - sum(len(trial.by_seed) for trial in trials)
    so_far = ""
    if ended < len(runs):
        so_far = f"So far, {ended} of {count_of(len(runs), 'run')} with fresh seeds have ended."
    elif missing:
        have = "has" if missing == 1 else "have"
        so_far = f"{missing} of {count_of(len(runs), 'run')} with fresh seeds {have} no result."
    silent = [f"trial {trial.number}" for trial in trials if not trial.by_seed]
    if silent and ended == len(runs):
        so_far += f" Not compared, for want of any: {' and '.join(silent)}."
    num_seeds, num_reused = len({each.seed for each in runs}), sum(each.is_reused for each in runs)
    is_complete = ended == len(runs)
    if judged is None:
        said = f"{so_far} The answer comes when all have."
        if is_complete:
            said = f"Nothing to compare. {so_far}"
        return Confirmation(
            trials, (), num_seeds, is_complete, missing, num_reused, None, None, None, said, None
        )
    differences = tuple(replace(each, other=trials[each.other].number) for each in judged.differences)
    sentence = as_sentence(judged.sentence)
    return Confirmation(
        trials, differences, num_seeds, is_complete, missing, num_reused,
        leader=trials[judged.order[0]].number,
        winner=None if judged.winner is None else trials[judged.winner].number,
        take=trials[judged.take].number,
        sentence=f"{sentence} {so_far}".strip(),
        take_sentence=judged.take_sentence if is_complete else None,
    )  # fmt: skip


def _by_seed(trial: Trial, objective: Objective, measuring: Measuring) -> dict[int, float]:
    found = {}
    for each in trial.confirm_runs:
        if each.run.state is RunState.FINISHED:
            values = objective.values(measuring.of_run(each))
            if values is not None:
                found[each.seed] = values[0]
    return found


def _cost(trial: Trial, measuring: Measuring) -> float | None:
    config = trial.confirm_runs[0].run.readable_config
    size = None if config is None else measuring.size_of(config)
    return None if size is None else size[0]


def _rounding(name: str, trials: Sequence[Trial]) -> float | None:
    """Of an accuracy on n pictures, a multiple of 1 / n; None lets the values tell. All else is not rounded."""
    if name not in _LIMITS:
        return 0.0
    pictures = {each.run.data_num_validation for trial in trials for each in trial.confirm_runs}
    return rounding_error(*pictures) if name == DEFAULT and len(pictures) == 1 else None
