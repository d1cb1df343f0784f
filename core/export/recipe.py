"""What an exported file has to say of itself: class names, order, and what was done to a picture before.

A model alone says none of it. So the recipe is in the file itself, and in a JSON file beside it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.export.formats import ExportFormat
from core.export.programs import Files, program_lines, snippet_lines

# What `core.images.fit_picture` does, by its `crop`.
_FITTED = {
    "center": "cuts out the largest middle part of these proportions and resizes it",
    "pad": "resizes the whole picture, fills up to these proportions with the mean colour of its edges",
    "stretch": "resizes the whole picture, whatever its proportions",
}
_CALCULATION = {
    "tflite-int8": "Inside it calculates with whole numbers of 8 bits, so its probabilities are rounded and a few "
    "answers may be other ones.",
}


@dataclass(frozen=True)
class Source:
    """A run's best model and where it comes from; `model` is a `keras.Model`, saved at `path` with the digest `sha256`.

    `crop` is as in `core.images.fit_picture`. `run` is the run's id, `dataset` that of its data set, None where that is
    not known. `temperature` is what the logits have to be divided by for calibrated answers, None if it is not known.
    """

    model: Any
    path: Path
    sha256: str
    epoch: int
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    crop: str
    run: str
    dataset: str | None = None
    temperature: float | None = None


def recipe_of(source: Source, export_format: ExportFormat, file_name: str) -> dict[str, Any]:
    """What gives the same answers without ConvDeck, as plain values: docs/command-line.md says what is in it."""
    height, width, channels = source.image_shape
    large = 2 * max(height, width)
    colors = "RGB" if channels == 3 else "grey"
    names = source.class_names
    files = Files(export_format.name, file_name, source.image_shape, source.crop, source.temperature)
    order = ", ".join(f"{place}: “{name}”" for place, name in enumerate(names))
    misleading = [place for place, name in enumerate(names) if name.isdecimal() and name != str(place)]
    warning = [
        f"An output's place is not the number in its name: output {place} is the class “{names[place]}”."
        for place in misleading[:1]
    ]
    return {
        "run": source.run,
        "dataset": source.dataset,
        "epoch": source.epoch,
        "format": export_format.name,
        "class_names": list(names),
        "image_shape": list(source.image_shape),
        "colors": colors,
        "dtype": "uint8",
        "pixel_range": [0, 255],
        "temperature": source.temperature,
        "resizing": {
            "crop": source.crop, "width": width, "height": height,
            "filter": "bilinear", "filter_of_large": "box", "large_from_pixels": large,
        },
        "sentences": [
            f"Its outputs are the probabilities of the classes, in this order: {order}.",
            *warning,
            f"It takes pictures of {width}×{height} pixels in {colors}, as whole numbers from 0 to 255. Do not divide "
            "them: the model does.",
            *filter(None, [_CALCULATION.get(export_format.name)]),
            f"ConvDeck {_FITTED[source.crop]}, with Pillow's box filter if the picture's shorter side has at least "
            f"{large} pixels, otherwise with its bilinear one.",
            "16-bit grey is divided by 257 before, and transparency is laid on white.",
            *_calibration_sentences(source.temperature),
        ],
        "snippet": snippet_lines(files),
        "python": program_lines(files),
    }  # fmt: skip


def _calibration_sentences(temperature: float | None) -> list[str]:
    if temperature is None:
        return []
    return [
        f"ConvDeck corrects the probabilities with the temperature {temperature:.4g}, measured on the validation "
        "pictures: it raises them to the power 1 / temperature and divides them by their sum. The file itself gives "
        "them uncorrected."
    ]
