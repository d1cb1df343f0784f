"""One real finished run for all tests that only look at it, a store, and what stands in for the computer around it."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from core.cli import augmentation, explain, export, inspection, main, predict
from core.datasets.saving import save_dataset
from core.datasets.storage import ARRAYS, Dataset
from core.engine.client import Engine
from core.server.services import get_services
from core.store.records import RunData
from core.workspace import Workspace
from tests.core.scheduling.fakes import Clock, FakeLauncher
from tests.made_once import made_once


class Trained(NamedTuple):
    """A workspace with a finished run on Shapes."""

    workspace: Workspace
    run_id: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """`train --wait` by the command line: 300 pictures of Shapes, 3 epochs, the small preset."""

    def train(_: Workspace) -> list[str]:
        code, answer = run_json(
            "train", "--preset", "tiny", "--dataset", "shapes", "--set", "dataset.num_train=300",
            "--set", "training.epochs=3", "--name", "A finished run", "--wait",
        )  # fmt: skip
        assert code == 0, answer
        return [answer["id"]]

    with made_once(tmp_path_factory, "trained", train) as (workspace, ids):
        yield Trained(workspace, *ids)


@pytest.fixture(scope="session")
def engine(trained: Trained) -> Iterator[Engine]:
    """The real engine of the trained workspace, which is that of REST there too: it takes seconds to load Keras."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(trained.workspace.root))
        made = get_services().engine
    yield made
    made.close()


class Lent:
    """An engine that goes on when the command that has it is done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        """It is not the command's."""


@pytest.fixture(autouse=True)
def lent_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that ask about the trained workspace have its engine, where each would load Keras for itself.

    Commands in processes or workspaces of their own, and in fixtures of wider scope, start theirs.
    """
    if "trained" not in request.fixturenames:
        return
    root = request.getfixturevalue("trained").workspace.root

    def engine_of(workspace: Workspace) -> Engine | Lent:
        return Lent(request.getfixturevalue("engine")) if workspace.root == root else Engine(workspace)

    for module in (augmentation, explain, export, inspection, predict):
        monkeypatch.setattr(module, "Engine", engine_of)


@pytest.fixture
def home(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """The trained workspace as the current one."""
    monkeypatch.setenv("CONVDECK_HOME", str(trained.workspace.root))
    return trained


@pytest.fixture
def launcher() -> FakeLauncher:
    return FakeLauncher()


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


def own_data(
    workspace: Workspace,
    dataset_id: str = "pets",
    class_names: tuple[str, ...] = ("cat", "dog"),
    seed: int = 0,
    count: int = 24,
) -> Dataset:
    """A data set of a person's own, stored: `count` training and half as many test pictures of 16×16, the classes in
    colours of their own.
    """
    generator = np.random.default_rng(seed)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % len(class_names)
        noise = generator.normal(0, 20, (count, 16, 16, 3))
        return np.clip(noise + 60 + 120 * labels[:, None, None, None], 0, 255).astype(np.uint8), labels

    arrays = dict(zip(ARRAYS, (*part(count), *part(count // 2)), strict=True))
    return save_dataset(workspace, dataset_id, dataset_id, "", class_names, arrays)


def known_data(digest: str, class_names: tuple[str, ...] = ("cat", "dog")) -> RunData:
    """What a run is said to be started on, with as many pictures as `own_data` has."""
    return RunData(digest, class_names, 24, 6)


def run_command(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command, run in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(arguments))
        except SystemExit as error:  # argparse ends so on arguments that it cannot read
            code = int(error.code or 0)
    return code, out.getvalue(), err.getvalue()


def run_json(*arguments: str) -> tuple[int, Any]:
    """Exit code and the JSON document of a command called with --json."""
    code, out, err = run_command(*arguments, "--json")
    return code, json.loads(out) if out else err


def picture_file(folder: Path, name: str = "picture.png") -> Path:
    """A small red picture."""
    from PIL import Image

    path = folder / name
    Image.new("RGB", (50, 40), "red").save(path)
    return path
