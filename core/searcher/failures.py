"""When a sweep gives up: its trials fail one after another for one cause, or none of its choices can be trained."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from core.store.states import TrialState
from core.store.trials import Trial

MAX_FAILURES = 3
# A loss that became NaN is what a search over learning rates finds out about some of them.
DIVERGED = "The loss became "
MAX_DIVERGED = 10
MAX_INFEASIBLE = 10


class GivenUp(NamedTuple):
    """Why a sweep ends early, and what to try."""

    error: str
    next_step: str


def cause_to_give_up(trials: Sequence[Trial], planned: int, excused: int = 0) -> GivenUp | None:
    """Why a sweep with these trials should end now; None to go on. The first `excused` trials do not count: a person
    resumed the sweep after them.
    """
    counted = [trial for trial in trials if trial.number >= excused]
    return _all_infeasible(counted, planned - excused) or _failing_alike(counted)


def _failing_alike(trials: Sequence[Trial]) -> GivenUp | None:
    ended = [trial for trial in trials if trial.state.is_finished and trial.search_runs]
    ended.sort(key=_ended_at)
    last = ended[-1:]
    if not last or last[0].state is not TrialState.FAILED:
        return None
    cause = _cause(last[0])
    limit = MAX_DIVERGED if cause.startswith(DIVERGED) else MAX_FAILURES
    alike = ended[-limit:]
    if len(alike) < limit or any(
        each.state is not TrialState.FAILED or _kind(_cause(each)) != _kind(cause) for each in alike
    ):
        return None
    return GivenUp(
        f"{limit} trials in a row failed for the same cause. The last one: {cause}",
        "Look at these runs and fix the cause, or change the space in a new sweep. Resume continues with other trials.",
    )


def _all_infeasible(trials: Sequence[Trial], planned: int) -> GivenUp | None:
    enough = len(trials) >= min(MAX_INFEASIBLE, max(1, planned))
    if not enough or any(trial.error is None for trial in trials):
        return None
    said = f"None of the {len(trials)} choices can" if len(trials) > 1 else "The one choice cannot"
    return GivenUp(
        f"{said} be trained. The last one: {trials[-1].error}",
        "Start a new sweep with a space whose values go together.",
    )


def _cause(trial: Trial) -> str:
    """That of its first run that failed."""
    said = (each.run.error for each in trial.search_runs if each.run.error)
    return next(said, "The training ended without a cause.")


def _kind(cause: str) -> str:
    """A cause without its numbers, such as the epoch."""
    return re.sub(r"\d+([.,]\d+)*", "#", cause)


def _ended_at(trial: Trial) -> tuple[float, int]:
    return max(each.run.ended_at or 0.0 for each in trial.search_runs), trial.number
