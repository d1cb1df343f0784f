"""The `.keras` file: a copy of the one that the run saved, with the recipe in its metadata. Plain Keras loads it."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import UserError
from core.export.programs import METADATA, RECIPE_KEY
from core.export.recipe import Source

SAVED_MEANWHILE = "The run saved another model while this one was copied. Export it again."


def write_keras(source: Source, target: Path, recipe: dict[str, Any]) -> None:
    """Write it to `target`.

    Raises:
        UserError: the run just saved another model.
    """
    try:
        # Once it is open it stays the same file, whatever the run saves meanwhile.
        with source.path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != source.sha256:
                raise UserError(SAVED_MEANWHILE)
            _copy_with_recipe(stream, target, recipe)
    except FileNotFoundError:
        if not source.path.exists():
            raise UserError(SAVED_MEANWHILE) from None
        raise


def _copy_with_recipe(stream: BinaryIO, target: Path, recipe: dict[str, Any]) -> None:
    """Copy a `.keras` file, a zip, entry by entry, with the recipe in its metadata."""
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            copied = zipfile.ZipInfo(entry.filename, entry.date_time)
            copied.compress_type, copied.external_attr = entry.compress_type, entry.external_attr
            if entry.filename == METADATA:
                metadata = {**json.loads(old.read(entry)), RECIPE_KEY: recipe}
                new.writestr(copied, json.dumps(metadata))
                continue
            copied.file_size = entry.file_size  # so that zipfile knows whether it needs long offsets
            with old.open(entry) as part, new.open(copied, "w") as out:
                while data := part.read(1 << 20):
                    out.write(data)
