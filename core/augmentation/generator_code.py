"""An augmentation policy as the article's `ImageDataGenerator`, and in words what that cannot do. Text only.

What its arguments mean, and how it draws, was read and measured in Keras 3.15 (`keras.src.legacy.preprocessing.image`):
zooms are divisors, drawn for each side by itself, shear is the sine of its angle, brightness a factor, shifts come
before zoom and shear, and `height_shift_range` moves pictures sideways, `width_shift_range` up and down.
"""

import math

from core.augmentation.keras_code import SMALLEST, AugmentationCode, zoom_factors, zoom_mean
from core.config import AugmentationConfig
from core.formatting import listed

# Keras 3 itself names it nowhere in public.
GENERATOR_IMPORT = "from tensorflow.keras.preprocessing.image import ImageDataGenerator"
# From 1 on, a shift would be a number of pixels.
MOST_SHIFT = 0.9999
# What it has no argument for, by the settings that turn it on.
_UNKNOWN = {
    "contrast": "contrast", "saturation": "saturation", "hue": "hue", "noise_stddev": "pixel noise",
    "erasing_probability": "random erasing", "mixup_alpha": "Mixup", "cutmix_alpha": "CutMix",
    "randaugment_operations": "RandAugment",
}  # fmt: skip
_OF_COLORS = ("saturation", "hue")


def generator_code(augmentation: AugmentationConfig, num_channels: int = 3) -> AugmentationCode:
    """The generator of a policy for pictures with values from 0 to 255 and `num_channels` (1 or 3) channels."""
    lines: list[str] = []
    differences: list[str] = []
    _add_geometry(augmentation, lines, differences)
    if augmentation.brightness:
        low, high = max(0.0, 1 - augmentation.brightness), 1 + augmentation.brightness
        lines.append(f"brightness_range=({low:.6g}, {high:.6g}),")
        differences.append(
            "Brightness: ImageDataGenerator multiplies, so dark pixels hardly change; here every pixel is changed by "
            f"up to {255 * augmentation.brightness:.0f} of 255."
        )
    _add_unknown(augmentation, num_channels, differences)
    made = ["generator = ImageDataGenerator(", *(f"    {line}" for line in lines), ")"]
    if not lines:
        made = ["generator = ImageDataGenerator()  # nothing is turned on"]
    return AugmentationCode(_script(made, num_channels), tuple(differences), (tuple(made),))


def _script(made: list[str], num_channels: int) -> str:
    return "\n".join(
        [
            "# It needs SciPy and Pillow.",
            GENERATOR_IMPORT,
            "",
            f"# For pictures (num, height, width, {num_channels}) with values from 0 to 255.",
            *made,
            "# model.fit(generator.flow(x_train, y_train, batch_size=64), validation_data=(x_test, y_test))",
            "",
        ]
    )


def _add_geometry(augmentation: AugmentationConfig, lines: list[str], differences: list[str]) -> None:
    if augmentation.rotation_degrees:
        lines.append(f"rotation_range={augmentation.rotation_degrees:g},")
    _add_shifts(augmentation, lines)
    if augmentation.shear_degrees:
        _add_shear(augmentation.shear_degrees, lines, differences)
    if augmentation.zoom_fraction > SMALLEST:
        low, high = (1 + factor for factor in zoom_factors(augmentation.zoom_fraction))
        lines += [
            f"# ×{1 / high:.3g} to ×{1 / low:.3g}; it takes what the size is divided by",
            f"zoom_range=({low:.6g}, {high:.6g}),",
        ]
        differences.append(
            "Zoom: ImageDataGenerator draws width and height separately, which stretches the object, and it draws "
            f"evenly by how much it shrinks, ×{zoom_mean(low - 1, high - 1):.3g} on average; here both sides are the "
            "same, and it is ×1."
        )
    shifted = augmentation.width_shift_fraction or augmentation.height_shift_fraction
    if shifted and (augmentation.zoom_fraction or augmentation.shear_degrees):
        differences.append(
            "Order: ImageDataGenerator shifts before it zooms and shears, which changes the shift, too; here shifts "
            "come last."
        )
    if augmentation.horizontal_flip:
        lines.append("horizontal_flip=True,")
    if augmentation.vertical_flip:
        lines.append("vertical_flip=True,")
    if augmentation.horizontal_flip and augmentation.alternating_flip:
        differences.append(
            "Alternating flip: ImageDataGenerator mirrors at random, ConvDeck each picture in every other epoch."
        )
    if shifted or augmentation.rotation_degrees or augmentation.zoom_fraction or augmentation.shear_degrees:
        lines.append(f'fill_mode="{augmentation.fill_mode}",')
        if augmentation.fill_mode == "wrap":
            differences.append(
                "Wrapping: ImageDataGenerator leaves out one row and column at each repetition."
            )


def _add_shifts(augmentation: AugmentationConfig, lines: list[str]) -> None:
    """Exchanged, as Keras does so, too."""
    width, height = (
        min(each, MOST_SHIFT)
        for each in (augmentation.width_shift_fraction, augmentation.height_shift_fraction)
    )
    if width != height:
        lines.append(
            "# exchanged: Keras 3.15 moves sideways by height_shift_range, up and down by width_shift_range"
        )
    if height:
        lines.append(f"width_shift_range={height:g},")
    if width:
        lines.append(f"height_shift_range={width:g},")


def _add_shear(degrees: float, lines: list[str], differences: list[str]) -> None:
    """Its slope is the sine of the angle, here the tangent: up to 45° another angle has the same slope."""
    slope = math.tan(math.radians(degrees))
    lines += [
        f"# up to {min(degrees, 45.0):g}°: its slope is the sine of this angle",
        f"shear_range={math.degrees(math.asin(min(slope, 1.0))):.6g},",
    ]
    beyond = f" It slants by 45° at most, here by {degrees:g}°." if slope > 1 + 1e-9 else ""
    differences.append(f"Shear: ImageDataGenerator also stretches a picture upwards as it slants it.{beyond}")


def _add_unknown(augmentation: AugmentationConfig, num_channels: int, differences: list[str]) -> None:
    names = [
        words
        for name, words in _UNKNOWN.items()
        if getattr(augmentation, name) and not (num_channels == 1 and name in _OF_COLORS)
    ]
    if names:
        differences.append(f"ImageDataGenerator has no {listed(names, len(names))}.")
    if augmentation.unchanged_fraction and augmentation.is_active:
        differences.append(
            f"Unchanged pictures: {100 * augmentation.unchanged_fraction:g} % of the pictures. ImageDataGenerator "
            "varies every picture."
        )
