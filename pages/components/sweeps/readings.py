"""A sweep's trials as charts and tables show them: names, outcomes, an axis for each setting and result. No `st.*`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.config.labels import label_at, label_of, named_value
from core.formatting import percent, rate_in_words, within_sentence
from core.store.states import TrialState
from core.store.trials import Trial
from core.sweeps.dimension import Dimension
from core.sweeps.honesty import Honesty
from core.sweeps.objective import Objective
from core.sweeps.report import SweepReport, best_so_far
from pages.components.charts.sweep_axes import Axis, ShownTrials, number_axis, words_axis
from pages.components.charts.sweep_history import Step
from pages.components.sweeps.settings import in_words
from pages.components.sweeps.words import MEASURES, TRIAL_WORDS, measure_in_words

FEW_STEPS = 8  # a range with no more values than this has an axis of words, as a list has
IN_POINTS = ("val_accuracy", "gap")  # measured as fractions of 1


@dataclass(frozen=True)
class Goal:
    """One thing that is looked for: its name, how its values are shown, and which way is better."""

    title: str
    show: Callable[[float], str]
    in_points: bool
    maximise: bool


@dataclass(frozen=True)
class Readings:
    """What charts show of a sweep. `numbers` are the trials that have ended, in their order; each axis has an entry
    for each of them. `results` has an axis for each goal.
    """

    numbers: tuple[int, ...]
    trials: ShownTrials
    axes: tuple[Axis, ...]
    results: tuple[Axis, ...]
    goals: tuple[Goal, ...]


def goals_of(objective: Objective) -> tuple[Goal, ...]:
    """What is looked for, in words."""
    if objective.is_weighted:
        in_points = set(objective.measures) <= set(IN_POINTS)
        show = measure_in_words("val_accuracy") if in_points else lambda value: f"{value:.4g}"
        return (Goal(_sum_in_words(objective), show, in_points, True),)
    return tuple(
        Goal(MEASURES[name], measure_in_words(name), name in IN_POINTS, direction == "maximize")
        for name, direction in zip(objective.measures, objective.directions, strict=True)
    )


def read_trials(report: SweepReport) -> Readings | None:
    """What charts show; None where the sweep's settings cannot be read."""
    if report.spec is None:
        return None
    ended = [trial for trial in report.trials if trial.state.is_finished]
    goals = goals_of(report.spec.objective)
    reached = [report.reached.get(trial.number) for trial in ended]
    numbers = tuple(trial.number for trial in ended)
    shown = ShownTrials(
        tuple(f"Trial {number}" for number in numbers),
        tuple(
            None if values is not None else outcome(trial)
            for trial, values in zip(ended, reached, strict=True)
        ),
        numbers.index(report.best) if report.best in numbers else None,
    )
    results = tuple(
        number_axis(
            goal.title, [None if values is None else values[place] for values in reached], show=goal.show
        )
        for place, goal in enumerate(goals)
    )
    axes = tuple(axis_of(each, ended) for each in report.spec.space.dimensions)
    return Readings(numbers, shown, axes, results, goals)


def axis_of(dimension: Dimension, trials: Sequence[Trial]) -> Axis:
    """An axis of words for a list of values or few steps, else one of numbers, as the range is drawn from."""
    path, title = dimension.path, label_of(dimension.path)
    values = [trial.choices.get(path) for trial in trials]
    is_set = [path in trial.choices for trial in trials]
    count = dimension.num_options
    if dimension.values is not None or (count is not None and count <= FEW_STEPS):
        words = [
            in_words(path, value) if there else None for value, there in zip(values, is_set, strict=True)
        ]
        return words_axis(title, words, [in_words(path, option) for option in dimension.options()])
    return number_axis(title, values, log=dimension.log, show=number_in_words(path))


def number_in_words(path: str) -> Callable[[float], str]:
    """How a number of a setting is shown: to three digits, whole numbers as they are, with its unit."""
    try:
        label = label_at(path)
    except KeyError:
        return rate_in_words
    if label.is_percent:
        return lambda value: f"{100 * value:.3g} %"
    return lambda value: in_words(path, value) if isinstance(value, int) else rate_in_words(value)


def outcome(trial: Trial) -> str:
    """Why a trial that has ended has no result, as charts say it."""
    return {TrialState.FAILED: "failed", TrialState.PRUNED: "pruned"}.get(trial.state, "stopped")


def history_steps(report: SweepReport) -> list[Step]:
    """The trials that have ended, in the order in which they were chosen."""
    return [
        Step(
            trial.number, values[0] if (values := report.reached.get(trial.number)) else None, outcome(trial)
        )
        for trial in report.trials
        if trial.state.is_finished
    ]


def beside_random(
    steps: Sequence[Step], honesty: Honesty | None
) -> tuple[list[float | None], list[tuple[float, float, float] | None]]:
    """For each step the best so far, and the mean and band of a random order of the same trials.

    Both are over what the search has chosen: trials by hand, or found among earlier runs, are no part of its order.
    """
    curve = None if honesty is None else honesty.curve
    searched = () if honesty is None else honesty.searched
    places = {number: place for place, number in enumerate(searched)}
    best: list[float | None] = []
    random: list[tuple[float, float, float] | None] = []
    for step in steps:
        place = places.get(step.trial)
        if curve is None or place is None:
            best.append(best[-1] if best else None)
            random.append(None)
        else:
            best.append(curve.found[place])
            random.append((curve.expected[place], curve.low[place], curve.high[place]))
    return best, random


def why_no_result(trial: Trial) -> str:
    """What happened to a trial without a result, in a sentence; empty for one that has none yet or has one."""
    if trial.state is TrialState.PRUNED:
        so_far = best_so_far(trial)
        reached = "" if so_far is None else f" Its best validation accuracy was {percent(so_far)}."
        return f"Pruned after epoch {trial.pruned_at}.{reached}"
    if trial.error:
        return trial.error
    return next((each.run.error for each in trial.search_runs if each.run.error), "") or (
        "Its runs were deleted." if trial.state.is_finished and not trial.search_runs else ""
    )


def trial_title(report: SweepReport, trial: Trial, goals: Sequence[Goal]) -> str:
    """`Trial 7: 71.2 % (Learning rate 0.01, Kernel sizes of every block 1+3)`."""
    values = report.reached.get(trial.number)
    told = (
        TRIAL_WORDS[trial.state].lower()
        if values is None
        else ", ".join(goal.show(value) for goal, value in zip(goals, values, strict=True))
    )
    choices = ", ".join(named_value(path, shown_choice(path, each)) for path, each in trial.choices.items())
    return f"Trial {trial.number}: {told} ({choices})"


def trial_rows(report: SweepReport, goals: Sequence[Goal]) -> pd.DataFrame:
    """A row per trial, newest first: values in words, state, results, epochs, runs, and why there is no result."""
    assert report.spec is not None
    rows: list[dict[str, Any]] = []
    for trial in reversed(report.trials):
        row: dict[str, Any] = {"Trial": trial.number, **choice_columns(report, trial)}
        values = report.reached.get(trial.number)
        for place, goal in enumerate(goals):
            value = None if values is None else values[place]
            row[goal.title] = None if value is None else 100 * value if goal.in_points else value
        runs = trial.search_runs
        row["State"] = TRIAL_WORDS[trial.state]
        row["Epochs"] = (
            f"{sum(each.run.epoch for each in runs)} of {sum(each.run.total_epochs for each in runs)}"
            if runs
            else "–"
        )
        row["Reused"] = bool(runs) and all(each.is_reused for each in runs)
        row["Runs"] = ", ".join(each.run.id for each in runs)
        row["Why"] = why_no_result(trial)
        rows.append(row)
    return pd.DataFrame(rows)


def choice_columns(report: SweepReport, trial: Trial) -> dict[str, str]:
    """A trial's value of each setting that is searched, in words, by the setting's name."""
    assert report.spec is not None
    return {
        label_of(each.path): shown_choice(each.path, trial.choices[each.path])
        if each.path in trial.choices
        else "–"
        for each in report.spec.space.dimensions
    }


def shown_choice(path: str, value: Any) -> str:
    """A value of a trial in words; numbers with a fraction to three digits."""
    return number_in_words(path)(value) if isinstance(value, float) else in_words(path, value)


def _sum_in_words(objective: Objective) -> str:
    """`Validation accuracy - 0.5 × gap`."""
    parts = []
    for place, (name, weight) in enumerate(objective.terms):
        title = MEASURES[name] if place == 0 else within_sentence(MEASURES[name])
        amount = title if abs(weight) == 1 else f"{abs(weight):g} × {title}"
        parts.append(("-" if weight < 0 else "" if place == 0 else "+", amount))
    return " ".join(f"{sign} {amount}".strip() for sign, amount in parts)
