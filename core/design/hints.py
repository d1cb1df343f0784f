"""Hints on a design before it is started, as an experienced person would give them. They refuse nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.config import ExperimentConfig
from core.design.architecture import Architecture
from core.design.muon import parts_in_words
from core.formatting import count_of

MANY_PARAMETERS_PER_PICTURE = 100
FEW_STEPS = 150
SLOW_MOMENTUM = 0.95
LARGE_SHIFT = 0.15


@dataclass(frozen=True)
class Hint:
    """One sentence. Where a change of the config follows from it, `title` is a button's text, `changes` its values."""

    text: str
    title: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


def averages_lag(config: ExperimentConfig, num_train: int) -> bool:
    """Whether batch normalisation's running averages, which validation uses, are too slow for so few steps an epoch."""
    is_slow = config.model.batch_norm_momentum > SLOW_MOMENTUM
    return config.has_running_averages and is_slow and config.training.steps_per_epoch(num_train) < FEW_STEPS


def advise(config: ExperimentConfig, network: Architecture, image_size: int, num_train: int) -> list[Hint]:
    """The most important first. `image_size` is the picture's smaller side in pixels."""
    hints: list[str | Hint] = []
    augmentation, training = config.augmentation, config.training
    shift = max(augmentation.width_shift_fraction, augmentation.height_shift_fraction)
    if shift > LARGE_SHIFT:
        hints.append(
            f"Shifts of up to {100 * shift:.0f} % move the object out of a picture of {image_size} pixels; "
            f"2 to 10 % are usual."
        )
    regularized = any(dense.dropout for dense in config.model.dense) or any(
        b.dropout for b in config.model.blocks
    )
    if network.parameters > MANY_PARAMETERS_PER_PICTURE * num_train and not augmentation.is_active:
        rest = "" if regularized else " and no dropout"
        pictures = "picture" if num_train == 1 else "pictures"
        hints.append(
            f"{network.parameters:,} parameters for {num_train:,} {pictures}, no augmentation{rest}: expect it to "
            f"overfit within a few epochs."
        )
    steps = training.steps_per_epoch(num_train)
    if averages_lag(config, num_train):
        hints.append(
            Hint(
                f"With {count_of(steps, 'step')} per epoch, batch normalisation's momentum of "
                f"{config.model.batch_norm_momentum:g} lags behind and validation starts near guessing; 0.9 follows "
                "faster, and precise batch normalisation does not lag.",
                "Use precise batch normalisation",
                {"training.precise_batch_norm": True},
            )
        )
    if config.model.blocks and network.receptive_field < image_size / 4:
        hints.append(
            f"The convolutions see {network.receptive_field} of {image_size} pixels: larger kernels, more blocks or "
            f"pooling let them see whole objects."
        )
    if (
        config.optimizer.name in ("adam", "adamw", "rmsprop", "muon")
        and config.optimizer.learning_rate > 0.02
    ):
        hints.append(
            f"A learning rate of {config.optimizer.learning_rate:g} is high for {config.optimizer.name}; "
            f"0.001 is usual."
        )
    if parts := parts_in_words(config.optimizer, network):
        hints.append(parts)
    return [Hint(each) if isinstance(each, str) else each for each in hints]
