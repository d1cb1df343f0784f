"""A run's best model for use without ConvDeck: a `.keras` file, and with it all that gives the same answers.

A model alone does not say how its classes are called, in which order, and what was done to a picture before. So the
recipe is in the file itself, in its `metadata.json` under RECIPE_KEY, and in a JSON file beside it.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np

from core.errors import TrainingError, UserError
from core.images import PIXELS_AVERAGED
from core.system.files import replacing, write_bytes
from core.training.draws import ImageShape
from core.training.saved_models import SavedModel, load_run_model

CHECKED_PICTURES = 32
TOLERANCE = 1e-6
SAVED_MEANWHILE = "The run saved another model while this one was copied. Export it again."
METADATA = "metadata.json"  # in a .keras file; Keras writes its version and the date there and reads neither
RECIPE_KEY = "convdeck"
# What `core.images.fit_picture` does, by its `crop`: in words, and in a program.
_FITTED = {
    "center": "cuts out the largest middle part of these proportions and resizes it",
    "pad": "resizes the whole picture, fills up to these proportions with the mean colour of its edges",
    "stretch": "resizes the whole picture, whatever its proportions",
}
_FITTING = {
    "center": ['image = ImageOps.fit(image.convert("RGB"), SIZE, way)'],
    "pad": [
        'rgb = np.asarray(image.convert("RGB"))',
        "edges = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])",
        "mean = tuple(int(value) for value in edges.mean(axis=0))",
        "image = ImageOps.pad(Image.fromarray(rgb), SIZE, way, color=mean)",
    ],
    "stretch": ['image = image.convert("RGB").resize(SIZE, way)'],
}


@dataclass(frozen=True)
class Export:
    """What was written: the model, the recipe beside it, and the recipe."""

    path: Path
    recipe_path: Path
    recipe: dict[str, Any]


def export_keras(folder: Path, out: Path) -> Export:
    """Write the best model of the run in `folder` to `out` (`.keras` is added) with its recipe, and check its answers.

    The file takes uint8 pictures (batch, height, width, channels) and gives class probabilities.

    Raises:
        UserError: the run has no weights yet or just saved others, or `out` cannot be written.
        TrainingError: the file read back does not answer as the run's model does.
    """
    saved = load_run_model(folder)
    target = out if out.suffix == ".keras" else out.with_name(out.name + ".keras")
    beside = target.with_name(target.name + ".json")
    recipe = recipe_of(saved, folder.name, target.name)
    try:
        # Once it is open it stays the same file, whatever the run saves meanwhile.
        with saved.path.open("rb") as stream, replacing(target) as temporary:
            if hashlib.file_digest(stream, "sha256").hexdigest() != saved.sha256:
                raise UserError(SAVED_MEANWHILE)
            _copy_with_recipe(stream, temporary, recipe)
        write_bytes(beside, json.dumps(recipe, indent=2, ensure_ascii=False).encode())
    except OSError as error:
        if not saved.path.exists():
            raise UserError(SAVED_MEANWHILE) from None
        raise UserError(f"{target} cannot be written: {error.strerror}.") from error
    pictures = np.random.default_rng(0).integers(
        0, 256, (CHECKED_PICTURES, *saved.image_shape), dtype=np.uint8
    )
    again = keras.models.load_model(target, compile=False, safe_mode=True)
    difference = float(np.max(np.abs(np.asarray(again(pictures)) - np.asarray(saved.model(pictures)))))
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"{target} was written, but its answers differ by up to {difference:.2g}.",
            "Export it again.",
        )
    return Export(target, beside, recipe)


def recipe_of(saved: SavedModel, run_id: str, file_name: str) -> dict[str, Any]:
    """What gives the same answers without ConvDeck, as plain values: docs/command-line.md says what is in it."""
    height, width, channels = saved.image_shape
    large = 2 * max(height, width)
    colors = "RGB" if channels == 3 else "grey"
    order = ", ".join(f"{place}: “{name}”" for place, name in enumerate(saved.class_names))
    misleading = [
        place for place, name in enumerate(saved.class_names) if name.isdecimal() and name != str(place)
    ]
    warning = [
        f"An output's place is not the number in its name: output {place} is the class “{saved.class_names[place]}”."
        for place in misleading[:1]
    ]
    return {
        "run": run_id,
        "epoch": saved.epoch,
        "class_names": list(saved.class_names),
        "image_shape": list(saved.image_shape),
        "colors": colors,
        "dtype": "uint8",
        "pixel_range": [0, 255],
        "resizing": {
            "crop": saved.crop, "width": width, "height": height,
            "filter": "bilinear", "filter_of_large": "box", "large_from_pixels": large,
        },
        "sentences": [
            f"Its outputs are the probabilities of the classes, in this order: {order}.",
            *warning,
            f"It takes pictures of {width}×{height} pixels in {colors}, as whole numbers from 0 to 255. Do not divide "
            "them: the model does.",
            f"ConvDeck {_FITTED[saved.crop]}, with Pillow's box filter if the picture's shorter side has at least "
            f"{large} pixels, otherwise with its bilinear one.",
            "16-bit grey is divided by 257 before, and transparency is laid on white.",
        ],
        "python": python_lines(saved.image_shape, saved.crop, file_name),
    }  # fmt: skip


def python_lines(image_shape: ImageShape, crop: str, file_name: str) -> list[str]:
    """A program that answers a picture as `predict` does, with Keras, NumPy and Pillow alone."""
    height, width, channels = image_shape
    enough = PIXELS_AVERAGED * max(height, width)
    pixels = "np.asarray(image)[None]" if channels == 3 else 'np.asarray(image.convert("L"))[None, ..., None]'
    return [
        "import json, zipfile",
        "import keras, numpy as np",
        "from PIL import Image, ImageOps",
        "",
        f"FILE, SIZE = {json.dumps(file_name)}, ({width}, {height})",
        "model = keras.models.load_model(FILE)",
        "with zipfile.ZipFile(FILE) as file:",
        f'    class_names = json.loads(file.read("{METADATA}"))["{RECIPE_KEY}"]["class_names"]',
        'image = Image.open("picture.jpg")',
        f"image.draft(image.mode, ({enough}, {enough}))  # of a large JPEG, every 2nd, 4th or 8th pixel",
        "image = ImageOps.exif_transpose(image)",
        'if image.mode.startswith("I"):  # 16 bits',
        '    values, clear = np.asarray(image), image.info.get("transparency")',
        '    image = Image.fromarray(np.rint(values / 257).astype("uint8"))',
        "    if clear is not None:",
        '        image.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype("uint8")))',
        "if image.has_transparency_data:",
        '    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))',
        "large = min(image.size) >= 2 * max(SIZE)",
        "way = Image.Resampling.BOX if large else Image.Resampling.BILINEAR",
        *_FITTING[crop],
        f"probabilities = model.predict({pixels}, verbose=0)[0]  # from 0 to 255, not divided",
        "print(dict(zip(class_names, probabilities.tolist())))",
    ]


def _copy_with_recipe(source: BinaryIO, target: Path, recipe: dict[str, Any]) -> None:
    """Copy a `.keras` file, a zip, entry by entry, with the recipe in its metadata."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            copied = zipfile.ZipInfo(entry.filename, entry.date_time)
            copied.compress_type, copied.external_attr = entry.compress_type, entry.external_attr
            if entry.filename == METADATA:
                metadata = {**json.loads(old.read(entry)), RECIPE_KEY: recipe}
                new.writestr(copied, json.dumps(metadata))
                continue
            copied.file_size = entry.file_size  # so that zipfile knows whether it needs long offsets
            with old.open(entry) as stream, new.open(copied, "w") as out:
                while data := stream.read(1 << 20):
                    out.write(data)
