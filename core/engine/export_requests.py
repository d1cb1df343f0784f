"""Requests on exports: a run's best model written to a file, and the file opened again and compared with the run."""

import contextlib
import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import DatasetConfig
from core.datasets.splits import TrainingArrays
from core.engine.loader import Loader
from core.errors import UserError
from core.export.conversions import MEASURED_PICTURES, is_single_precision
from core.export.formats import ExportFormat, ready_format
from core.export.keras_file import SAVED_MEANWHILE
from core.export.receipt import check_export, chosen_rows, random_pictures
from core.export.recipe import Source
from core.export.writing import export_model, write_description
from core.system.frames import Arrays

Pictures = NDArray[np.uint8]
Read = Callable[[DatasetConfig, Any], TrainingArrays]
WRITERS = ("keras", "tensorflow")
KEEPS_PRECISION = ("keras", "savedmodel")


class ExportRequests:
    """Two requests, because each may take most of the time that there is for one."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def export(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Writes the best model to the path `out` in a `format`, with its recipe in it and beside it.

        What goes with it, such as the temperature, is of the weights `sha256`, so no others are written.
        """
        export_format = ready_format(document["format"])
        loaded = self._loader.model(document["run_id"])
        if document["sha256"] not in (None, loaded.sha256):
            raise UserError(SAVED_MEANWHILE)
        dataset = document["dataset"]
        source = Source(
            loaded.model, loaded.path, loaded.sha256, loaded.epoch, tuple(loaded.class_names), loaded.image_shape,
            loaded.crop, document["run_id"], dataset["id"] if dataset else None, document["temperature"],
        )  # fmt: skip
        measured = None if export_format.exact else self._training_pictures(document, loaded)
        made = export_model(source, export_format, Path(document["out"]), measured)
        return {"path": str(made.path), "recipe_path": str(made.recipe_path), "sha256": loaded.sha256}, {}

    def check_export(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Compares what was written to `path` with the model `sha256`; its receipt goes into the description beside it.

        Returns that description.
        """
        from core.training.saved_models import predict

        export_format = ready_format(document["format"])
        loaded = self._loader.model(document["run_id"])
        if loaded.sha256 != document["sha256"]:
            raise UserError(SAVED_MEANWHILE)
        which, pictures = self._held_out_pictures(document, loaded)
        receipt = check_export(
            export_format, Path(document["path"]), pictures, predict(loaded.model, pictures), tuple(loaded.class_names),
            which=which, rounded=_rounded(export_format, loaded.model), versions=_versions_of(export_format),
        )  # fmt: skip
        beside = Path(document["recipe_path"])
        described = {**json.loads(beside.read_bytes()), "receipt": receipt.to_json()}
        write_description(beside, described)
        return described, {}

    def _held_out_pictures(self, document: dict[str, Any], loaded: Any) -> tuple[str, Pictures]:
        split = self._split(self._loader.held_out, document, loaded)
        if split is not None and len(split.x_validation):
            return "validation", split.x_validation[chosen_rows(len(split.x_validation))]
        if split is not None and len(split.test_rows):
            return "test", split.read_test(chosen_rows(len(split.test_rows)))
        return "random", random_pictures(loaded.image_shape)

    def _training_pictures(self, document: dict[str, Any], loaded: Any) -> Pictures | None:
        split = self._split(self._loader.split_of, document, loaded)
        if split is None:
            return None
        rows = split.train_indices[chosen_rows(len(split.train_indices), MEASURED_PICTURES)]
        return np.asarray(split.x_train[np.sort(rows)])

    @staticmethod
    def _split(read: Read, document: dict[str, Any], loaded: Any) -> TrainingArrays | None:
        """None where the data set that the run was trained on is not here."""
        if document["dataset"] is None:
            return None
        try:
            return read(DatasetConfig(**document["dataset"]), loaded)
        except UserError:
            return None


def _rounded(export_format: ExportFormat, model: Any) -> str | None:
    """Why its probabilities cannot be those of the run's model; None where they can."""
    if not export_format.exact:
        return "this format rounds probabilities"
    if export_format.name not in KEEPS_PRECISION and not is_single_precision(model):
        return "the run calculates in half precision, the file in single precision"
    return None


def _versions_of(export_format: ExportFormat) -> dict[str, str]:
    """Of what wrote the file, as far as it is installed, and of the backend whose answers it is compared with."""
    import keras

    packages = (*WRITERS, str(keras.backend.backend()), *(package for package, _ in export_format.packages))
    versions = {}
    for package in dict.fromkeys(packages):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions
