"""What each setting is called where people read: its name, unit and help, once for forms, cards, names and refusals."""

import functools
import re
from typing import Any

import msgspec

from core.config.fields import Setting
from core.config.paths import parse_path
from core.config.schema import settings

_PERCENT = "%"
_PLACE = re.compile(r"\[\d+\]")
# What stands in lists: one entry, counted from 1.
_LISTS = {"model.blocks": "block", "model.dense": "dense layer"}
_PARTS = {
    "dataset": "Data",
    "model": "Network",
    "augmentation": "Augmentation",
    "optimizer": "Optimizer",
    "training": "Training",
}


class Label(msgspec.Struct, frozen=True):
    """The words for one setting.

    `unit` follows a value; with "%", fractions of 1 are shown as percent. `empty` says what no value means.
    `choices` has words for each choice: a short name, where needed with ": " and an explanation after it.
    """

    name: str
    help: str
    unit: str = ""
    empty: str = "–"
    choices: dict[str, str] = {}
    is_proper: bool = False  # the name keeps its capital within a sentence

    @property
    def is_percent(self) -> bool:
        """Whether a value is a fraction of 1 that is shown as percent."""
        return self.unit == _PERCENT

    @property
    def title(self) -> str:
        """What stands above a field whose values have no unit of their own: `Image size (pixels)`."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def within(self) -> str:
        """The name within a sentence: `rotation`, but `RandAugment magnitude`."""
        return self.name if self.is_proper else self.name[:1].lower() + self.name[1:]


_ACTIVATION = Label(
    "Activation",
    "The function applied to each output. Without one, several layers could do no more than a single layer. ReLU "
    "turns values below 0 into 0; linear leaves every value as it is.",
    choices={
        "relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "elu": "ELU", "leaky_relu": "leaky ReLU", "tanh": "tanh",
        "linear": "linear",
    },
)  # fmt: skip
_DROPOUT = Label(
    "Dropout",
    "The fraction of values that is set to 0 at random during training, which makes learning by heart harder.",
)

LABELS: dict[str, Label] = {
    "dataset.id": Label("Data set", "The pictures to learn from, and their classes."),
    "dataset.num_train": Label(
        "Training pictures",
        "Training on fewer pictures is faster and overfits sooner. A smaller subset lies inside a larger one. Empty: "
        "all pictures.",
        empty="all",
    ),
    "dataset.image_size": Label(
        "Image size",
        "Resizes each picture to a square with this many pixels per side. Empty: the size as stored.",
        unit="pixels",
        empty="as stored",
    ),
    "dataset.label_noise": Label(
        "Label noise",
        "The share of training labels that is replaced by a wrong class, drawn by the seed. The network can only learn "
        "these by heart. The true labels are kept for measuring: the run's page shows how many wrong labels it has "
        "memorised. Validation labels stay correct.",
        unit=_PERCENT,
    ),
    "model.blocks": Label(
        "Convolution blocks", "Each block looks for patterns in the output of the block before it."
    ),
    "model.blocks[].filters": Label(
        "Filters", "The number of patterns that the block looks for. Each gives one channel."
    ),
    "model.blocks[].kernel_sizes": Label(
        "Kernel sizes",
        "The size of the window in pixels. Several sizes work side by side and their channels are joined, as in "
        "Inception.",
    ),
    "model.blocks[].padding": Label(
        "Padding",
        "Whether the picture is padded so that the output keeps its size. Several kernel sizes and residual blocks "
        "need 'same'.",
        choices={"valid": "valid: no padding", "same": "same: keeps the size"},
    ),
    "model.blocks[].stride": Label("Stride", "How many pixels the window moves at a time."),
    "model.blocks[].activation": _ACTIVATION,
    "model.blocks[].batch_norm": Label(
        "Batch normalisation", "Keeps the values in a steady range, which speeds up learning."
    ),
    "model.blocks[].pool": Label(
        "Pooling",
        "Makes the picture smaller: keeps the largest value of each window, or its average.",
        choices={"max": "max", "average": "average", "none": "none"},
    ),
    "model.blocks[].pool_size": Label("Pooling window", "The length of the window's side in pixels."),
    "model.blocks[].dropout": _DROPOUT,
    "model.blocks[].repeats": Label(
        "Repeats", "The number of convolutions in a row before pooling and dropout."
    ),
    "model.blocks[].residual": Label(
        "Residual connection", "Adds the block's input to its output, so that deeper networks still learn."
    ),
    "model.blocks[].separable": Label(
        "Separable convolutions",
        "Filters each channel on its own first, then combines the channels: fewer parameters.",
    ),
    "model.head": Label(
        "Head",
        "How the last feature maps become a list of numbers. Flatten keeps where something was seen, and the layer "
        "after it needs many parameters. The global average does not keep it.",
        choices={
            "flatten": "flatten: every position",
            "global_average": "global average: one number per filter",
        },
    ),
    "model.dense": Label("Dense layers", "Fully connected layers between the head and the classes."),
    "model.dense[].units": Label(
        "Units",
        "How many numbers the layer computes, each from all of its inputs. More units make finer distinctions, and "
        "learn more by heart.",
    ),
    "model.dense[].activation": _ACTIVATION,
    "model.dense[].dropout": _DROPOUT,
    "model.batch_norm_momentum": Label(
        "Batch normalisation momentum",
        "How slowly the running statistics of batch normalisation change. Keras's default is 0.99; 0.9 suits few "
        "steps per epoch.",
    ),
    "model.whitening": Label(
        "Whitening layer",
        "A first layer that is computed from 2×2 patches of the training pictures and not trained. Neighbouring "
        "pixels are much alike; after this layer, the values are no longer correlated (arXiv 2404.00498).",
    ),
    "augmentation.rotation_degrees": Label(
        "Rotation", "Rotates each picture by a random angle up to this many degrees.", unit="°"
    ),
    "augmentation.width_shift_fraction": Label(
        "Horizontal shift",
        "Shifts each picture left or right by up to this share of its width.",
        unit=_PERCENT,
    ),
    "augmentation.height_shift_fraction": Label(
        "Vertical shift", "Shifts each picture up or down by up to this share of its height.", unit=_PERCENT
    ),
    "augmentation.zoom_fraction": Label(
        "Zoom", "Enlarges or shrinks each picture by up to this share.", unit=_PERCENT
    ),
    "augmentation.shear_degrees": Label(
        "Shear", "Slants each picture by a random angle up to this many degrees.", unit="°"
    ),
    "augmentation.horizontal_flip": Label(
        "Horizontal flip", "Mirrors each picture, left to right, with a probability of one half."
    ),
    "augmentation.vertical_flip": Label(
        "Vertical flip",
        "Turns each picture upside down with a probability of one half. For pictures without an up and a down, such "
        "as those taken from above.",
    ),
    "augmentation.brightness": Label(
        "Brightness", "Makes each picture lighter or darker by up to this share.", unit=_PERCENT
    ),
    "augmentation.contrast": Label(
        "Contrast", "Moves values towards or away from the picture's mean by up to this share.", unit=_PERCENT
    ),
    "augmentation.saturation": Label(
        "Saturation", "Makes colours paler or stronger by up to this share.", unit=_PERCENT
    ),
    "augmentation.hue": Label(
        "Hue", "Rotates all colours by up to this share of the colour circle.", unit=_PERCENT
    ),
    "augmentation.erasing_probability": Label(
        "Random erasing",
        "The share of pictures in which a box is painted over (Zhong et al., arXiv 1708.04896).",
        unit=_PERCENT,
    ),
    "augmentation.noise_stddev": Label(
        "Pixel noise",
        "Adds Gaussian noise with this standard deviation, as a share of full scale.",
        unit=_PERCENT,
    ),
    "augmentation.mixup_alpha": Label(
        "Mixup",
        "Blends two pictures and their labels (arXiv 1710.09412). Higher values give more even blends.",
    ),
    "augmentation.cutmix_alpha": Label(
        "CutMix",
        "Pastes a box from another picture and mixes the labels by area (arXiv 1905.04899). Higher values give more "
        "even mixtures.",
        is_proper=True,
    ),
    "augmentation.randaugment_operations": Label(
        "RandAugment operations",
        "The number of random operations applied to each picture (arXiv 1909.13719).",
        is_proper=True,
    ),
    "augmentation.randaugment_magnitude": Label(
        "RandAugment magnitude",
        "How strong each of these operations is, as a share of its own range.",
        unit=_PERCENT,
        is_proper=True,
    ),
    "augmentation.fill_mode": Label(
        "Fill gaps with",
        "Rotating, shifting and shrinking leave gaps at the edge. This is what fills them.",
        choices={
            "nearest": "nearest pixel", "reflect": "mirror image", "wrap": "wrap around", "constant": "black",
        },
    ),
    "augmentation.unchanged_fraction": Label(
        "Unchanged pictures", "The share of pictures that is not varied at all.", unit=_PERCENT
    ),
    "augmentation.alternating_flip": Label(
        "Alternating flip",
        "Mirrors each picture in every other epoch instead of at random (arXiv 2404.00498).",
    ),
    "optimizer.name": Label(
        "Optimizer",
        "How each step is computed from the gradients. Adam adapts the length of the step for each weight; SGD uses "
        "the learning rate as it is and needs a higher one.",
        choices={
            "adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "lion": "Lion", "muon": "Muon",
        },
    ),
    "optimizer.learning_rate": Label(
        "Learning rate",
        "The size of each step. If it is too high, the loss jumps; if it is too low, the loss hardly falls.",
    ),
    "optimizer.schedule": Label(
        "Learning-rate schedule",
        "How the learning rate changes during training. Most schedules lower it towards the end: large steps find a "
        "good region, small steps its lowest point.",
        choices={
            "constant": "constant",
            "cosine": "cosine: falls smoothly",
            "one_cycle": "one cycle: rises, then falls smoothly",
            "step": "step: falls at fixed intervals",
            "plateau": "plateau: falls when validation stalls",
            "triangular": "triangular: rises, then falls in straight lines",
        },
    ),
    "optimizer.warmup_epochs": Label(
        "Warm-up epochs",
        "Number of epochs over which the learning rate rises from 0. Early gradients are the least reliable.",
    ),
    "optimizer.step_epochs": Label(
        "Epochs per step", "The learning rate is multiplied by the factor each time this many epochs have passed."
    ),
    "optimizer.step_factor": Label(
        "Learning-rate factor", "What the learning rate is multiplied by at each step: 0.5 halves it."
    ),
    "optimizer.plateau_patience": Label(
        "Plateau patience",
        "When the validation loss has not fallen for this many epochs, the learning rate is multiplied by the factor.",
        unit="epochs",
    ),
    "optimizer.momentum": Label(
        "Momentum",
        "How much of the previous step is added to the next. 0.9 keeps nine tenths, which smooths the descent.",
    ),
    "optimizer.nesterov": Label(
        "Nesterov momentum",
        "Measures the gradient where momentum is about to lead instead of where the weights are now.",
        is_proper=True,
    ),
    "optimizer.weight_decay": Label("Weight decay", "Pulls the weights towards 0 at each step."),
    "optimizer.label_smoothing": Label(
        "Label smoothing", "Trains the network to be a little less than certain of each label."
    ),
    "optimizer.gradient_clip_norm": Label(
        "Gradient clipping", "Scales a batch's gradients down to at most this length. Empty: no limit.", empty="off"
    ),
    "optimizer.weight_averaging": Label(
        "Weight averaging",
        "Evaluates and saves a moving average of the weights; 0.999 spans some 1,000 steps. Empty: off.",
        empty="off",
    ),
    "optimizer.muon_convolutions": Label(
        "Muon for convolutions", "Trains them by Muon too, all but the first; off: by AdamW.", is_proper=True
    ),
    "training.batch_size": Label("Batch size", "The number of pictures that each step learns from."),
    "training.epochs": Label("Epochs", "How often the network goes through the training pictures."),
    "training.steps_per_epoch_multiple": Label(
        "Epoch length",
        "1 shows each picture once per epoch. Other values draw this many times the data set, with replacement.",
        unit="× the data set",
    ),
    "training.early_stopping_patience": Label(
        "Early stopping patience",
        "Ends the run when the validation loss has not fallen for this many epochs. Empty: off.",
        unit="epochs",
        empty="off",
    ),
    "training.precision": Label(
        "Precision",
        "The number format of the calculations. Half precision is faster on most GPUs only.",
        choices={
            "float32": "float32", "mixed_float16": "mixed float16", "mixed_bfloat16": "mixed bfloat16",
        },
    ),
    "training.num_gpus": Label(
        "GPUs", "With more than 1, each GPU gets an equal share of every batch.", is_proper=True
    ),
    "training.deterministic": Label("Repeatable", "The same seed gives the same curve on this machine."),
    "training.test_time_flip": Label(
        "Test-time flip",
        "Evaluates each picture together with its mirror image and averages the two answers: often slightly more "
        "accurate, at twice the work. Training itself does not change.",
    ),
    "seed": Label("Seed", "Change this to start from different random weights."),
}  # fmt: skip


def setting_at(path: str) -> Setting:
    """The setting at a path, such as `model.blocks[1].filters`. Raises KeyError when there is none."""
    return _settings()[_pattern(path)]


def label_at(path: str) -> Label:
    """The label of the setting at a path, the same at every place. Raises KeyError when there is none."""
    return LABELS[_pattern(path)]


def label_of(path: str) -> str:
    """The name at a path with its place: `Filters of block 2`. A path that is not of a config stays as it is."""
    label, entry = LABELS.get(_pattern(path)), _entry(path)
    if entry and (label is None or _pattern(path) in _LISTS):
        return entry[:1].upper() + entry[1:]
    if label is None:
        return _PARTS.get(path, path)
    return f"{label.name} of {entry}" if entry else label.name


def shown_value(path: str, value: Any) -> str:
    """A setting's value in words: `none`, `on`, `20°`, `2 %`, `cosine`, `3×3 and 5×5`; the number of blocks."""
    label = label_at(path)
    if value is None:
        return label.empty
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return label.choices.get(value, value).partition(":")[0]
    if isinstance(value, list | tuple):
        if _pattern(path) in _LISTS:
            return str(len(value))
        sizes = [f"{size}×{size}" for size in value]
        return " and ".join([", ".join(sizes[:-1]), sizes[-1]] if len(sizes) > 1 else sizes)
    if label.is_percent:
        return f"{100 * value:.6g} %"
    number = f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
    unit = label.unit.removesuffix("s") if value == 1 else label.unit
    return f"{number}{unit}" if unit == "°" else f"{number} {unit}".rstrip()


def change_in_words(path: str, was: str, now: str) -> str:
    """A change of one setting within a sentence: `rotation 0° → 20°`, `filters 64 → 8 in block 1`."""
    entry = _entry(path)
    return f"{label_at(path).within} {was} → {now}" + (f" in {entry}" if entry else "")


def _entry(path: str) -> str:
    """`block 2` for all that is in `model.blocks[1]`; empty elsewhere."""
    layers, is_inside, _ = path.partition("[")
    if not is_inside or layers not in _LISTS:
        return ""
    place = next(step for step in parse_path(path) if isinstance(step, int))
    return f"{_LISTS[layers]} {place + 1}"


def _pattern(path: str) -> str:
    """`model.blocks[1].kernel_sizes[0]` → `model.blocks[].kernel_sizes`."""
    return _PLACE.sub("[]", path).removesuffix("[]")


@functools.cache
def _settings() -> dict[str, Setting]:
    return {each.path: each for each in settings()}
