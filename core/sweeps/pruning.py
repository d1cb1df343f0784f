"""Which trials are given up early, judged by their validation accuracy epoch by epoch, by Optuna's pruners.

The pruners' settings were chosen on recorded curves of small networks; docs/results.md has what they keep and save.
A `Pruner` sees nothing but curves, so that recorded ones can be judged again as if they came now. Of a trial with
several seeds it sees the first: its curve is compared with those of other trials from the same seed, and the other
seeds of a trial that is given up need not begin.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any

from core.sweeps.search import load_optuna

# Median: how many trials have ended before any is given up.
STARTUP_TRIALS = 2
# When the median judges, as shares of the epochs. Seldom, since each time up to half of the trials that are left go.
LOOKS = (0.1, 0.2, 0.35, 0.6)
# In epochs: after the first one, the running averages of batch normalisation are often still those of the start.
FIRST_LOOK = 2
# Hyperband: the share of the epochs up to the first rung. Of two trials that reach a rung, one goes on.
FIRST_RUNG_SHARE = 1 / 6
REDUCTION_FACTOR = 2
# Patience: the share of the epochs without a new best, after which the median judges.
PATIENCE_SHARE = 0.05


class Pruner:
    """Judges the trials of one sweep while they train. Accuracies, so that more is better."""

    def __init__(self, pruning: str, epochs: int, seed: int = 0) -> None:
        """`epochs` is how many a trial has in the end; `seed` deals the trials out to Hyperband's brackets."""
        optuna = load_optuna()
        self._states = optuna.trial.TrialState
        self._epochs = epochs
        self._looks: set[int] | None = None
        if pruning == "median":
            self._looks = {max(FIRST_LOOK, math.ceil(share * epochs)) for share in LOOKS}
        # A rung knows no earlier epochs; the best of them says more than the last, which jumps.
        self._shows_best = pruning == "hyperband"
        self._pruner = _optuna_pruner(pruning, epochs)
        self._study = optuna.create_study(study_name=str(seed), direction="maximize", pruner=self._pruner)
        self._reported: dict[int, int] = {}  # epochs, by trial
        self._ended: set[int] = set()

    def report(
        self, trial: int, curve: Sequence[float | None], *, epochs: int | None = None, judge_from: int = 1
    ) -> int | None:
        """The epoch after which a trial with this curve, from its first epoch, is to be given up; None to go on.

        Epochs that were reported before are not judged again, nor those before `judge_from`: they were judged when the
        other trials were not as far as now. After its last epoch (`epochs`, where a trial has others) none is given up.
        """
        self._begin(trial)
        last = self._epochs if epochs is None else epochs
        storage, trial_id = self._study._storage, self._id(trial)
        for epoch in range(self._reported[trial] + 1, len(curve) + 1):
            self._reported[trial] = epoch
            values = curve[:epoch] if self._shows_best else curve[epoch - 1 : epoch]
            value = max((each for each in values if each is not None and each == each), default=math.nan)
            storage.set_trial_intermediate_value(trial_id, epoch, value)
            if self._looks is not None and epoch not in self._looks:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of curves without a single number
                # Hyperband notes the rungs that a trial has reached, so it is asked also where it does not matter.
                is_out = self._pruner.prune(self._study, storage.get_trial(trial_id))
            if is_out and judge_from <= epoch < last:
                return epoch
        return None

    def end(self, trial: int) -> None:
        """A trial gets no more epochs. The median compares with all that have ended and got as far, also those that
        were given up: those that were not are the better ones already.
        """
        self._begin(trial)
        if trial not in self._ended:
            self._ended.add(trial)
            # The pruners look at the curves alone.
            self._study._storage.set_trial_state_values(self._id(trial), self._states.COMPLETE, [0.0])

    def _begin(self, trial: int) -> None:
        while trial not in self._reported:
            self._reported[self._study.ask().number] = 0

    def _id(self, trial: int) -> int:
        found = self._study._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, trial)
        return int(found)


def prune_recorded(
    pruning: str, curves: Sequence[Sequence[float | None]], epochs: int, seed: int = 0
) -> list[int | None]:
    """The epoch after which each of these curves, one after another, would have been given up; None: not at all."""
    pruner, given_up = Pruner(pruning, epochs, seed), []
    for trial, curve in enumerate(curves):
        epoch = pruner.report(trial, curve)
        pruner.end(trial)
        given_up.append(epoch)
    return given_up


def _optuna_pruner(pruning: str, epochs: int) -> Any:
    pruners = load_optuna().pruners
    median = pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # patience is experimental
        match pruning:
            case "none":
                return pruners.NopPruner()
            case "median":
                return median
            case "hyperband":
                first_rung = math.ceil(FIRST_RUNG_SHARE * epochs)
                return pruners.HyperbandPruner(first_rung, epochs, REDUCTION_FACTOR)
            case "patience":
                # Optuna's patience of 0 is one epoch without a new best.
                return pruners.PatientPruner(median, patience=math.ceil(PATIENCE_SHARE * epochs) - 1)
    raise ValueError(f"{pruning!r} is no pruning of core.sweeps.spec.")
