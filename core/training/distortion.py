"""Pictures distorted by a fixed amount, each by the same: for measuring how robust a network is."""

import numpy as np
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.training.augmentation import apply
from core.training.draws import NOISE_BANK, Draws, Values

# How far apart the pictures' stretches of the noise bank begin: a prime, so that few of them begin at the same place.
_NOISE_STEP = 7919


def distort(images: NDArray[np.uint8], knob: str, level: float, first: int = 0) -> NDArray[np.uint8]:
    """uint8 (count, height, width, channels) → the same shape, through the code that varies training pictures.

    `knob` and the meaning of `level` are those of `robustness.KNOBS`. Gaps at the edge are filled with the nearest
    pixel. `first` is the place of the first picture among all that are measured: its noise goes by that.

    Raises:
        ValueError: there is no such knob.
    """
    height, width, channels = images.shape[1:]
    num, shape = len(images), (height, width, channels)
    noise = (first + np.arange(num)) * _NOISE_STEP % NOISE_BANK
    drawn: dict[str, tuple[str, float | NDArray[np.int64]]] = {
        "rotation": ("rotation", level),
        "width_shift": ("shift_x", level * width),
        "height_shift": ("shift_y", level * height),
        "zoom": ("zoom", level),
        "shear": ("shear", level),
        "brightness": ("brightness", level),
        "contrast": ("contrast", level),
        "saturation": ("saturation", level),
        "hue": ("hue", -level / 360),  # a level counts as HSV does
        "noise": ("noise", noise),
    }
    if knob not in drawn:
        raise ValueError(f"There is no knob {knob[:40]!r}.")
    name, value = drawn[knob]
    values: Values = {name: np.full(num, value, np.int32 if name == "noise" else np.float32)}
    config = AugmentationConfig(noise_stddev=level if knob == "noise" else 0.0)
    labels = np.zeros((num, 1), np.float32)
    varied, _ = apply(images, labels, Draws(config, shape, num, values))
    return np.asarray(varied)
