"""Trials are given up where Optuna's own loop gives them up, and never in their last epoch."""

import math
from collections.abc import Collection, Sequence

import numpy as np
import optuna
import pytest

from core.sweeps.pruning import Pruner, prune_recorded

EPOCHS = 12


def recorded_curves(num_trials: int) -> list[list[float]]:
    """Accuracies that rise towards different heights at different speeds, with noise."""
    random = np.random.default_rng(3)
    curves = []
    for _ in range(num_trials):
        height, speed = random.uniform(0.3, 0.9), random.uniform(0.1, 1.0)
        rise = height * (1 - np.exp(-speed * np.arange(1, EPOCHS + 1)))
        curves.append(list(rise + random.normal(0, 0.02, EPOCHS)))
    return curves


def by_optuna(
    pruner: optuna.pruners.BasePruner, curves: Sequence[Sequence[float]], looks: Collection[int], best: bool
) -> list[int | None]:
    """Optuna's loop of report and should_prune, where a trial that is given up counts as much as one that is not.

    It is asked at `looks` alone, and told the accuracy of each epoch, or the best so far.
    """
    study = optuna.create_study(study_name="0", direction="maximize", pruner=pruner)
    given_up: list[int | None] = []
    for curve in curves:
        trial, stopped_at = study.ask(), None
        for epoch, value in enumerate(curve, start=1):
            trial.report(max(curve[:epoch]) if best else value, epoch)
            if epoch in looks and trial.should_prune() and epoch < EPOCHS:
                stopped_at = epoch
                break
        study.tell(trial, curve[-1])
        given_up.append(stopped_at)
    return given_up


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("pruning", ["none", "median", "hyperband", "patience"])
def test_recorded_curves_are_cut_where_optuna_cuts_them(pruning: str) -> None:
    curves = recorded_curves(40)
    median = optuna.pruners.MedianPruner(n_startup_trials=2)
    expected = by_optuna(
        {
            "none": optuna.pruners.NopPruner(),
            "median": median,
            "hyperband": optuna.pruners.HyperbandPruner(min_resource=2, max_resource=12, reduction_factor=2),
            "patience": optuna.pruners.PatientPruner(median, patience=0),
        }[pruning],
        curves,
        looks=(2, 3, 5, 8) if pruning == "median" else range(1, EPOCHS + 1),
        best=pruning == "hyperband",
    )
    assert prune_recorded(pruning, curves, EPOCHS) == expected
    assert (sum(each is not None for each in expected) > 10) == (pruning != "none")


@pytest.mark.parametrize("pruning", ["median", "hyperband"])
def test_a_pruner_made_again_in_mid_sweep_judges_the_rest_alike(pruning: str) -> None:
    curves = recorded_curves(30)
    expected = prune_recorded(pruning, curves, EPOCHS)
    pruner = Pruner(pruning, EPOCHS)
    for trial in range(20):
        shown = curves[trial] if expected[trial] is None else curves[trial][: expected[trial]]
        pruner.report(trial, shown, judge_from=EPOCHS)
        pruner.end(trial)
    for trial in range(20, 30):
        found = None
        for epoch in range(1, EPOCHS + 1):  # as it comes, epoch by epoch
            found = found or pruner.report(trial, curves[trial][:epoch])
        pruner.end(trial)
        assert found == expected[trial]


def test_median_by_hand() -> None:
    """Five trials reach 0.50, 0.60, … 0.90 in every epoch; the median is 0.70. Judged from the second epoch on."""
    good = [[0.5 + 0.1 * trial] * 10 for trial in range(5)]
    assert prune_recorded("median", [*good, [0.69] * 10], 10) == [None] * 5 + [2]
    assert prune_recorded("median", [*good, [0.71] * 10], 10) == [None] * 6
    assert prune_recorded("median", [good[0], [0.1] * 10], 10) == [None] * 2  # too few before it
    # The one given up after 2 epochs still counts there: the median of 0.5 to 0.9 and 0.1 is 0.65.
    assert prune_recorded("median", [*good, [0.1] * 10, [0.66] * 2 + [0.1] * 8], 10)[5:] == [2, 4]
    # The best so far counts, so that one bad epoch ends nothing.
    assert prune_recorded("median", [*good, [0.71] + [0.1] * 9], 10) == [None] * 6
    assert prune_recorded("median", [*good, [math.nan] * 10], 10) == [None] * 5 + [2]
    assert prune_recorded("median", [*good, [0.1]], 1) == [None] * 6  # its only epoch
