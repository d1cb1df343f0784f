"""Settings that a sweep can search: their names, values that are worth a try, and what they depend on. No `st.*`."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from core.config import ExperimentConfig
from core.config.labels import label_at, label_of, named_value, setting_at, shown_value
from core.config.paths import EVERY
from core.config.schema import settings as every_setting
from core.errors import ConfigError
from core.formatting import within_sentence

# Lists of which a whole number is their number.
COUNTS = ("model.blocks", "model.dense")
KERNEL_SIZES, PADDING = "model.blocks[*].kernel_sizes", "model.blocks[*].padding"
# Not offered: the data would not be the same, seeds have a field of their own, results do not depend on it, or a run's
# id cannot be suggested.
_LEFT_OUT = {
    "dataset.id", "seed", "training.num_gpus", "training.deterministic", "training.keep_epoch_weights",
    "model.start_from",
}  # fmt: skip
# What people search first, before the others in the order of the config.
_FIRST = (
    "optimizer.learning_rate", KERNEL_SIZES, "model.blocks[*].filters", "model.blocks", "model.head",
    "training.batch_size", "optimizer.name", "model.blocks[*].dropout", "optimizer.weight_decay",
    "optimizer.schedule",
)  # fmt: skip
# A setting that says something only where another one has a certain value.
NEEDS: dict[str, tuple[str, str]] = {
    "optimizer.momentum": ("optimizer.name", "sgd"),
    "optimizer.nesterov": ("optimizer.name", "sgd"),
    "optimizer.muon_convolutions": ("optimizer.name", "muon"),
    "optimizer.warmup_epochs": ("optimizer.schedule", "cosine"),
    "optimizer.step_epochs": ("optimizer.schedule", "step"),
    "optimizer.step_factor": ("optimizer.schedule", "step"),
    "optimizer.plateau_patience": ("optimizer.schedule", "plateau"),
}


@dataclass(frozen=True)
class Suggestion:
    """What a row begins with: a list of values, or a range from `low` to `high`."""

    values: list[Any] = field(default_factory=list)
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None

    @property
    def is_range(self) -> bool:
        """Whether it is a range."""
        return self.low is not None


# By path, with [] for any place in a list. Ranges are wide enough to hold what is usual for small pictures.
_SUGGESTED: dict[str, Suggestion] = {
    "optimizer.learning_rate": Suggestion(low=0.0003, high=0.03, log=True),
    "optimizer.name": Suggestion(["adam", "adamw", "sgd"]),
    "optimizer.schedule": Suggestion(["constant", "cosine", "one_cycle"]),
    "optimizer.weight_decay": Suggestion(low=0.00001, high=0.01, log=True),
    "optimizer.momentum": Suggestion(low=0.8, high=0.99),
    "optimizer.label_smoothing": Suggestion([0.0, 0.05, 0.1]),
    "optimizer.gradient_clip_norm": Suggestion([None, 1.0, 5.0]),
    "optimizer.weight_averaging": Suggestion([None, 0.99, 0.999]),
    "optimizer.warmup_epochs": Suggestion([0, 1, 2]),
    "training.batch_size": Suggestion([16, 32, 64, 128]),
    "training.early_stopping_patience": Suggestion([None, 3, 5]),
    "training.steps_per_epoch_multiple": Suggestion([0.5, 1.0, 2.0]),
    "dataset.num_train": Suggestion([500, 1000, 2000]),
    "dataset.image_size": Suggestion([16, 24, 32]),
    "dataset.label_noise": Suggestion([0.0, 0.1, 0.2]),
    "model.blocks": Suggestion([1, 2, 3]),
    "model.blocks[].kernel_sizes": Suggestion([[1], [3], [5], [7], [1, 3, 5, 7]]),
    "model.blocks[].filters": Suggestion([16, 32, 64, 128]),
    "model.blocks[].stride": Suggestion([1, 2]),
    "model.blocks[].pool_size": Suggestion([2, 3]),
    "model.blocks[].repeats": Suggestion([1, 2]),
    "model.blocks[].dropout": Suggestion(low=0.0, high=0.5),
    "model.dense": Suggestion([0, 1, 2]),
    "model.dense[].units": Suggestion([32, 64, 128, 256]),
    "model.dense[].dropout": Suggestion(low=0.0, high=0.6),
    "model.batch_norm_momentum": Suggestion([0.9, 0.99]),
    "augmentation.rotation_degrees": Suggestion(low=0.0, high=30.0),
    "augmentation.shear_degrees": Suggestion(low=0.0, high=20.0),
    "augmentation.mixup_alpha": Suggestion([0.0, 0.2, 1.0]),
    "augmentation.cutmix_alpha": Suggestion([0.0, 0.5, 1.0]),
    "augmentation.randaugment_operations": Suggestion([0, 1, 2]),
    "augmentation.erasing_probability": Suggestion([0.0, 0.25, 0.5]),
    "augmentation.noise_stddev": Suggestion([0.0, 0.02, 0.05]),
}


def in_words(path: str, value: Any) -> str:
    """A value of a sweep in words, as short as an axis needs them: `SGD`, `1+3+5`, `0.01`, `off`."""
    if isinstance(value, list | tuple) and all(isinstance(each, int) for each in value):
        return "+".join(map(str, value))
    try:
        return shown_value(path, value)
    except (KeyError, AttributeError, TypeError, ValueError):
        return str(value)


def choices_in_words(choices: dict[str, Any]) -> str:
    """All values of a trial: `Learning rate 0.01, Kernel sizes 3 in every block`."""
    return ", ".join(named_value(path, in_words(path, value)) for path, value in choices.items())


def searchable(config: ExperimentConfig) -> list[str]:
    """The paths that can be searched in a network of this shape, the usual ones first."""
    paths = [path for path in _paths(config) if path not in _LEFT_OUT]
    return [path for path in _FIRST if path in paths] + [path for path in paths if path not in _FIRST]


def suggested(path: str, config: ExperimentConfig) -> Suggestion:
    """Values to begin with: what is usual, every choice, or else the config's own value, its half and its double."""
    setting = setting_at(path)
    if setting.path in _SUGGESTED:
        return _SUGGESTED[setting.path]
    if setting.kind == "choice":
        return Suggestion(list(setting.choices))
    if setting.kind == "switch":
        return Suggestion([False, True])
    limits = setting.limits
    if limits is None:
        return Suggestion([])
    own = _own(path, config)
    if label_at(path).is_percent:
        return Suggestion(low=0.0, high=min(0.2, limits.high))
    kind = int if limits.whole else float
    start = own or setting.default or max(limits.low, 1)
    tried = sorted({kind(min(limits.high, max(limits.low, start * factor))) for factor in (0.5, 1, 2)})
    return Suggestion([None, *tried] if setting.is_optional and own is None else list(tried))


def is_without_effect(path: str, config: ExperimentConfig, searched: Collection[str]) -> str | None:
    """Why a setting says nothing in these designs, where the one that it depends on is not searched itself."""
    parent, value = NEEDS.get(path, ("", ""))
    if not parent or parent in searched or config.value(parent) == value:
        return None
    label, now = within_sentence(label_of(parent)), in_words(parent, config.value(parent))
    return f"It has no effect here: it belongs to {in_words(parent, value)}, and {label} is {now}."


def _own(path: str, config: ExperimentConfig) -> Any:
    """The value in the config; that of the first place where it is every place; None where there is none."""
    try:
        return config.value(path.replace(EVERY, "[0]"))
    except ConfigError:
        return None


def _paths(config: ExperimentConfig) -> Iterator[str]:
    for path in _patterns():
        layers, is_list, name = path.partition("[].")
        if not is_list:
            yield path
            continue
        count = len(config.value(layers))
        if count:
            yield f"{layers}{EVERY}.{name}"
        if count > 1:
            yield from (f"{layers}[{place}].{name}" for place in range(count))


def _patterns() -> Iterator[str]:
    for setting in every_setting():
        if setting.kind != "list" or setting.path in COUNTS or setting.path.endswith("kernel_sizes"):
            yield setting.path
