"""What a training script is written from: a run's settings, what it reached, and where its pictures are."""

import zlib
from dataclasses import dataclass

import numpy as np

from core.config import ExperimentConfig
from core.datasets.splits import nested_order, validation_and_test
from core.datasets.storage import Dataset

# Of each part: enough to tell another data set, or another order of it, from the run's.
COMPARED_PICTURES = 100


@dataclass(frozen=True)
class ScriptSource:
    """A run, as its script describes and repeats it.

    `config` is as it trained, but for `added_epochs`, which came on top while it trained. `result` is what it reached,
    in a sentence. `image_shape` is that of the stored pictures, `num_stored` how many of them are training pictures.
    `num_validation` is as in `Dataset`. `place` is the path of the stored data set; None for the data sets that
    `keras.datasets` brings. `fingerprint` is as in `fingerprint_of`, None where the pictures are not here.
    `remarks` are sentences on what happened to the run that a script cannot repeat.
    """

    config: ExperimentConfig
    run_id: str
    name: str
    preset: str | None
    result: str
    dataset_title: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    num_stored: int
    num_validation: int | None
    file_name: str
    place: str | None = None
    fingerprint: int | None = None
    added_epochs: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) that the network reads."""
        return self.config.dataset.picture_shape(self.image_shape)

    @property
    def num_train(self) -> int:
        asked = self.config.dataset.num_train
        return self.num_stored if asked is None else asked

    @property
    def epochs(self) -> int:
        """How many the run trains, those that were added included."""
        return self.config.training.epochs + self.added_epochs

    @property
    def saved_as(self) -> str:
        """The file that the script writes beside itself."""
        return f"{self.file_name.removesuffix('.py')}.keras"


def fingerprint_of(dataset: Dataset, num_train: int | None) -> int:
    """A CRC-32 of what a run on `num_train` pictures reads, before labels are changed and pictures resized.

    Of all labels, first those of training, then of validation, each as four bytes in the order in which they are used;
    then of the first COMPARED_PICTURES pictures of either. The script calculates the same.
    """
    y_train, y_test = np.asarray(dataset.y_train), np.asarray(dataset.y_test)
    train = nested_order(y_train)[:num_train]
    validation, _ = validation_and_test(y_test, dataset.num_validation)
    found = zlib.crc32(np.concatenate([y_train[train], y_test[validation]]).astype("<i4").tobytes())
    for pictures, rows in ((dataset.x_train, train), (dataset.x_test, validation)):
        found = zlib.crc32(np.asarray(pictures[rows[:COMPARED_PICTURES]]).tobytes(), found)
    return found
