"""Sweeps in words: methods, pruning, objectives, states with their looks. No `st.*`."""

from collections.abc import Callable
from dataclasses import dataclass

from core.formatting import duration, percent
from core.store.states import SweepState, TrialState
from pages.components.kit.run_words import Look
from pages.components.sweeps.form_state import ACCURACY, LESS_GAP, PARETO


@dataclass(frozen=True)
class Choice:
    """One of a few choices: its name, and what it does in a sentence or two."""

    title: str
    help: str


METHODS = {
    "tpe": Choice(
        "TPE: learns from results",
        "Looks at which values did well so far and tries more like them. A good choice for most sweeps of 20 trials or "
        "more; the first ten are drawn at random.",
    ),
    "random": Choice(
        "Random",
        "Draws each trial by chance. Hard to beat with few trials, and the measure for every other method.",
    ),
    "grid": Choice(
        "Grid: every combination",
        "Tries every combination of the listed values once. Right for two or three settings with few values each.",
    ),
    "cmaes": Choice(
        "CMA-ES: moves towards better values",
        "Moves a cloud of trials to where results are better. For ranges of numbers, with 50 trials or more; lists are "
        "drawn at random.",
    ),
    "qmc": Choice(
        "Even coverage (QMC)",
        "Spreads the trials evenly over all ranges (Sobol), where random ones leave gaps. Good for a first look at how "
        "results depend on settings.",
    ),
}
PRUNINGS = {
    "none": Choice("Off", "Every trial is trained to its last epoch."),
    "median": Choice(
        "Median",
        "Four times during a trial, ends it if its best validation accuracy so far is below the median of earlier "
        "trials at the same epoch. Saves the most.",
    ),
    "hyperband": Choice(
        "Hyperband",
        "Gives most trials few epochs, and more to the better half of each round; some trials are spared the first "
        "rounds, in case they are good late.",
    ),
    "patience": Choice(
        "Patience",
        "Ends a trial whose validation accuracy is no longer rising, if it is below the median of earlier trials. The "
        "most careful.",
    ),
}
OBJECTIVES = {
    ACCURACY: Choice("Validation accuracy", "The best validation accuracy of any epoch."),
    LESS_GAP: Choice(
        "Accuracy, less overfitting",
        "Validation accuracy minus a share of the gap: prefers networks that learn less by heart.",
    ),
    PARETO: Choice(
        "Accuracy and cost",
        "Two goals at once. The answer is a front: the trials that nothing tried beats in both.",
    ),
}
COSTS = {
    "parameters": Choice("Parameters", "The number of weights."),
    "flops": Choice("FLOPs per picture", "The work of one answer."),
    "seconds": Choice("Training seconds", "The sum over all epochs, on this machine."),
    "gap": Choice("Gap", "Clean training minus validation accuracy."),
}
MEASURES = {"val_accuracy": "Validation accuracy", **{name: each.title for name, each in COSTS.items()}}

SWEEP_LOOKS = {
    SweepState.RUNNING: Look("Running", "blue", ":material/play_arrow:"),
    SweepState.PAUSED: Look("Paused", "orange", ":material/pause:"),
    SweepState.FINISHED: Look("Finished", "green", ":material/check_circle:"),
    SweepState.STOPPED: Look("Stopped", "orange", ":material/stop_circle:"),
    SweepState.FAILED: Look("Failed", "red", ":material/error:"),
}
NUMBERS_HELP = "The trial's number, from 0. Its runs, the command line and JSON have the same one."
PRUNED_HELP = (
    "Pruned: ended early, because it was worse than other trials at the same epoch. It has no result."
)
TRIAL_WORDS = {
    TrialState.WAITING: "Waiting", TrialState.RUNNING: "Running", TrialState.FINISHED: "Finished",
    TrialState.PRUNED: "Pruned", TrialState.FAILED: "Failed", TrialState.STOPPED: "Stopped",
}  # fmt: skip


def measure_in_words(measure: str) -> Callable[[float], str]:
    """How a value of a measure is shown."""
    if measure in ("val_accuracy", "gap"):
        return lambda value: percent(value)
    if measure == "seconds":
        return duration
    return lambda value: f"{value:,.0f}"
