"""Two small runs that a real worker trained, for numbers that come out of weights and pictures."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from core.datasets.saving import save_dataset
from core.server.services import get_services
from core.workspace import Workspace
from tests.core.conftest import run_json
from tests.made_once import made_once
from tests.pages.background import answers_at_once

DATASET = "stripes"
CLASSES = ("level", "rising", "upright", "falling")
NUM_TRAIN, NUM_VALIDATION, NUM_TEST = 600, 90, 60
EPOCHS = 6


@lru_cache
def _load(path: Path) -> Any:
    """Once, because a network's first answer takes a second and all others none."""
    return keras.models.load_model(path, compile=False)


class Trained(NamedTuple):
    """A workspace with two finished runs on 600 pictures: `plain`, and `noisy`, turned and with wrong labels."""

    workspace: Workspace
    plain: str
    noisy: str

    def array(self, name: str) -> np.ndarray:
        """One of the data set's four arrays as it is stored."""
        return np.load(self.workspace.datasets / DATASET / f"{name}.npy")

    @property
    def validation(self) -> tuple[np.ndarray, np.ndarray]:
        """Pictures and labels; the data set says itself that they are the first of its test pictures."""
        return self.array("x_test")[:NUM_VALIDATION], self.array("y_test")[:NUM_VALIDATION]

    @property
    def test(self) -> tuple[np.ndarray, np.ndarray]:
        """What no run has been measured on."""
        return self.array("x_test")[NUM_VALIDATION:], self.array("y_test")[NUM_VALIDATION:]

    def model(self, run_id: str, which: str = "best") -> Any:
        """The newest saved network of a run, loaded by Keras itself."""
        return _load(self.path(run_id, which))

    def path(self, run_id: str, which: str = "best") -> Path:
        """Its file."""
        return max((self.workspace.runs / run_id).rglob(f"{which}-*.keras"))


def draw_stripes(num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Stripes in four directions under so much noise that a small network learns most of them, and not all.

    Turned pictures look like those of another class, so what a network stands differs from angle to angle.
    """
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, len(CLASSES), num)
    down, right = np.mgrid[:32, :32]
    angle = labels * np.pi / 4 + generator.normal(0, 0.2, num)
    across = np.cos(angle)[:, None, None] * down + np.sin(angle)[:, None, None] * right
    wave = np.sin(across * generator.uniform(0.7, 1.1, (num, 1, 1)) + generator.uniform(0, 6.3, (num, 1, 1)))
    color = generator.uniform(10, 50, (num, 1, 1, 3))
    pictures = 128 + color * wave[..., None] + generator.normal(0, 55, (num, 32, 32, 3))
    return pictures.clip(0, 255).astype(np.uint8), labels.astype(np.int64)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Trained once for all tests of this folder, one run after the other."""
    with made_once(tmp_path_factory, "numbers", _train) as (workspace, ids):
        yield Trained(workspace, *ids)


def _train(workspace: Workspace) -> list[str]:
    x_train, y_train = draw_stripes(NUM_TRAIN, 11)
    x_test, y_test = draw_stripes(NUM_VALIDATION + NUM_TEST, 12)
    save_dataset(
        workspace, DATASET, "Stripes", "", CLASSES,
        {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}, NUM_VALIDATION,
    )  # fmt: skip
    ids = []
    for name, changes in (
        ("plain", ()),
        ("noisy", ("--set", "dataset.label_noise=0.3", "--set", "augmentation.rotation_degrees=20")),
    ):
        code, answer = run_json(
            "train", "--preset", "tiny", "--dataset", DATASET, "--set", f"training.epochs={EPOCHS}",
            "--set", "training.batch_size=16", "--set", "model.batch_norm_momentum=0.9",
            "--set", "optimizer.learning_rate=0.01", "--name", name, *changes, "--wait",
        )  # fmt: skip
        assert code == 0, answer
        ids.append(answer["id"])
    return ids


@pytest.fixture
def home(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """The trained workspace as the current one."""
    monkeypatch.setenv("CONVDECK_HOME", str(trained.workspace.root))
    return trained


@pytest.fixture
def engine(home: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warm, with both networks loaded, and asked where a page asks: AppTest has no timer to look again."""
    answers_at_once(monkeypatch)
    for run_id in (home.plain, home.noisy):
        get_services().engine.answer(run_id, home.array("x_train")[:1])
