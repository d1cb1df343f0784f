"""An augmentation policy as `keras.layers` code to copy, and in words what Keras has no layer for. Text only.

What the layers mean, and how they draw, was read in Keras 3.15: rotation in fractions of a full turn, zoom as how much
smaller the picture becomes, saturation from 0 to 1 with 0.5 as it was, hue in halves of the colour circle.
"""

import math
from dataclasses import dataclass

from core.config import AugmentationConfig

# Keras refuses a zoom beyond half the size, and a slant beyond one pixel sideways a row.
MOST_ZOOM_OUT = 1.0
MOST_SHEAR_SLOPE = 1.0
SMALLEST = 1e-6  # of a zoom and a saturation: less changes no pixel


@dataclass(frozen=True)
class AugmentationCode:
    """`text` is a Python script that defines `augmentation` (and `mixing`, where pictures are mixed).

    `differences` are sentences on what the code does not do, or does in another way than training here. `definitions`
    are the lines of `text` that define something, one tuple per name, without what has to be imported for them.
    """

    text: str
    differences: tuple[str, ...]
    definitions: tuple[tuple[str, ...], ...]


def keras_code(augmentation: AugmentationConfig, num_channels: int = 3) -> AugmentationCode:
    """The layers of a policy for pictures with values from 0 to 255 and `num_channels` (1 or 3) channels."""
    lines: list[str] = []
    differences: list[str] = []
    _add_geometry(augmentation, lines, differences)
    _add_color(augmentation, num_channels, lines, differences)
    _add_cover(augmentation, lines, differences)
    mixing = _mixing(augmentation, differences)
    if augmentation.randaugment_operations:
        differences.append(
            "RandAugment: Keras's layer of that name has other operations, at other strengths, and one choice for a "
            f"whole batch. The nearest is keras.layers.RandAugment(num_ops={augmentation.randaugment_operations}, "
            f"factor={augmentation.randaugment_magnitude:g})."
        )
    if augmentation.unchanged_fraction and augmentation.is_active:
        differences.append(
            f"Unchanged pictures: {100 * augmentation.unchanged_fraction:g} % of the pictures. Keras's layers vary "
            "every picture."
        )
    layers = _sequential(lines)
    definitions = (layers, mixing[-1:]) if mixing else (layers,)
    return AugmentationCode(
        _script(layers, mixing, num_channels), tuple(differences), tuple(tuple(each) for each in definitions)
    )


def _script(layers: list[str], mixing: list[str], num_channels: int) -> str:
    parts = [
        "import keras",
        "",
        f"# For pictures (batch, height, width, {num_channels}) with values from 0 to 255.",
        "# fit varies them; evaluate and predict leave them as they are.",
        *layers,
    ]
    if mixing:
        parts += ["", *mixing]
    return "\n".join(parts) + "\n"


def _sequential(lines: list[str]) -> list[str]:
    if not lines:
        return ['augmentation = keras.layers.Identity(name="augmentation")  # nothing is turned on']
    return ["augmentation = keras.Sequential(", "    [", *(f"        {line}" for line in lines), "    ]", ")"]


def _add_geometry(augmentation: AugmentationConfig, lines: list[str], differences: list[str]) -> None:
    """In the order in which training composes them: flip, zoom, shear, rotation, shift."""
    fill = f'fill_mode="{augmentation.fill_mode}"'
    flips = {
        (True, True): "horizontal_and_vertical", (True, False): "horizontal", (False, True): "vertical",
    }  # fmt: skip
    flip = flips.get((augmentation.horizontal_flip, augmentation.vertical_flip))
    if flip:
        lines.append(f'keras.layers.RandomFlip("{flip}"),')
    if augmentation.horizontal_flip and augmentation.alternating_flip:
        differences.append(
            "Alternating flip: Keras mirrors at random, ConvDeck each picture in every other epoch."
        )
    if augmentation.zoom_fraction > SMALLEST:
        low, high = zoom_factors(augmentation.zoom_fraction)
        if high > MOST_ZOOM_OUT:
            high = MOST_ZOOM_OUT
            differences.append(
                "Zoom: Keras shrinks a picture to half its size at most; "
                f"here it goes down to ×{1 - augmentation.zoom_fraction:g}."
            )
        differences.append(
            "Zoom: Keras draws evenly by how much it shrinks, ConvDeck the factor itself. So the code enlarges by "
            f"×{zoom_mean(low, high):.3g} on average and shrinks {100 * high / (high - low):.0f} % of the pictures; "
            "here it is ×1 and 50 %."
        )
        lines += [
            f"# ×{1 / (1 + high):.3g} to ×{1 / (1 + low):.3g}; Keras says by how much it shrinks",
            f"keras.layers.RandomZoom(({low:.6g}, {high:.6g}), {fill}),",
        ]
    if augmentation.shear_degrees:
        slope = math.tan(math.radians(augmentation.shear_degrees))
        lines += [
            f"# up to {min(augmentation.shear_degrees, 45.0):g}°, as pixels sideways per row",
            f"keras.layers.RandomShear(x_factor={min(slope, MOST_SHEAR_SLOPE):.6g}, {fill}),",
        ]
        beyond = " and goes no further than 45°" if slope > MOST_SHEAR_SLOPE else ""
        differences.append(
            f"Shear: Keras slants about the upper left corner{beyond}, so the object moves too; here it is slanted "
            "about its middle. Keras draws the slope evenly, ConvDeck the angle."
        )
    if augmentation.rotation_degrees:
        lines += [
            f"# up to {augmentation.rotation_degrees:g}° either way; Keras takes fractions of a full turn",
            f"keras.layers.RandomRotation({augmentation.rotation_degrees:g} / 360, {fill}),",
        ]
    shifted = augmentation.width_shift_fraction or augmentation.height_shift_fraction
    if shifted:
        lines += [
            f"keras.layers.RandomTranslation(height_factor={augmentation.height_shift_fraction:g}, "
            f"width_factor={augmentation.width_shift_fraction:g}, {fill}),",
        ]
    resampled = (
        augmentation.zoom_fraction,
        augmentation.shear_degrees,
        augmentation.rotation_degrees,
        shifted,
    )
    if sum(bool(reach) for reach in resampled) > 1:
        differences.append(
            "Each layer resamples the picture once more, which blurs it a little. Here flips, zoom, shear, rotation "
            "and shifts are combined into one transformation, and the picture is resampled once."
        )


def zoom_factors(zoom_fraction: float) -> tuple[float, float]:
    """RandomZoom's range for an enlargement of 1 ± `zoom_fraction`: it enlarges by 1 / (1 + factor)."""
    return 1 / (1 + zoom_fraction) - 1, 1 / (1 - zoom_fraction) - 1


def zoom_mean(low: float, high: float) -> float:
    """The mean of RandomZoom's 1 / (1 + factor) with factors drawn evenly from `low` to `high`."""
    return math.log((1 + high) / (1 + low)) / (high - low)


def saturation_factors(saturation: float) -> tuple[float, float]:
    """RandomSaturation's range for colours times 1 ± `saturation`: it multiplies by factor / (1 - factor)."""
    low, high = 1 - saturation, 1 + saturation
    return low / (1 + low), high / (1 + high)


def saturation_mean(low: float, high: float) -> float:
    """The mean of RandomSaturation's factor / (1 - factor) with factors drawn evenly from `low` to `high`."""
    return math.log((1 - low) / (1 - high)) / (high - low) - 1


def _add_color(
    augmentation: AugmentationConfig, num_channels: int, lines: list[str], differences: list[str]
) -> None:
    colored = num_channels == 3
    if colored and augmentation.saturation > SMALLEST:
        low, high = saturation_factors(augmentation.saturation)
        lines += [
            f"# colours ×{1 - augmentation.saturation:g} to ×{1 + augmentation.saturation:g}; 0.5 leaves them",
            f"keras.layers.RandomSaturation(({low:.6g}, {high:.6g})),",
        ]
        differences.append(
            f"Saturation: Keras's range is the same, but it draws lower factors more often: on average colours become "
            f"×{saturation_mean(low, high):.3g}; here it is ×1."
        )
    if colored and augmentation.hue:
        lines += [
            f"# up to {360 * augmentation.hue:g}° either way; Keras takes fractions of half the circle",
            f"keras.layers.RandomHue({2 * augmentation.hue:g}),",
        ]
    if colored and (augmentation.saturation or augmentation.hue):
        differences.append(
            "Saturation and hue: Keras changes them in HSV, ConvDeck in YIQ, by the same amounts."
        )
    if augmentation.contrast:
        reach = f"{augmentation.contrast:g}"
        lines += [
            "# both, because one number alone would only strengthen it",
            f"keras.layers.RandomContrast(({reach}, {reach})),",
        ]
        if colored:
            differences.append("Contrast: Keras uses each channel's own mean, ConvDeck the picture's.")
    if augmentation.brightness:
        lines.append(f"keras.layers.RandomBrightness({augmentation.brightness:g}),")


def _add_cover(augmentation: AugmentationConfig, lines: list[str], differences: list[str]) -> None:
    if augmentation.noise_stddev:
        lines += [
            "# Keras adds noise only to values from 0 to 1",
            "keras.layers.Rescaling(1 / 255),",
            f"keras.layers.GaussianNoise({augmentation.noise_stddev:g}),",
            "keras.layers.Rescaling(255),",
        ]
        differences.append("Pixel noise: Keras does not clip what goes below 0 or above 255.")
    if augmentation.erasing_probability:
        share = f"{augmentation.erasing_probability:g}"
        lines += [
            "# both, because up to one number Keras would draw the probability",
            f"keras.layers.RandomErasing(({share}, {share})),",
        ]
        differences.append(
            "Random erasing: Keras draws the box's two sides separately and fills it with noise, ConvDeck draws its "
            "area and proportions and fills it with one colour."
        )


def _mixing(augmentation: AugmentationConfig, differences: list[str]) -> list[str]:
    """The lines that define `mixing`; without a layer for it, none."""
    mixup, cutmix = augmentation.mixup_alpha, augmentation.cutmix_alpha
    if mixup and cutmix:
        differences.append(
            "Mixup and CutMix together: here each picture gets one of the two; Keras has no layer for that choice."
        )
        return []
    if cutmix > 1:
        differences.append(f"CutMix: Keras takes an alpha up to 1, here it is {cutmix:g}.")
    if not mixup and not cutmix:
        return []
    layer = (
        f"keras.layers.MixUp(alpha={mixup:g})"
        if mixup
        else f"keras.layers.CutMix(factor=({min(cutmix, 1.0):g}, {min(cutmix, 1.0):g}))"
    )
    return [
        "# Mixes labels too, so it takes both:",
        '# mixing({"images": images, "labels": one_hot_labels}, training=True)',
        f"mixing = {layer}",
    ]
