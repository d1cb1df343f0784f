"""What augmentation draws for each picture, in numpy, before anything is applied.

A draw is a pure function of the config and a seed, so an epoch can be drawn at once, drawn again when a run is
resumed, shown beside a preview, and injected by a test. Each knob has a random stream of its own: turning one
leaves what the others draw as it was.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.formatting import with_minus

Values = dict[str, NDArray[Any]]
ImageShape = tuple[int, int, int]

# Random erasing covers 2 % to a third of the picture, from about three times as wide as high to three times as high as
# wide, in pixels (arXiv 1708.04896).
ERASED_AREA = (0.02, 0.33)
ERASED_ASPECT = (0.3, 3.3)
NOISE_BANK = 1 << 18

# RandAugment (arXiv 1909.13719): the operations it chooses from, and their strength at magnitude 1.
RANDAUGMENT_OPERATIONS = (
    "identity", "rotation", "shear", "shift_x", "shift_y",
    "brightness", "contrast", "saturation", "posterize", "solarize",
)  # fmt: skip
RANDAUGMENT_ROTATION = 30.0
RANDAUGMENT_SHEAR = 17.0  # degrees: a slope of 0.3
RANDAUGMENT_SHIFT = 0.3
RANDAUGMENT_COLOR = 0.9
# Near 90° a sheared picture is a smear, beyond it a mirrored one.
MAX_SHEAR = 75.0


@dataclass(frozen=True)
class Draws:
    """The values drawn for `num` pictures of `image_shape`; each array's first axis is the picture.

    `values` holds only what the config can change: `rotation` and `shear` in degrees, `shift_x` and `shift_y` in
    pixels (to the right and down), `zoom` as a factor, `flip_x` and `flip_y`, `brightness` as a fraction of full
    scale, `contrast` and `saturation` as factors, `hue` as a fraction of the colour circle (from red towards blue, as
    YIQ counts; HSV counts the other way round, and so do people), `posterize` (levels a
    channel), `solarize` (the threshold), `erased` (top, bottom, left, right in pixels) with `erased_color`,
    `noise` (an offset into the noise bank), `mix_weight` (how much of the picture itself is left) and `mix_box`.
    """

    config: AugmentationConfig
    image_shape: ImageShape
    num: int
    values: Values

    def describe(self, index: int) -> dict[str, str]:
        """What was drawn for one picture, in words that fit under it; empty when it stays as it is."""
        words: dict[str, str] = {}
        for name, phrase in _PHRASES.items():
            if name in self.values:
                text = phrase(self.values[name][index])
                if text:
                    words[name] = text
        return words


def draw(
    config: AugmentationConfig,
    num: int,
    image_shape: Sequence[int],
    seed: Sequence[int],
    *,
    mirrored: NDArray[np.bool_] | None = None,
) -> Draws:
    """Draw for `num` pictures of `image_shape` (height, width, channels). Equal seeds give equal draws.

    `mirrored` (num,) says which pictures are mirrored, where that is not drawn: see `AugmentationConfig`.
    """
    height, width, channels = (int(side) for side in image_shape)
    shape = (height, width, channels)
    stream = _Streams(seed)
    values: Values = {}
    _draw_geometry(config, num, shape, stream, values)
    if mirrored is not None:
        values["flip_x"] = mirrored.copy()
    _draw_color(config, num, shape, stream, values)
    if config.randaugment_operations:
        _draw_randaugment(config, num, shape, stream, values)
    if config.erasing_probability:
        values["erased"] = _boxes(stream("erased"), num, shape, *ERASED_AREA, ERASED_ASPECT)
        missed = stream("erasing").random(num) >= config.erasing_probability
        values["erased"][missed] = 0
        values["erased_color"] = stream("erased_color").integers(0, 256, (num, channels)).astype(np.float32)
    if config.noise_stddev:
        values["noise"] = stream("noise").integers(0, NOISE_BANK, num).astype(np.int32)
    _draw_mixing(config, num, shape, stream, values)
    if config.unchanged_fraction:
        unchanged = stream("unchanged").random(num) < config.unchanged_fraction
        for name, value in values.items():
            value[unchanged] = IDENTITY.get(name, 0)
        if "noise" in values:
            values["noise"][unchanged] = -1
    return Draws(config, shape, num, values)


class _Streams:
    """A random generator for each knob, from one seed and the knob's name."""

    def __init__(self, seed: Sequence[int]) -> None:
        self._seed = [int(part) for part in seed]

    def __call__(self, name: str) -> np.random.Generator:
        return np.random.default_rng([*self._seed, zlib.crc32(name.encode())])


# What leaves a picture as it is, for values that are not zero then.
IDENTITY = {
    "zoom": 1.0,
    "contrast": 1.0,
    "saturation": 1.0,
    "posterize": 256,
    "solarize": 256,
    "mix_weight": 1.0,
}


def _draw_geometry(
    config: AugmentationConfig, num: int, shape: ImageShape, stream: _Streams, values: Values
) -> None:
    ranges = {
        "rotation": config.rotation_degrees,
        "shift_x": config.width_shift_fraction * shape[1],
        "shift_y": config.height_shift_fraction * shape[0],
        "shear": config.shear_degrees,
    }
    for name, reach in ranges.items():
        if reach:
            values[name] = _around(stream(name), 0.0, reach, num)
    if config.zoom_fraction:
        values["zoom"] = _around(stream("zoom"), 1.0, config.zoom_fraction, num)
    for name, wanted in (("flip_x", config.horizontal_flip), ("flip_y", config.vertical_flip)):
        if wanted:
            values[name] = stream(name).random(num) < 0.5


def _draw_color(
    config: AugmentationConfig, num: int, shape: ImageShape, stream: _Streams, values: Values
) -> None:
    if config.brightness:
        values["brightness"] = _around(stream("brightness"), 0.0, config.brightness, num)
    if config.contrast:
        values["contrast"] = _around(stream("contrast"), 1.0, config.contrast, num)
    if shape[2] == 3 and config.saturation:
        values["saturation"] = _around(stream("saturation"), 1.0, config.saturation, num)
    if shape[2] == 3 and config.hue:
        values["hue"] = _around(stream("hue"), 0.0, config.hue, num)


def _draw_randaugment(
    config: AugmentationConfig, num: int, shape: ImageShape, stream: _Streams, values: Values
) -> None:
    """Put the chosen operations on top of what the other knobs have drawn."""
    defaults = {name: IDENTITY.get(name, 0.0) for name in RANDAUGMENT_OPERATIONS if name != "identity"}
    for name, default in defaults.items():
        if name == "saturation" and shape[2] != 3:
            continue
        values.setdefault(name, np.full(num, default, np.float32))
    magnitude = config.randaugment_magnitude
    generator = stream("randaugment")
    for _ in range(config.randaugment_operations):
        chosen = generator.integers(0, len(RANDAUGMENT_OPERATIONS), num)
        signs = np.where(generator.random(num) < 0.5, -1, 1) * magnitude
        added = {
            "rotation": signs * RANDAUGMENT_ROTATION,
            "shear": signs * RANDAUGMENT_SHEAR,
            "shift_x": signs * RANDAUGMENT_SHIFT * shape[1],
            "shift_y": signs * RANDAUGMENT_SHIFT * shape[0],
            "brightness": signs * RANDAUGMENT_COLOR / 2,
        }
        # Factors are multiplied: a sum of several could fall below nothing, where colours turn into their opposites.
        multiplied = {
            "contrast": 1 + signs * RANDAUGMENT_COLOR,
            "saturation": 1 + signs * RANDAUGMENT_COLOR,
        }
        for name, strength in added.items():
            values[name] += _where_chosen(chosen, name, strength, 0)
        for name, factor in multiplied.items():
            if name in values:
                values[name] *= _where_chosen(chosen, name, factor, 1)
        # 8 bits a channel down to 4, and a threshold from 256 down to 0, at magnitude 1.
        levels = np.float32(2 ** round(8 - 4 * magnitude))
        posterized = chosen == RANDAUGMENT_OPERATIONS.index("posterize")
        values["posterize"] = np.where(posterized, levels, values["posterize"]).astype(np.float32)
        solarized = chosen == RANDAUGMENT_OPERATIONS.index("solarize")
        threshold = np.float32(256 * (1 - magnitude))
        values["solarize"] = np.where(solarized, threshold, values["solarize"]).astype(np.float32)
    values["shear"] = np.clip(values["shear"], -MAX_SHEAR, MAX_SHEAR)


def _where_chosen(
    chosen: NDArray[np.int64], operation: str, drawn: NDArray[np.float64], otherwise: float
) -> NDArray[np.float32]:
    return np.where(chosen == RANDAUGMENT_OPERATIONS.index(operation), drawn, otherwise).astype(np.float32)


def _draw_mixing(
    config: AugmentationConfig, num: int, shape: ImageShape, stream: _Streams, values: Values
) -> None:
    """Mixup (arXiv 1710.09412) or CutMix (arXiv 1905.04899); with both, one of them for each picture."""
    if not config.mixup_alpha and not config.cutmix_alpha:
        return
    weights = np.ones(num, np.float32)
    boxes = np.zeros((num, 4), np.int32)
    cut = np.full(num, not config.mixup_alpha)
    if config.mixup_alpha and config.cutmix_alpha:
        cut = stream("mix_kind").random(num) < 0.5
    if config.mixup_alpha:
        weights = stream("mixup").beta(config.mixup_alpha, config.mixup_alpha, num).astype(np.float32)
    if config.cutmix_alpha:
        generator = stream("cutmix")
        share = 1 - generator.beta(config.cutmix_alpha, config.cutmix_alpha, num)
        boxes = _boxes_of_area(generator, share, np.ones(num), shape)
        boxes[~cut] = 0
        covered = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
        weights = np.where(cut, 1 - covered / (shape[0] * shape[1]), weights).astype(np.float32)
        values["mix_box"] = boxes
    values["mix_weight"] = weights


def _around(generator: np.random.Generator, middle: float, reach: float, num: int) -> NDArray[np.float32]:
    return generator.uniform(middle - reach, middle + reach, num).astype(np.float32)


def _boxes(
    generator: np.random.Generator,
    num: int,
    shape: ImageShape,
    low: float,
    high: float,
    aspect: tuple[float, float],
) -> NDArray[np.int32]:
    areas = generator.uniform(low, high, num)
    aspects = np.exp(generator.uniform(np.log(aspect[0]), np.log(aspect[1]), num))
    # Below, 1 stands for the picture's own proportions.
    return _boxes_of_area(generator, areas, aspects * (shape[1] / shape[0]), shape)


def _boxes_of_area(
    generator: np.random.Generator, areas: NDArray[Any], aspects: NDArray[Any], shape: ImageShape
) -> NDArray[np.int32]:
    """(num, 4) top, bottom, left, right of boxes that cover `areas` of the picture, as far as they fit in.

    A box is higher than wide by its aspect times the picture's own proportions.
    """
    height, width = shape[:2]
    tall = np.clip(np.rint(height * np.sqrt(areas * aspects)), 0, height)
    wide = np.clip(np.rint(width * np.sqrt(areas / aspects)), 0, width)
    top = np.floor(generator.random(len(areas)) * (height - tall + 1))
    left = np.floor(generator.random(len(areas)) * (width - wide + 1))
    return np.stack([top, top + tall, left, left + wide], axis=1).astype(np.int32)


def _signed(value: float, unit: str, digits: int = 0) -> str:
    return with_minus(f"{value:+.{digits}f}") + unit


def _shifted(negative: str, positive: str) -> Any:
    def phrase(value: float) -> str:
        return f"{abs(value):.1f} px {positive if value > 0 else negative}" if abs(value) >= 0.05 else ""

    return phrase


_PHRASES: dict[str, Any] = {
    "rotation": lambda v: f"rotated {_signed(v, '°')}" if abs(v) >= 0.5 else "",
    "shift_x": _shifted("left", "right"),
    "shift_y": _shifted("up", "down"),
    "zoom": lambda v: f"zoom ×{v:.2f}" if abs(v - 1) >= 0.005 else "",
    "shear": lambda v: f"sheared {_signed(v, '°')}" if abs(v) >= 0.5 else "",
    "flip_x": lambda v: "mirrored" if v else "",
    "flip_y": lambda v: "upside down" if v else "",
    "brightness": lambda v: f"brightness {_signed(100 * v, ' %')}" if abs(v) >= 0.005 else "",
    "contrast": lambda v: f"contrast ×{v:.2f}" if abs(v - 1) >= 0.005 else "",
    "saturation": lambda v: f"saturation ×{v:.2f}" if abs(v - 1) >= 0.005 else "",
    # As HSV counts: from red over yellow to green is +120°.
    "hue": lambda v: f"hue {_signed(-360 * v, '°')}" if abs(v) >= 0.0015 else "",
    "posterize": lambda v: f"{v:.0f} levels" if v and v < 256 else "",
    "solarize": lambda v: f"solarized from {v:.0f}" if v < 256 else "",
    "erased": lambda v: f"{v[1] - v[0]}×{v[3] - v[2]} px erased" if v[1] > v[0] and v[3] > v[2] else "",
    "noise": lambda v: "noise" if v >= 0 else "",
    "mix_weight": lambda v: f"{100 * (1 - v):.0f} % of another picture" if v < 0.995 else "",
}
