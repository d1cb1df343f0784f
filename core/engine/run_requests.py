"""Requests on a run's saved weights: what they say of a part of its data set."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import DatasetConfig
from core.datasets.splits import resize
from core.datasets.storage import Dataset, load_dataset
from core.engine.loader import Loader, check_shape
from core.errors import UserError
from core.system.frames import Arrays


class RunRequests:
    """What is asked of a run as a whole."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def score(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Log-probabilities of the pictures from `start` to `stop` of a part, with their labels and rows."""
        loaded = self._loader.model(document["run_id"], document["which"])
        split = self._loader.held_out(DatasetConfig(**document["dataset"]), loaded)
        own = slice(document["start"], document["stop"])
        if document["split"] == "validation":
            images, labels, rows = split.x_validation[own], split.y_validation, split.validation_rows
        else:
            images, labels, rows = split.read_test(own), split.y_test, split.test_rows
        _, scores = loaded.scorer.score(images)
        answer = {
            "epoch": loaded.epoch, "sha256": loaded.sha256, "of": len(labels), "class_names": list(loaded.class_names),
        }  # fmt: skip
        return answer, {"scores": scores, "labels": labels[own], "rows": rows[own]}

    def score_elsewhere(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """The same of all pictures of another data set, its test arrays first, then its training arrays."""
        loaded = self._loader.model(document["run_id"], document["which"])
        dataset = load_dataset(self._loader.workspace, document["dataset_id"])
        places = _places_of(dataset, loaded)
        num_test, of = len(dataset.y_test), len(dataset.y_test) + len(dataset.y_train)
        rows = np.arange(document["start"], min(document["stop"], of))
        test, train = rows[rows < num_test], rows[rows >= num_test] - num_test
        images = np.concatenate([dataset.x_test[test], dataset.x_train[train]])
        if images.shape[1:] != loaded.image_shape:
            images = resize(images, loaded.image_shape[0])
            check_shape(images.shape[1:], loaded.image_shape)
        labels = np.concatenate([dataset.y_test[test], dataset.y_train[train]])
        _, scores = loaded.scorer.score(images)
        answer = {
            "epoch": loaded.epoch, "sha256": loaded.sha256, "of": of, "class_names": list(loaded.class_names),
        }  # fmt: skip
        return answer, {"scores": scores, "labels": places[labels], "rows": rows}


def _places_of(dataset: Dataset, loaded: Any) -> NDArray[np.int64]:
    """Of each class of the data set, by its name, its place among the network's outputs."""
    unknown = [name for name in dataset.class_names if name not in loaded.class_names]
    if unknown:
        raise UserError(f"The run does not know the class “{unknown[0][:60]}” of this data set.")
    return np.array([loaded.class_names.index(name) for name in dataset.class_names], np.int64)
