"""What the engine holds between requests: the last models and the last data sets, read again once they have changed."""

import dataclasses
from collections import OrderedDict
from dataclasses import dataclass
from math import prod
from typing import Any

from msgspec.structs import replace

from core.config import DatasetConfig
from core.datasets.splits import TrainingArrays, load_split
from core.datasets.storage import load_dataset
from core.epoch_weights import epoch_digest, epoch_path, read_epoch
from core.errors import UserError
from core.workspace import Workspace

MODELS_KEPT = 4  # Classify shows up to four runs side by side
BODIES_KEPT = 2
SPLITS_KEPT = 2
# Resized pictures are all held in memory; pictures of the stored size are read from a memory map.
MOST_RESIZED_BYTES = 1_000_000_000


@dataclass
class _Body:
    """A run's network that takes on the weights of one epoch after another; `sha256` are those that it has now."""

    model: Any
    sha256: str = ""


class Loader:
    """Models of runs and parts of data sets. `workspace` is where both lie."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._models: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._bodies: OrderedDict[str, _Body] = OrderedDict()
        self._splits: OrderedDict[tuple[Any, ...], TrainingArrays] = OrderedDict()

    def model(self, run_id: str, which: str = "best") -> Any:
        """A run's `SavedModel`: its `best`, its `last`, or of an epoch by number, `"12"`, that was kept.

        That of a number is good until another epoch of the same run is asked for: it is the same network, which takes
        on other weights within 20 ms, where a copy of its own would take 100. Raises UserError where there are no
        such weights.
        """
        from core.training.saved_models import load_run_model, model_version

        if which.isdecimal():
            return self._of_epoch(run_id, int(which))
        folder = self.workspace.run_folder(run_id)
        key = (run_id, model_version(folder, which))
        if key not in self._models:
            self._models[key] = load_run_model(folder, which)
            while len(self._models) > MODELS_KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]

    def _of_epoch(self, run_id: str, epoch: int) -> Any:
        import keras

        from core.training.kept_weights import put_weights

        folder, like = self.workspace.run_folder(run_id), self.model(run_id)
        body = self._bodies.get(run_id)
        if body is None:
            body = self._bodies[run_id] = _Body(keras.models.clone_model(like.model))
            while len(self._bodies) > BODIES_KEPT:
                self._bodies.popitem(last=False)
        self._bodies.move_to_end(run_id)
        if not body.sha256 or body.sha256 != epoch_digest(folder, epoch):
            digest, weights = read_epoch(folder, epoch)
            body.sha256 = ""  # until all of them are there
            put_weights(body.model, weights)
            body.sha256 = digest
        path = epoch_path(folder, epoch)
        return dataclasses.replace(like, model=body.model, epoch=epoch, path=path, sha256=body.sha256)

    def held_out(self, dataset: DatasetConfig, loaded: Any) -> TrainingArrays:
        """Validation and test part as the network reads them. Raises UserError where it was trained on others."""
        # The training part is not needed, and the others are the same for every seed.
        return self.split_of(replace(dataset, num_train=1), loaded)

    def split_of(self, dataset: DatasetConfig, loaded: Any) -> TrainingArrays:
        """All parts, without wrong labels. Raises UserError where the network was trained on others."""
        split = self.split(replace(dataset, label_noise=0.0), 0)
        if (split.image_shape, split.class_names) != (loaded.image_shape, loaded.class_names):
            raise UserError("This is not the data set that the run was trained on.")
        return split

    def split(self, dataset: DatasetConfig, seed: int) -> TrainingArrays:
        """The parts of a data set, kept for as long as its description on the disk is the same."""
        folder = self.workspace.datasets / dataset.id
        described = folder / "dataset.json"
        key = (dataset, seed, described.stat().st_mtime_ns if described.exists() else None)
        if key not in self._splits:
            self._check_size(dataset)
            self._splits[key] = load_split(self.workspace, dataset, seed)
            while len(self._splits) > SPLITS_KEPT:
                self._splits.popitem(last=False)
        self._splits.move_to_end(key)
        return self._splits[key]

    def _check_size(self, dataset: DatasetConfig) -> None:
        stored = load_dataset(self.workspace, dataset.id)
        shape = dataset.picture_shape(stored.image_shape)
        if shape == stored.image_shape:
            return
        count = (dataset.num_train or len(stored.x_train)) + len(stored.x_test)
        if count * prod(shape) > MOST_RESIZED_BYTES:
            raise UserError(
                f"{count:,} pictures at {shape[1]}×{shape[0]} pixels are too many to resize here. Choose a smaller "
                "image size or fewer training pictures."
            )


def check_shape(found: tuple[int, ...], needed: tuple[int, ...]) -> None:
    """Raises UserError where pictures are not of the shape that the network reads."""
    if found != needed:
        raise UserError(f"This run needs pictures of {_sides(needed)}, not {_sides(found)}.")


def _sides(image_shape: tuple[int, ...]) -> str:
    return "×".join(map(str, image_shape))
