"""A run's best model written to a file of any format, with its recipe in it and beside it."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.export.conversion_process import write_here, write_with_tensorflow
from core.export.conversions import Pictures, runs_on_tensorflow
from core.export.formats import ExportFormat
from core.export.keras_file import write_keras
from core.export.recipe import Source, recipe_of
from core.system.files import replacing, write_bytes


@dataclass(frozen=True)
class Export:
    """What was written: the file or folder, the description beside it, and what that says."""

    path: Path
    recipe_path: Path
    recipe: dict[str, Any]


def export_model(
    source: Source, export_format: ExportFormat, out: Path, measured: Pictures | None = None
) -> Export:
    """Write the model to `out`, to which the format's suffix is added, and its recipe beside it.

    The file takes uint8 pictures (batch, height, width, channels) and gives class probabilities, as the network itself
    does. `measured`, uint8 of the same shape, are the pictures on which 8 bits are measured: needed for `tflite-int8`.

    Raises:
        UserError: the run just saved another model, `out` cannot be written, or the format cannot be written here.
        ConvDeckError: Keras runs on another backend than TensorFlow, and the conversion in its own process failed.
    """
    target = out if out.suffix == export_format.suffix else out.with_name(out.name + export_format.suffix)
    if export_format.is_folder:
        target = out
    if not os.access(target.parent, os.W_OK):  # TensorFlow's own errors say less
        raise UserError(f"{target} cannot be written: its folder is not there, or is read-only.")
    beside = target.with_name(target.name + ".json")
    recipe = recipe_of(source, export_format, target.name)
    write = _writer(export_format, measured)
    try:
        with (_new_folder if export_format.is_folder else replacing)(target) as temporary:
            write(source, temporary, recipe)
        recipe = {**recipe, "bytes": bytes_of(target)}
        write_description(beside, recipe)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}.") from error
    return Export(target, beside, recipe)


def write_description(beside: Path, document: dict[str, Any]) -> None:
    """Write what is known of an exported file beside it. Raises OSError."""
    write_bytes(beside, json.dumps(document, indent=2, ensure_ascii=False).encode())


def bytes_of(path: Path) -> int:
    """The size of a file, or of all files in a folder."""
    return sum(each.stat().st_size for each in files_of(path))


def files_of(path: Path) -> list[Path]:
    """The file itself, or all that lie in the folder, in order."""
    return [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())


def _writer(
    export_format: ExportFormat, measured: Pictures | None
) -> Callable[[Source, Path, dict[str, Any]], None]:
    if export_format.name == "keras":
        return write_keras
    if not export_format.exact and (measured is None or not len(measured)):
        raise UserError(
            "8 bits are measured on the run's training pictures, and its data set is not here. Add it again, or choose "
            "the format tflite."
        )
    given = None if export_format.exact else measured
    if runs_on_tensorflow():
        return lambda source, target, recipe: write_here(export_format.name, source, target, recipe, given)
    return lambda source, target, recipe: write_with_tensorflow(export_format, source, target, recipe, given)


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on success it takes its place, on an error it is removed.

    Raises UserError where there is something already: a folder cannot be replaced in one step.
    """
    if target.exists():
        raise UserError(f"{target} exists already. Choose another place, or remove it first.")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
