"""What helps where a network learns too little, no more, or nothing: steps, their size, and what it can express.

Builders are as in `core.analysis.generalising_suggestions`.
"""

from msgspec.structs import asdict, replace

from core.analysis.generalising_suggestions import all_pictures
from core.analysis.suggestion import FEW_STEPS, Builder, Changes, Known, Suggestion, two_digits
from core.config import BlockConfig, ExperimentConfig

# Keras's default for the optimizers that scale their steps themselves; the others need other sizes.
USUAL_RATES = {"sgd": 0.01, "lion": 0.0001}
USUAL_RATE = 0.001
FAR_FROM_USUAL = 10
STRENGTHS = (
    "rotation_degrees", "width_shift_fraction", "height_shift_fraction", "zoom_fraction", "shear_degrees",
    "brightness", "contrast", "saturation", "hue", "erasing_probability", "noise_stddev", "mixup_alpha", "cutmix_alpha",
)  # fmt: skip
# A network of this size has left guessing after about as many steps.
STEPS_TO_LEARN = 1_000
MOST_TIMES = 10
# Batch normalisation needs some pictures for a mean.
SMALLEST_BATCH = 8
MOST_EPOCHS = 100_000
QUICK_MOMENTUM = 0.9  # of batch normalisation's averages


def _usual_rate(config: ExperimentConfig, _: Known) -> Suggestion | None:
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


def _more_filters(config: ExperimentConfig, _: Known) -> Suggestion | None:
    blocks = config.model.blocks
    return Suggestion(
        "more-filters",
        "Twice the filters",
        "A wider network can tell more patterns apart.",
        {f"model.blocks[{i}].filters": min(2048, 2 * block.filters) for i, block in enumerate(blocks)},
    )


def _one_more_block(config: ExperimentConfig, _: Known) -> Suggestion | None:
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


def _less_augmentation(config: ExperimentConfig, _: Known) -> Suggestion | None:
    now = config.augmentation
    if not now.is_active:
        return None
    changes: Changes = {
        f"augmentation.{name}": two_digits(value / 2) for name in STRENGTHS if (value := getattr(now, name))
    }
    if now.randaugment_operations:
        changes["augmentation.randaugment_operations"] = now.randaugment_operations - 1
    return Suggestion(
        "less-augmentation",
        "Halve the augmentation",
        "Heavily varied pictures are harder to learn than real ones: too hard for this network.",
        changes,
    )


def _less_dropout(config: ExperimentConfig, _: Known) -> Suggestion | None:
    layers = [(f"model.dense[{i}].dropout", layer.dropout) for i, layer in enumerate(config.model.dense)]
    layers += [(f"model.blocks[{i}].dropout", block.dropout) for i, block in enumerate(config.model.blocks)]
    return Suggestion(
        "less-dropout",
        "Halve the dropout",
        "Dropout makes a network smaller while it trains, and this one is not too large.",
        {path: two_digits(value / 2) for path, value in layers if value},
    )


def _more_epochs(config: ExperimentConfig, known: Known) -> Suggestion | None:
    if known.ended_early:
        return None  # it would end as early again
    return Suggestion(
        "more-epochs",
        "Twice the epochs",
        "Training may simply not be finished: more epochs show whether there is more to gain.",
        {"training.epochs": min(MOST_EPOCHS, 2 * known.epochs(config))},
    )


def _longer(config: ExperimentConfig, known: Known) -> Suggestion | None:
    """As many epochs as STEPS_TO_LEARN need, at least twice and at most MOST_TIMES as many."""
    steps, epochs = known.steps_per_epoch(config), known.epochs(config)
    if steps is None or known.ended_early or epochs >= MOST_EPOCHS:
        return None
    wanted = min(MOST_EPOCHS, max(2 * epochs, min(MOST_TIMES * epochs, -(-STEPS_TO_LEARN // steps))))
    return Suggestion(
        "more-epochs",
        f"Train {wanted:,} epochs",
        f"{epochs:,} epochs of {steps:,} step{'' if steps == 1 else 's'} are {steps * epochs:,} steps in all, too few "
        f"to learn much{_slow_averages(config)}.",
        {"training.epochs": wanted, **_averages_that_follow(config)},
    )


def _smaller_batch(config: ExperimentConfig, known: Known) -> Suggestion | None:
    """The largest power of two, or the smallest batch, that gives FEW_STEPS an epoch."""
    training, steps = config.training, known.steps_per_epoch(config)
    num_train = config.dataset.num_train or known.num_available
    if steps is None or num_train is None:
        return None
    wanted = max(SMALLEST_BATCH, training.pictures_per_epoch(num_train) // FEW_STEPS)
    size = 2 ** (wanted.bit_length() - 1)
    size = max(training.num_gpus, size - size % training.num_gpus)
    smaller = replace(training, batch_size=min(size, training.batch_size))
    if smaller.steps_per_epoch(num_train) <= steps:
        return None
    return Suggestion(
        "smaller-batch",
        f"Batches of {size:,}",
        f"With {training.batch_size:,} pictures per batch, an epoch has {steps:,} step{'' if steps == 1 else 's'}; "
        f"with {size:,} it has {smaller.steps_per_epoch(num_train):,}, so the weights move further in an "
        f"epoch{_slow_averages(config)}.",
        {"training.batch_size": size, **_averages_that_follow(config)},
    )


def _averages_that_follow(config: ExperimentConfig) -> Changes:
    """More steps alone do not show where batch normalisation's averages lag a hundred steps and more behind them.

    Measured: 144 pictures of Shapes, 100 epochs of 3 steps, training accuracy 62 %, validation at guessing.
    """
    return {"model.batch_norm_momentum": QUICK_MOMENTUM} if _has_slow_averages(config) else {}


def _slow_averages(config: ExperimentConfig) -> str:
    momentum = config.model.batch_norm_momentum
    return f", and averages with a momentum of {momentum:g} lag behind" if _has_slow_averages(config) else ""


def _has_slow_averages(config: ExperimentConfig) -> bool:
    return config.has_running_averages and config.model.batch_norm_momentum > QUICK_MOMENTUM


def _higher_rate(config: ExperimentConfig, _: Known) -> Suggestion | None:
    if config.optimizer.learning_rate >= USUAL_RATES.get(config.optimizer.name, USUAL_RATE):
        return None
    return _rate(
        config, 3, "higher-rate", "Higher learning rate", "Longer steps get further in the same time."
    )


def _lower_rate(config: ExperimentConfig, _: Known) -> Suggestion | None:
    why = "Shorter steps settle where longer ones jump from side to side."
    return _rate(config, 0.3, "lower-rate", "Lower learning rate", why)


def _much_lower_rate(config: ExperimentConfig, _: Known) -> Suggestion | None:
    why = "Steps that are too long overshoot every good solution: a tenth of the rate is the first thing to try."
    return _rate(config, 0.1, "much-lower-rate", "A tenth of the learning rate", why)


def _rate(config: ExperimentConfig, factor: float, suggestion_id: str, title: str, why: str) -> Suggestion:
    return Suggestion(
        suggestion_id,
        title,
        why,
        {"optimizer.learning_rate": two_digits(factor * config.optimizer.learning_rate)},
    )


def _cosine(config: ExperimentConfig, _: Known) -> Suggestion | None:
    if config.optimizer.schedule != "constant":
        return None
    return Suggestion(
        "cosine",
        "Lower the learning rate over time",
        "A cosine schedule shortens the steps until the end, so the weights settle.",
        {"optimizer.schedule": "cosine"},
    )


def _warm_up(config: ExperimentConfig, _: Known) -> Suggestion | None:
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


def _clip_gradients(config: ExperimentConfig, _: Known) -> Suggestion | None:
    clip = config.optimizer.gradient_clip_norm
    if clip is not None and clip <= 1:
        return None
    return Suggestion(
        "clip-gradients",
        "Clip the gradients",
        "A few pictures can cause a huge step; a limit on the gradients' norm keeps it from throwing the weights off.",
        {"optimizer.gradient_clip_norm": 1.0},
    )


def _full_precision(config: ExperimentConfig, _: Known) -> Suggestion | None:
    if config.training.precision != "mixed_float16":
        return None
    return Suggestion(
        "full-precision",
        "Full precision",
        "Half precision has no numbers above 65,504; a value beyond that turns the loss into NaN.",
        {"training.precision": "float32"},
    )


def _precise_batch_norm(config: ExperimentConfig, known: Known) -> Suggestion | None:
    if not config.has_running_averages or not (known.averages_lag or _has_slow_averages(config)):
        return None
    return Suggestion(
        "precise-batch-norm",
        "Precise batch normalisation",
        "Validation uses running averages, which can lag behind the weights; statistics that are measured on training "
        "pictures before each validation do not.",
        {"training.precise_batch_norm": True},
    )


def _shorter_average(config: ExperimentConfig, known: Known) -> Suggestion | None:
    """A tenth of the steps."""
    momentum = config.optimizer.weight_averaging
    if not known.averages_lag or momentum is None or momentum <= QUICK_MOMENTUM:
        return None
    shorter = max(QUICK_MOMENTUM, round(1 - 10 * (1 - momentum), 5))
    return Suggestion(
        "shorter-average",
        "Shorter weight averaging",
        f"The average of the weights, with a momentum of {momentum:g}, spans some {1 / (1 - momentum):,.0f} steps and "
        "lags behind the weights themselves.",
        {"optimizer.weight_averaging": shorter},
    )


def _faster_averages(config: ExperimentConfig, _: Known) -> Suggestion | None:
    if not _has_slow_averages(config):
        return None
    return Suggestion(
        "faster-averages",
        "Faster batch-normalisation averages",
        f"Validation uses running averages; with a momentum of {config.model.batch_norm_momentum:g} they lag far "
        "behind the weights, with 0.9 only some dozens of steps.",
        {"model.batch_norm_momentum": QUICK_MOMENTUM},
    )


def _average_weights(config: ExperimentConfig, _: Known) -> Suggestion | None:
    if config.optimizer.weight_averaging is not None:
        return None
    return Suggestion(
        "average-weights",
        "Average the weights",
        "A running average of the weights cancels out the jumps of single steps.",
        {"optimizer.weight_averaging": 0.99},
    )


WHEN_UNDERFITTING: tuple[Builder, ...] = (
    _usual_rate, _more_filters, _one_more_block, _less_augmentation, _less_dropout, _more_epochs, _higher_rate,
    _lower_rate,
)  # fmt: skip
WHEN_GUESSING: tuple[Builder, ...] = (
    _usual_rate, _more_epochs, _less_augmentation, _less_dropout, all_pictures, _higher_rate, _lower_rate,
    _more_filters,
)  # fmt: skip
# Where steps are what lacks, neither shorter ones nor a larger network would help.
WHEN_STEPS_LACK: tuple[Builder, ...] = (
    _longer, _smaller_batch, _precise_batch_norm, _faster_averages, _usual_rate, _higher_rate, all_pictures,
    _less_augmentation,
)  # fmt: skip
WHEN_STEPS_LACK_AND_AVERAGES_LAG: tuple[Builder, ...] = (
    _precise_batch_norm, _longer, _smaller_batch, _faster_averages, _shorter_average, _usual_rate, _higher_rate,
    all_pictures, _less_augmentation,
)  # fmt: skip
ON_A_PLATEAU: tuple[Builder, ...] = (_lower_rate, _cosine, _more_filters, all_pictures, _average_weights)
WHEN_DIVERGED: tuple[Builder, ...] = (_much_lower_rate, _clip_gradients, _warm_up, _full_precision)
WHEN_NOISY: tuple[Builder, ...] = (
    _precise_batch_norm, _shorter_average, _faster_averages, _lower_rate, _cosine, _average_weights,
)  # fmt: skip
WHEN_HEALTHY: tuple[Builder, ...] = (_more_epochs, _more_filters, all_pictures)
