"""The engine: one helper process for what a page needs from Keras now.

Started by the server (and for the length of one command by the command line) as `python -m core.engine`; reads
requests as frames from standard input, answers on standard output, and ends when its input does. Untrusted
pictures are decoded here, not in the server.
"""

import os
import sys
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.errors import ConvDeckError, PictureError, UserError
from core.frames import Arrays, read_frame, write_frame
from core.workspace import Workspace

MODELS_KEPT = 3


class Requests:
    """What the engine can do, one method a request. Each takes the document and arrays and returns the same."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._models: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def handle(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        methods = {
            "predict": self._predict,
            "decode": self._decode,
            "preview": self._preview,
            "export": self._export,
        }
        return methods[document["method"]](document, arrays)

    def _predict(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.predict import predict

        loaded = self._load(document["run_id"])
        rows, seen = _decode_all(document, arrays, loaded.image_shape)
        places = [int(key) for key in seen]
        if places:
            probabilities = predict(loaded.model, np.stack([seen[str(place)] for place in places]))
            for place, values in zip(places, probabilities, strict=True):
                rows[place]["top"] = _ranked(values, loaded.class_names)
        return {"rows": rows}, seen

    def _decode(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        rows, seen = _decode_all(document, arrays, tuple(document["image_shape"]))
        return {"rows": rows}, seen

    def _preview(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.augmentation import apply
        from core.training.draws import draw

        pixels = arrays["pixels"]
        config = AugmentationConfig(**document["augmentation"])
        draws = draw(config, len(pixels), pixels.shape[1:], (document["seed"],))
        labels = np.zeros((len(pixels), 1), np.float32)
        varied, _ = apply(pixels, labels, draws)
        captions = [draws.describe(index) for index in range(len(pixels))]
        return {"captions": captions}, {"pixels": np.asarray(varied)}

    def _export(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.export import export_keras

        if document["format"] != "keras":
            raise UserError(f"There is no export format {document['format'][:40]!r}. There is: keras.")
        path = export_keras(self._workspace.run_folder(document["run_id"]), Path(document["out"]))
        return {"path": str(path)}, {}

    def _load(self, run_id: str) -> Any:
        from core.training.predict import load_run_model, model_version

        folder = self._workspace.run_folder(run_id)
        key = (run_id, model_version(folder))
        if key not in self._models:
            self._models[key] = load_run_model(folder)
            while len(self._models) > MODELS_KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]


def _decode_all(
    document: dict[str, Any], arrays: Arrays, image_shape: tuple[int, ...]
) -> tuple[list[dict[str, Any]], Arrays]:
    """A row for each named picture, and the pixels of those that could be read, by place."""
    from core.images.decode import decode_picture, fit_picture

    rows: list[dict[str, Any]] = []
    seen: Arrays = {}
    for index, name in enumerate(document["names"]):
        row: dict[str, Any] = {"image": name, "ok": True, "error": None, "top": [], "notes": []}
        try:
            picture = decode_picture(arrays[str(index)].tobytes(), name)
            seen[str(index)] = fit_picture(picture.pixels, image_shape, crop=document["crop"])
            row["notes"] = list(picture.notes)
        except PictureError as error:
            row |= {"ok": False, "error": str(error)}
        rows.append(row)
    return rows, seen


def _ranked(probabilities: NDArray[Any], class_names: tuple[str, ...]) -> list[dict[str, Any]]:
    order = np.argsort(-probabilities, kind="stable")
    return [{"class": class_names[place], "probability": float(probabilities[place])} for place in order]


def serve(requests: Requests, incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer frame after frame until the input ends."""
    while True:
        try:
            document, arrays = read_frame(incoming)
        except EOFError:
            return
        try:
            answer, answer_arrays = requests.handle(document, arrays)
        except UserError as error:
            answer, answer_arrays = {"user_error": str(error)}, {}
        except ConvDeckError as error:
            answer, answer_arrays = {"error": str(error)}, {}
        except Exception as error:
            traceback.print_exc()
            answer, answer_arrays = (
                {"error": f"The picture engine failed: {type(error).__name__}: {error}"},
                {},
            )
        write_frame(outgoing, answer, answer_arrays)


def main() -> int:
    """Load Keras while nobody waits for it, then serve."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # Libraries print to standard output when they like: keep the answers' pipe for answers alone.
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import core.training.predict  # noqa: F401

    serve(Requests(Workspace.from_environment()), sys.stdin.buffer, outgoing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
