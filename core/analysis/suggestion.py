"""What a suggestion is, and what is known of the run that it is made for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.config import ExperimentConfig

Changes = dict[str, Any]

# Fewer steps an epoch than these, at the level of guessing, and nothing else needs to be the cause.
FEW_STEPS = 50


@dataclass(frozen=True)
class Suggestion:
    """One thing to try: `title` is a button's text, `changes` are config paths with their new values."""

    id: str
    title: str
    why: str
    changes: Changes


@dataclass(frozen=True)
class Known:
    """What a config does not say of its run; None where it is not known.

    `best_epoch` is that of the best validation accuracy, `num_available` how many training pictures the data set has,
    `total_epochs` how many the run was to train, with those added meanwhile. `ended_early`: early stopping ended it.
    `hardly_learned`: validation is hardly better than guessing. `averages_lag`: those of batch normalisation or of the
    weights are far behind what trains.
    """

    best_epoch: int | None = None
    num_available: int | None = None
    total_epochs: int | None = None
    ended_early: bool = False
    hardly_learned: bool = False
    averages_lag: bool = False

    def epochs(self, config: ExperimentConfig) -> int:
        """How many the run was to train."""
        return self.total_epochs or config.training.epochs

    def steps_per_epoch(self, config: ExperimentConfig) -> int | None:
        """Of the run; None where its number of training pictures is not known."""
        num_train = config.dataset.num_train or self.num_available
        return config.training.steps_per_epoch(num_train) if num_train else None

    def lacks_steps(self, config: ExperimentConfig) -> bool:
        """Whether it is at the level of guessing after few steps an epoch."""
        steps = self.steps_per_epoch(config)
        return self.hardly_learned and steps is not None and steps < FEW_STEPS


Builder = Callable[[ExperimentConfig, Known], Suggestion | None]


def two_digits(value: float) -> float:
    """As a person would choose it."""
    return float(f"{value:.2g}")
