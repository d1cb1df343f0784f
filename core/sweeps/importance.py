"""How much each setting of a sweep matters, as Optuna works it out (PED-ANOVA), and whether that would hold.

Watanabe, Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces",
IJCAI 2023, https://arxiv.org/abs/2304.10255.
"""

import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.sweeps.search import PastTrial, load_optuna, to_optuna
from core.sweeps.space import Space, key_of

if TYPE_CHECKING:
    import optuna

MIN_TRIALS = 4  # below, Optuna calls all settings alike, or compares one trial with the others


def importances(
    space: Space, trials: Sequence[PastTrial], directions: Sequence[str] = ("maximize",)
) -> dict[str, float]:
    """The share of each setting, most important first; empty while fewer than MIN_TRIALS trials are complete."""
    complete = different(trials)
    return {} if len(complete) < MIN_TRIALS else _evaluate(_frozen(space, complete), directions)


def resampled_importances(
    space: Space, trials: Sequence[PastTrial], directions: Sequence[str] = ("maximize",), *, seed: int = 0
) -> Iterator[dict[str, float]]:
    """The same of one sample after another of the complete trials, drawn with replacement (bootstrap), without end.

    A setting that no trial of a sample has is left out of it. Each takes 0.01 s of 30 trials, 0.3 s of 1,000.
    """
    complete = different(trials)
    if len(complete) < MIN_TRIALS:
        return
    frozen, random = _frozen(space, complete), np.random.default_rng(seed)
    while True:
        drawn = random.integers(len(frozen), size=len(frozen))
        yield _evaluate([frozen[index] for index in drawn], directions)


def strongest(
    space: Space, trials: Sequence[PastTrial], directions: Sequence[str] = ("maximize",)
) -> float | None:
    """The largest importance of any setting before they are scaled to shares; None where there are no shares."""
    complete = different(trials)
    if len(complete) < MIN_TRIALS:
        return None
    return max(_evaluate(_frozen(space, complete), directions, normalize=False).values())


def shuffled_strongest(
    space: Space, trials: Sequence[PastTrial], directions: Sequence[str] = ("maximize",), *, seed: int = 0
) -> Iterator[float]:
    """The same with the results shuffled among the complete trials, so that no setting matters, without end.

    It says what chance alone does: Optuna's importances are shares, so with a handful of trials whose results are
    all noise, one setting still gets nearly all of them.
    """
    complete = different(trials)
    random = np.random.default_rng(seed)
    while len(complete) >= MIN_TRIALS:
        order = random.permutation(len(complete))
        mixed = [
            replace(trial, results=complete[at].results) for trial, at in zip(complete, order, strict=True)
        ]
        yield max(_evaluate(_frozen(space, mixed), directions, normalize=False).values())


def different(trials: Sequence[PastTrial]) -> list[PastTrial]:
    """The complete trials, one of those with the same choices: the same runs a second time are no second sample."""
    complete = [trial for trial in trials if trial.ended == "complete"]
    found: dict[str, PastTrial] = {}
    for trial in complete:
        found.setdefault(key_of(trial.choices), trial)
    return list(found.values())


def _frozen(space: Space, complete: Sequence[PastTrial]) -> "list[optuna.trial.FrozenTrial]":
    state = load_optuna().trial.TrialState.COMPLETE
    return [to_optuna(space, trial, state) for trial in complete]


def _evaluate(
    frozen: "Sequence[optuna.trial.FrozenTrial]", directions: Sequence[str], *, normalize: bool = True
) -> dict[str, float]:
    study = load_optuna().create_study(directions=list(directions))
    study.add_trials(frozen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _load_importance().get_param_importances(study, normalize=normalize)
    return {name: float(found[name]) for name in sorted(found, key=lambda name: (-found[name], name))}


def _load_importance() -> Any:
    """Optuna's importance, without scikit-learn, which other evaluators than this one need: 1.3 s and 160 MB less."""
    modules: dict[str, Any] = sys.modules
    is_left_out = "sklearn" not in modules
    if is_left_out:
        modules["sklearn"] = None  # an import of it fails then, which Optuna expects
    try:
        import optuna.importance
    finally:
        if is_left_out:
            del modules["sklearn"]
    return optuna.importance
