"""A conversion in a process of its own with TensorFlow, for an engine that runs on another backend.

A `.keras` file knows no backend. So the run's model goes there as a file, and what TensorFlow writes comes back as one.
"""

import dataclasses
import os
import queue
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ConvDeckError, UserError
from core.export.conversions import Pictures, write_litert, write_onnx, write_saved_model
from core.export.formats import ExportFormat
from core.export.keras_file import write_keras
from core.export.recipe import Source
from core.system.lines import conversation, receive_request
from core.system.processes import choose_backend, leave
from core.workspace import PROJECT_ROOT

# Below what the engine has for a request. To load TensorFlow takes about five of them, to convert a few more.
SECONDS = 50.0
INSTALL = ".venv/bin/pip install -r requirements.txt"


def write_with_tensorflow(
    export_format: ExportFormat, source: Source, target: Path, recipe: dict[str, Any], measured: Pictures | None
) -> None:  # fmt: skip
    """As `write_here`, in another process.

    Raises:
        UserError: TensorFlow is not installed, or the run just saved another model.
        ConvDeckError: the conversion failed, or took too long.
    """
    if find_spec("tensorflow") is None:
        raise UserError(
            f"{export_format.title} is written with TensorFlow, which is not installed. Install with: {INSTALL}"
        )
    with tempfile.TemporaryDirectory() as folder:
        model, pictures = Path(folder) / "model.keras", Path(folder) / "pictures.npy"
        write_keras(source, model, recipe)
        if measured is not None:
            np.save(pictures, measured)
        without_model = dataclasses.replace(source, model=None, path=model)
        request = {
            "format": export_format.name,
            "source": {**dataclasses.asdict(without_model), "path": str(model)},
            "target": str(target.resolve()),
            "recipe": recipe,
            "measured": None if measured is None else str(pictures),
        }
        _convert(export_format, request)


def write_here(
    name: str, source: Source, target: Path, recipe: dict[str, Any], measured: Pictures | None
) -> None:
    """Write the format `name` to `target`, where Keras runs on TensorFlow. `measured` is as in `export_model`."""
    match name:
        case "onnx":
            write_onnx(source, target, recipe)
        case "savedmodel":
            write_saved_model(source, target, recipe)
        case "tflite" | "tflite-int8":
            write_litert(source, target, recipe, measured)
        case _:
            raise ValueError(name)


def _convert(export_format: ExportFormat, request: dict[str, Any]) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "core.export.conversion_process"], cwd=PROJECT_ROOT, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with conversation(process, request) as lines:
        try:
            line = lines.get(timeout=SECONDS)
        except queue.Empty:
            raise ConvDeckError(
                f"TensorFlow did not write {export_format.title} within {SECONDS:.0f} seconds and was stopped. Try "
                "again; if it happens again, start ConvDeck without KERAS_BACKEND and export the run there."
            ) from None
    if not line.endswith("\n"):
        raise ConvDeckError(
            f"TensorFlow could not write {export_format.title}. The reason is in the engine's log, on the System page."
        )


def main() -> int:
    """Load the model that the request names, and write it."""
    request, say = receive_request()
    choose_backend()
    import keras

    fields = {**request["source"], "path": Path(request["source"]["path"])}
    fields["class_names"], fields["image_shape"] = tuple(fields["class_names"]), tuple(fields["image_shape"])
    model = keras.models.load_model(fields["path"], compile=False, safe_mode=True)
    source = Source(**{**fields, "model": model})
    measured = None if request["measured"] is None else np.load(request["measured"])
    write_here(request["format"], source, Path(request["target"]), request["recipe"], measured)
    say({"written": True})
    return 0


if __name__ == "__main__":
    leave(main())
