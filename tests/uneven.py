"""A small data set of uneven classes, drawn here, and the real runs and the study that tests look at together."""

from typing import NamedTuple

import numpy as np

from core.datasets.saving import save_dataset
from core.datasets.storage import ARRAYS, Dataset
from core.workspace import Workspace
from tests.core.conftest import run_json

CLASSES = ("healthy", "ill", "rare")
TRAINING = (240, 60, 20)  # of each class
TEST = (120, 30, 10)  # half of these are validation
NUM_TRAIN = 160  # half of the training pictures


class Uneven(NamedTuple):
    """A workspace with the data set `leaves` and, in one study, a finished run on half of it, and its rival."""

    workspace: Workspace
    run_id: str
    study_id: str


def draw_leaves(workspace: Workspace, name: str = "leaves", training: tuple[int, ...] = TRAINING) -> Dataset:
    """16×16 pictures, a shade of grey per class in noise, so that a network learns the larger classes first."""
    generator = np.random.default_rng(7)

    def part(counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(np.arange(len(counts)), counts)
        shades = 90 + 40 * labels + generator.normal(0, 20, len(labels))  # those of two classes overlap
        pictures = generator.normal(shades[:, None, None, None], 30, (len(labels), 16, 16, 1))
        return np.clip(pictures, 0, 255).astype(np.uint8), labels

    arrays = dict(zip(ARRAYS, (*part(training), *part(TEST)), strict=True))
    return save_dataset(workspace, name, name.capitalize(), "", CLASSES, arrays)


def train_on_leaves(workspace: Workspace) -> tuple[str, str]:
    """By the command line: two learning rates, two seeds each, 5 epochs. The ids of the first run and of the study."""
    draw_leaves(workspace)
    code, study = run_json(
        "study", "seeds", "--preset", "tiny", "--dataset", "leaves", "--set", f"dataset.num_train={NUM_TRAIN}",
        "--set", "training.epochs=5", "--set", "model.batch_norm_momentum=0.9", "--set", "training.batch_size=16",
        "--against-set", "optimizer.learning_rate=0.01", "--seeds", "2",
        "--name", "Two rates", "--wait",
    )  # fmt: skip
    assert code == 0, study
    return study["runs"][0]["id"], study["id"]
