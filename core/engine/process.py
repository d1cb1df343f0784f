"""The engine: one helper process that answers pages with Keras.

Started by the server (and for the length of one command by the command line) as `python -m core.engine`; reads
requests as frames from standard input, answers on standard output, and ends when its input does. Untrusted
pictures are decoded in a process of its own, see `core.engine.decoder`.
"""

import sys
import traceback
from collections import OrderedDict
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from core.config import AugmentationConfig, DatasetConfig, ExperimentConfig
from core.datasets.splits import TrainingArrays, load_split, nested_order
from core.datasets.storage import load_dataset
from core.engine.decoder import HURRIED_SECONDS, LOST_SECONDS, PICTURE_SECONDS, Decoder, PictureTooSlow
from core.engine.explaining import explain_pixels
from core.engine.familiarity import (
    Familiarity,
    FamiliarityTaker,
    keep_familiarity,
    most_pictures,
    read_familiarity,
)
from core.errors import ConvDeckError, PictureError, UserError
from core.images import PIXELS_AVERAGED
from core.system.frames import READY, Arrays, read_frame, write_frame
from core.system.processes import choose_backend, take_standard_output
from core.workspace import Workspace

MODELS_KEPT = 3
SPLITS_KEPT = 2
# Resized pictures are all held in memory; pictures of the stored size are read from a memory map.
MOST_RESIZED_BYTES = 1_000_000_000


class Requests:
    """What the engine can do, one method a request. Each takes the document and arrays and returns the same."""

    def __init__(self, workspace: Workspace, decoder: Decoder | None = None) -> None:
        self._workspace = workspace
        self._decoder = decoder or Decoder()
        self._models: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._splits: OrderedDict[tuple[Any, ...], TrainingArrays] = OrderedDict()
        # By the SHA-256 of their models.
        self._familiar: OrderedDict[str, Familiarity] = OrderedDict()
        self._takers: OrderedDict[str, FamiliarityTaker] = OrderedDict()

    def handle(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        methods = {
            "predict": self._predict,
            "decode": self._decode,
            "answer": self._answer,
            "explain": self._explain,
            "preview": self._preview,
            "batch": self._batch,
            "count_right": self._count_right,
            "score": self._score,
            "learn_known": self._learn_known,
            "export": self._export,
        }
        return methods[document["method"]](document, arrays)

    def _predict(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.saved_models import predict

        loaded = self._load(document["run_id"])
        known = self._known_of(document["run_id"], loaded) if document["with_known"] else None
        asked = {**document, "crop": document["crop"] or loaded.crop}
        rows, seen = _decode_all(self._decoder, asked, arrays, loaded.image_shape)
        places = [int(key) for key in seen]
        if places:
            pictures = np.stack([seen[str(place)] for place in places])
            for place, values in zip(places, predict(loaded.model, pictures), strict=True):
                rows[place]["top"] = _ranked(values, loaded.class_names)
            if known is not None:
                found = known.describe(self._scorer(loaded).score(pictures)[0], loaded.class_names)
                for place, each in zip(places, found, strict=True):
                    rows[place]["knowledge"] = each
        return {"rows": rows}, seen

    def _decode(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        rows, seen = _decode_all(self._decoder, document, arrays, tuple(document["image_shape"]))
        return {"rows": rows}, seen

    def _answer(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.saved_models import predict

        loaded, pixels = self._load(document["run_id"]), arrays["pixels"]
        _check_shape(pixels.shape[1:], loaded.image_shape)
        return {"class_names": list(loaded.class_names)}, {"probabilities": predict(loaded.model, pixels)}

    def _explain(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Of `pixels`, or of the file "0", which is decoded first."""
        loaded, notes = self._load(document["run_id"], document["which"]), []
        pixels = arrays.get("pixels")
        if pixels is None:
            asked = {**document, "crop": document["crop"] or loaded.crop}
            (row,), seen = _decode_all(self._decoder, asked, arrays, loaded.image_shape)
            if row["error"]:
                raise UserError(row["error"])
            pixels, notes = seen["0"], row["notes"]
        _check_shape(pixels.shape, loaded.image_shape)
        answer, maps = explain_pixels(loaded, pixels, document)
        return {**answer, "notes": notes}, maps

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

    def _batch(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.arrays import training_set
        from core.training.batches import training_batch

        config = ExperimentConfig.from_dict(document["config"])
        split = self._split(config.dataset, config.seed)
        made = training_batch(config, training_set(split), document["epoch"], document["step"])
        shown = slice(document["most"])
        positions = made.positions[shown]
        answer = {
            "steps": made.steps,
            "pictures": len(made.images),
            "class_names": list(split.class_names),
            "rows": split.train_indices[positions].tolist(),
            "corrupted": split.corrupted[positions].tolist(),
            "captions": made.captions[shown],
        }
        return answer, {"images": made.images[shown], "labels": made.labels[shown]}

    def _count_right(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.distortion import distort
        from core.training.saved_models import predict

        loaded = self._load(document["run_id"])
        split = self._held_out(DatasetConfig(**document["dataset"]), loaded)
        # Every beginning of this order is stratified, so fewer pictures than there are still hold all classes.
        chosen = nested_order(split.y_validation)[: document["most"]]
        own = chosen[document["start"] : document["stop"]]
        images = distort(split.x_validation[own], document["knob"], document["level"], document["start"])
        answers = predict(loaded.model, images).argmax(axis=1)
        return {"right": int((answers == split.y_validation[own]).sum()), "of": len(chosen)}, {}

    def _score(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        loaded = self._load(document["run_id"], document["which"])
        split = self._held_out(DatasetConfig(**document["dataset"]), loaded)
        own = slice(document["start"], document["stop"])
        if document["split"] == "validation":
            images, labels, rows = split.x_validation[own], split.y_validation, split.validation_rows
        else:
            images, labels, rows = split.read_test(own), split.y_test, split.test_rows
        _, scores = self._scorer(loaded).score(images)
        answer = {
            "epoch": loaded.epoch, "sha256": loaded.sha256, "of": len(labels), "class_names": list(loaded.class_names),
        }  # fmt: skip
        return answer, {"scores": scores, "labels": labels[own], "rows": rows[own]}

    def _learn_known(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        loaded, folder = self._load(document["run_id"]), self._workspace.run_folder(document["run_id"])
        found = self._known_of(document["run_id"], loaded)
        taker = self._takers.get(loaded.sha256)
        if found is None:
            if taker is None:
                dataset, scorer = DatasetConfig(**document["dataset"]), self._scorer(loaded)
                stored = len(load_dataset(self._workspace, dataset.id).y_train)
                count = min(dataset.num_train or stored, most_pictures(scorer.units))
                taker = FamiliarityTaker(scorer, self._split_of(replace(dataset, num_train=count), loaded))
                self._takers[loaded.sha256] = taker
                while len(self._takers) > MODELS_KEPT:
                    self._takers.popitem(last=False)
            found = taker.advance()
            if found is None:
                return {"done": taker.done, "of": taker.total}, {}
            keep_familiarity(folder, loaded.sha256, found)
            self._keep_known(loaded, found)
        self._takers.pop(loaded.sha256, None)
        return {"done": 1, "of": 1}, {}

    def _known_of(self, run_id: str, loaded: Any) -> Familiarity | None:
        """What was measured for these weights, by this process or one before it."""
        found = self._familiar.get(loaded.sha256)
        if found is None:
            found = read_familiarity(self._workspace.run_folder(run_id), loaded.sha256)
            if found is not None:
                self._keep_known(loaded, found)
        return found

    def _keep_known(self, loaded: Any, found: Familiarity) -> None:
        self._familiar[loaded.sha256] = found
        while len(self._familiar) > MODELS_KEPT:
            self._familiar.popitem(last=False)

    def _scorer(self, loaded: Any) -> Any:
        from core.training.scores import Scorer

        return Scorer(loaded.model)

    def _held_out(self, dataset: DatasetConfig, loaded: Any) -> TrainingArrays:
        """Validation and test part as the network reads them. Raises UserError where it was trained on others."""
        # The training part is not needed, and the others are the same for every seed.
        return self._split_of(replace(dataset, num_train=1), loaded)

    def _split_of(self, dataset: DatasetConfig, loaded: Any) -> TrainingArrays:
        """All parts, without wrong labels. Raises UserError where the network was trained on others."""
        split = self._split(replace(dataset, label_noise=0.0), 0)
        if (split.image_shape, split.class_names) != (loaded.image_shape, loaded.class_names):
            raise UserError("This is not the data set that the run was trained on.")
        return split

    def _split(self, dataset: DatasetConfig, seed: int) -> TrainingArrays:
        """The parts of a data set, kept for as long as its description on the disk is the same."""
        folder = self._workspace.datasets / dataset.id
        described = folder / "dataset.json"
        key = (dataset, seed, described.stat().st_mtime_ns if described.exists() else None)
        if key not in self._splits:
            self._check_size(dataset)
            self._splits[key] = load_split(self._workspace, dataset, seed)
            while len(self._splits) > SPLITS_KEPT:
                self._splits.popitem(last=False)
        self._splits.move_to_end(key)
        return self._splits[key]

    def _check_size(self, dataset: DatasetConfig) -> None:
        stored = load_dataset(self._workspace, dataset.id)
        shape = dataset.picture_shape(stored.image_shape)
        if shape == stored.image_shape:
            return
        count = (dataset.num_train or len(stored.x_train)) + len(stored.x_test)
        if count * prod(shape) > MOST_RESIZED_BYTES:
            raise UserError(
                f"{count:,} pictures at {shape[1]}×{shape[0]} pixels are too many to resize here. Choose a smaller "
                "image size or fewer training pictures."
            )

    def _export(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.export import export_keras

        if document["format"] != "keras":
            raise UserError(f"There is no export format {document['format'][:40]!r}; the only one is keras.")
        made = export_keras(self._workspace.run_folder(document["run_id"]), Path(document["out"]))
        return {"path": str(made.path), "recipe_path": str(made.recipe_path), "recipe": made.recipe}, {}

    def _load(self, run_id: str, which: str = "best") -> Any:
        from core.training.saved_models import load_run_model, model_version

        folder = self._workspace.run_folder(run_id)
        key = (run_id, model_version(folder, which))
        if key not in self._models:
            self._models[key] = load_run_model(folder, which)
            while len(self._models) > MODELS_KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]


def _decode_all(
    decoder: Decoder, document: dict[str, Any], arrays: Arrays, image_shape: tuple[int, ...]
) -> tuple[list[dict[str, Any]], Arrays]:
    """A row for each named picture, and the pixels of those that could be read, by place."""
    rows: list[dict[str, Any]] = []
    seen: Arrays = {}
    enough, lost = PIXELS_AVERAGED * max(image_shape[:2]), 0.0
    for index, name in enumerate(document["names"]):
        row: dict[str, Any] = {"image": name, "error": None, "top": [], "notes": []}
        seconds = PICTURE_SECONDS if lost < LOST_SECONDS else HURRIED_SECONDS
        try:
            seen[str(index)], notes = decoder.decode(
                name, arrays[str(index)].tobytes(), image_shape, document["crop"], enough, seconds
            )
            row["notes"] = list(notes)
        except PictureTooSlow as error:
            row["error"] = str(error)
            lost += seconds
        except PictureError as error:
            row["error"] = str(error)
        rows.append(row)
    return rows, seen


def _check_shape(found: tuple[int, ...], needed: tuple[int, ...]) -> None:
    if found != needed:
        raise UserError(f"This run needs pictures of {_sides(needed)}, not {_sides(found)}.")


def _sides(image_shape: tuple[int, ...]) -> str:
    return "×".join(map(str, image_shape))


def _ranked(probabilities: NDArray[Any], class_names: tuple[str, ...]) -> list[tuple[str, float]]:
    """Every class with its probability, most probable first."""
    order = np.argsort(-probabilities, kind="stable")
    return [(class_names[place], float(probabilities[place])) for place in order]


def serve_requests(requests: Requests, incoming: BinaryIO, outgoing: BinaryIO) -> None:
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
                {
                    "error": f"The picture engine failed ({type(error).__name__}: {error}). Try again; if it fails "
                    "again, restart the dashboard. Its log is on the System page."
                },
                {},
            )
        write_frame(outgoing, answer, answer_arrays)


def main() -> int:
    """Load Keras before the first request comes, then serve."""
    choose_backend()
    outgoing = take_standard_output()
    decoder = Decoder()
    decoder.start()
    import core.training.saved_models  # noqa: F401

    write_frame(outgoing, READY, {})
    serve_requests(Requests(Workspace.from_environment(), decoder), sys.stdin.buffer, outgoing)
    decoder.close()
    return 0
