"""Every suggestion there is, and which ones answer which verdict.

A builder looks at a config and the run's best epoch, and returns None where its suggestion does not apply. It need not
check whether each value is new, nor whether the network can be built: `core.analysis.suggestions` does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import asdict

from core.analysis.diagnosis import Verdict
from core.config import AugmentationConfig, BlockConfig, ExperimentConfig
from core.design.presets import PRESETS

# Keras's default for the optimizers that scale their steps themselves; the others need other sizes.
USUAL_RATES = {"sgd": 0.01, "lion": 0.0001}
USUAL_RATE = 0.001
# Decay is taken times the learning rate: the larger sgd's is, the smaller the decay.
USUAL_DECAYS = {"sgd": 0.0005, "lion": 0.1}
USUAL_DECAY = 0.01
FAR_FROM_USUAL = 10
PATIENCE = 5
WORTH_STOPPING = 0.8  # of the epochs; a best epoch later than that leaves little to save
# Data sets where a mirrored picture is another class or none.
NEVER_MIRRORED = ("mnist",)
STRENGTHS = (
    "rotation_degrees", "width_shift_fraction", "height_shift_fraction", "zoom_fraction", "shear_degrees",
    "brightness", "contrast", "saturation", "hue", "erasing_probability", "noise_stddev", "mixup_alpha", "cutmix_alpha",
)  # fmt: skip

Changes = dict[str, Any]


@dataclass(frozen=True)
class Suggestion:
    """One thing to try: `title` is a button's text, `changes` are config paths with their new values."""

    id: str
    title: str
    why: str
    changes: Changes


def _augment(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    if config.augmentation.is_active:
        return None
    mild = asdict(PRESETS["article-augmented"].config.augmentation)
    changes = {name: value for name, value in mild.items() if value != getattr(AugmentationConfig(), name)}
    mirrored = ", shifted and mirrored"
    if config.dataset.id in NEVER_MIRRORED:
        del changes["horizontal_flip"]
        mirrored = " and shifted"
    changes["unchanged_fraction"] = 0.0
    return Suggestion(
        "augment",
        "Turn augmentation on",
        f"Slightly rotated{mirrored}, each picture looks new every time, so there is less to learn by heart.",
        {f"augmentation.{name}": value for name, value in changes.items()},
    )


def _augment_more(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    now = config.augmentation
    if not now.is_active:
        return None
    wanted = {
        "width_shift_fraction": 0.1,
        "height_shift_fraction": 0.1,
        "zoom_fraction": 0.1,
        "erasing_probability": 0.25,
    }
    changes: Changes = {
        f"augmentation.{name}": value for name, value in wanted.items() if getattr(now, name) < value
    }
    changes["augmentation.unchanged_fraction"] = 0.0
    return Suggestion(
        "augment-more",
        "Augment more",
        "It overfits despite augmentation: larger shifts, zoom and erased patches leave even less to learn "
        "by heart.",
        changes,
    )


def _mix_pictures(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    now = config.augmentation
    if not now.is_active or now.mixup_alpha or now.cutmix_alpha:
        return None
    return Suggestion(
        "mix-pictures",
        "Mix pictures",
        "CutMix pastes part of one picture onto another and both classes count, so no single picture can be learned by "
        "heart.",
        {"augmentation.cutmix_alpha": 1.0},
    )


def _all_pictures(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    if config.dataset.num_train is None:
        return None
    return Suggestion(
        "all-pictures",
        "Train on all pictures",
        f"Only {config.dataset.num_train:,} training pictures are used; more of them are harder to learn by heart, and "
        "accuracy grows roughly with the logarithm of their number.",
        {"dataset.num_train": None},
    )


def _more_dropout(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    dense = {f"model.dense[{i}].dropout": layer.dropout for i, layer in enumerate(config.model.dense)}
    blocks = {f"model.blocks[{i}].dropout": block.dropout for i, block in enumerate(config.model.blocks)}
    # Neighbouring pixels know much of what a dropped one knew, and batch normalisation minds: less in blocks.
    place, now, target = ("dense layers", dense, 0.5) if dense else ("blocks", blocks, 0.25)
    return Suggestion(
        "more-dropout",
        f"More dropout in the {place}",
        "Dropout switches off random units in every step, so no unit can rely on another to recognise a picture.",
        {path: target for path, value in now.items() if value < target},
    )


def _stop_in_time(config: ExperimentConfig, best_epoch: int | None) -> Suggestion | None:
    if best_epoch is not None and best_epoch <= WORTH_STOPPING * config.training.epochs:
        return Suggestion(
            "stop-at-best",
            f"Stop after epoch {best_epoch}",
            f"Validation was best after epoch {best_epoch}; what came later was learned by heart.",
            {"training.epochs": best_epoch},
        )
    patience = config.training.early_stopping_patience
    if patience is not None and patience <= PATIENCE:
        return None
    return Suggestion(
        "early-stopping",
        "Use early stopping",
        f"Once validation loss has not fallen for {PATIENCE} epochs, anything more is learned by heart.",
        {"training.early_stopping_patience": PATIENCE},
    )


def _weight_decay(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    optimizer = config.optimizer
    usual = USUAL_DECAYS.get(optimizer.name, USUAL_DECAY)
    decay = usual if optimizer.weight_decay < usual else min(1.0, _rounded(3 * optimizer.weight_decay))
    changes: Changes = {"optimizer.weight_decay": decay}
    if optimizer.name == "adam":
        changes["optimizer.name"] = "adamw"
    return Suggestion(
        "weight-decay",
        "More weight decay" if optimizer.weight_decay else "Weight decay",
        "Each step pulls the weights towards zero, so only weights that many pictures need become large.",
        changes,
    )


def _smaller_head(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    if config.model.head == "flatten" and config.model.blocks:
        return Suggestion(
            "global-average",
            "Average instead of flatten",
            "Averaging turns each filter into one number: far fewer weights, and none that learn positions by heart.",
            {"model.head": "global_average"},
        )
    return Suggestion(
        "smaller-head",
        "Halve the dense layers",
        "Fewer units mean fewer weights that can learn pictures by heart.",
        {f"model.dense[{i}].units": max(1, layer.units // 2) for i, layer in enumerate(config.model.dense)},
    )


def _smooth_labels(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    if config.optimizer.label_smoothing >= 0.1:
        return None
    return Suggestion(
        "smooth-labels",
        "Smooth the labels",
        "A tenth of each label is spread over all classes, so growing more certain of known pictures no longer pays.",
        {"optimizer.label_smoothing": 0.1},
    )


def _usual_rate(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    optimizer = config.optimizer
    usual = USUAL_RATES.get(optimizer.name, USUAL_RATE)
    if usual / FAR_FROM_USUAL < optimizer.learning_rate < usual * FAR_FROM_USUAL:
        return None
    word = "too long to settle" if optimizer.learning_rate > usual else "too short to make progress"
    return Suggestion(
        "usual-rate",
        f"Learning rate {usual:g}",
        f"{optimizer.learning_rate:.3g} is far from the usual {usual:g} for {optimizer.name}: its steps may be {word}.",
        {"optimizer.learning_rate": usual},
    )


def _more_filters(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    blocks = config.model.blocks
    return Suggestion(
        "more-filters",
        "Twice the filters",
        "A wider network can tell more patterns apart.",
        {f"model.blocks[{i}].filters": min(2048, 2 * block.filters) for i, block in enumerate(blocks)},
    )


def _one_more_block(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    blocks = config.model.blocks
    filters = min(2048, 2 * blocks[-1].filters) if blocks else 32
    plain = config.to_dict()["model"]["blocks"]
    added = asdict(BlockConfig(filters=filters, padding="same"))
    return Suggestion(
        "one-more-block",
        "One more block",
        "A deeper network sees more of the picture at once and combines what the blocks before it found.",
        {"model.blocks": [*plain, added]},
    )


def _less_augmentation(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    now = config.augmentation
    if not now.is_active:
        return None
    changes: Changes = {
        f"augmentation.{name}": _rounded(value / 2) for name in STRENGTHS if (value := getattr(now, name))
    }
    if now.randaugment_operations:
        changes["augmentation.randaugment_operations"] = now.randaugment_operations - 1
    return Suggestion(
        "less-augmentation",
        "Halve the augmentation",
        "Heavily varied pictures are harder to learn than real ones: too hard for this network.",
        changes,
    )


def _less_dropout(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    layers = [(f"model.dense[{i}].dropout", layer.dropout) for i, layer in enumerate(config.model.dense)]
    layers += [(f"model.blocks[{i}].dropout", block.dropout) for i, block in enumerate(config.model.blocks)]
    return Suggestion(
        "less-dropout",
        "Halve the dropout",
        "Dropout makes a network smaller while it trains, and this one is not too large.",
        {path: _rounded(value / 2) for path, value in layers if value},
    )


def _more_epochs(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    return Suggestion(
        "more-epochs",
        "Twice the epochs",
        "Training may simply not be finished: more epochs show whether there is more to gain.",
        {"training.epochs": min(100_000, 2 * config.training.epochs)},
    )


def _higher_rate(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    if config.optimizer.learning_rate >= USUAL_RATES.get(config.optimizer.name, USUAL_RATE):
        return None
    return _rate(
        config, 3, "higher-rate", "Higher learning rate", "Longer steps get further in the same time."
    )


def _lower_rate(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    why = "Shorter steps settle where longer ones jump from side to side."
    return _rate(config, 0.3, "lower-rate", "Lower learning rate", why)


def _much_lower_rate(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    why = "Steps that are too long overshoot every good solution: a tenth of the rate is the first thing to try."
    return _rate(config, 0.1, "much-lower-rate", "A tenth of the learning rate", why)


def _rate(config: ExperimentConfig, factor: float, suggestion_id: str, title: str, why: str) -> Suggestion:
    return Suggestion(
        suggestion_id,
        title,
        why,
        {"optimizer.learning_rate": _rounded(factor * config.optimizer.learning_rate)},
    )


def _cosine(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    if config.optimizer.schedule != "constant":
        return None
    return Suggestion(
        "cosine",
        "Lower the learning rate over time",
        "A cosine schedule shortens the steps until the end, so the weights settle.",
        {"optimizer.schedule": "cosine"},
    )


def _warm_up(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    optimizer = config.optimizer
    starts_slowly = optimizer.schedule in ("one_cycle", "triangular") or (
        optimizer.schedule == "cosine" and optimizer.warmup_epochs
    )
    if config.training.epochs < 2 or starts_slowly:
        return None
    return Suggestion(
        "warm-up",
        "Warm up the learning rate",
        "The first steps, from random weights, are the least reliable: the rate rises for one epoch, then falls.",
        {"optimizer.schedule": "cosine", "optimizer.warmup_epochs": 1},
    )


def _clip_gradients(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    clip = config.optimizer.gradient_clip_norm
    if clip is not None and clip <= 1:
        return None
    return Suggestion(
        "clip-gradients",
        "Clip the gradients",
        "A few pictures can cause a huge step; a limit on the gradients' norm keeps it from throwing the weights off.",
        {"optimizer.gradient_clip_norm": 1.0},
    )


def _full_precision(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    if config.training.precision != "mixed_float16":
        return None
    return Suggestion(
        "full-precision",
        "Full precision",
        "Half precision has no numbers above 65,504; a value beyond that turns the loss into NaN.",
        {"training.precision": "float32"},
    )


def _faster_averages(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    model = config.model
    if model.batch_norm_momentum <= 0.9 or not any(block.batch_norm for block in model.blocks):
        return None
    return Suggestion(
        "faster-averages",
        "Faster batch-normalisation averages",
        f"Validation uses running averages; with a momentum of {model.batch_norm_momentum:g} they lag far behind the "
        "weights, with 0.9 only some dozens of steps.",
        {"model.batch_norm_momentum": 0.9},
    )


def _average_weights(config: ExperimentConfig, _: int | None) -> Suggestion | None:
    if config.optimizer.weight_averaging is not None:
        return None
    return Suggestion(
        "average-weights",
        "Average the weights",
        "A running average of the weights cancels out the jumps of single steps.",
        {"optimizer.weight_averaging": 0.99},
    )


def _rounded(value: float) -> float:
    """Two digits, as a person would choose them."""
    return float(f"{value:.2g}")


Builder = Callable[[ExperimentConfig, int | None], Suggestion | None]
SUGGESTIONS: Mapping[Verdict, tuple[Builder, ...]] = {
    Verdict.TOO_EARLY: (),
    Verdict.OVERFITTING: (
        _augment, _augment_more, _mix_pictures, _all_pictures, _more_dropout, _stop_in_time, _smaller_head,
        _weight_decay, _smooth_labels,
    ),
    Verdict.UNDERFITTING: (
        _usual_rate, _more_filters, _one_more_block, _less_augmentation, _less_dropout, _more_epochs, _higher_rate,
        _lower_rate,
    ),
    Verdict.PLATEAU: (_lower_rate, _cosine, _more_filters, _all_pictures, _average_weights),
    Verdict.DIVERGED: (_much_lower_rate, _clip_gradients, _warm_up, _full_precision),
    Verdict.NOISY: (_faster_averages, _lower_rate, _cosine, _average_weights),
    Verdict.HEALTHY: (_more_epochs, _more_filters, _all_pictures),
}  # fmt: skip
