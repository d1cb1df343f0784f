"""Fixtures for every test: a workspace of its own, waiting for a condition."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

# Read by TensorFlow and Keras when they are imported. Tests run on the CPU, also where there is a GPU.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# As in every process that trains: what a test computes beside it is to be the same.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# A workspace is empty unless a test asks for the example.
os.environ["CONVDECK_EXAMPLE"] = "off"
# Nor does a worker wait for a run: hundreds of servers and schedulers would each load TensorFlow.
os.environ["CONVDECK_STANDBY"] = "off"
# Servers that are tested have no key and no class but where a test gives them one.
os.environ.pop("CONVDECK_TOKEN", None)
os.environ.pop("CONVDECK_CLASS", None)
os.environ.pop("CONVDECK_TENSORBOARD", None)
os.environ.pop("CONVDECK_MLFLOW", None)
os.environ.pop("CONVDECK_OPTUNA", None)
# Also where bytecode is not kept, as in many containers: hundreds of processes would each compile all that they import.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import hypothesis
import pytest
from filelock import FileLock

from core.datasets import prepare
from core.store.store import Store
from core.visitors.person import Person
from core.workspace import Workspace
from tests.made_once import made_once
from tests.server import end_processes

# Keras builds a first network far slower than the next ones, so a deadline per example fails by chance.
hypothesis.settings.register_profile(
    "convdeck",
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # counts seconds too
)
hypothesis.settings.load_profile("convdeck")

if TYPE_CHECKING:
    from tests.uneven import Uneven

T = TypeVar("T")


def pytest_configure() -> None:
    """Stores, models and checkpoints wait for the disk at each write: tests write into memory where that is large."""
    memory = Path("/dev/shm")
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ and memory.is_dir() and shutil.disk_usage(memory).free > 8e9:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(memory)


# What takes longest per file beside browsers: servers, trainings, and processes that are killed.
LONGEST = (
    "tests/core/worker/",
    "tests/core/searcher/test_processes.py",
    "tests/core/scheduling/",
    "tests/core/cli/",
    "tests/core/training/",
    "tests/core/export/",
    "tests/core/design/test_architecture.py",
    "tests/pages/numbers/",
    "tests/test_server",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers side by side begin with what takes longest, so that in the end none has minutes left for itself.

    A file with a browser follows one without, as two browsers slow each other. pytest-xdist would give out first what
    has most tests, which is what is quick: `--no-loadscope-reorder`.
    """
    if not hasattr(config, "workerinput"):
        return
    files = list(dict.fromkeys(item.nodeid.partition("::")[0] for item in items))
    browsers = [file for file in files if file.startswith("tests/browser/")]
    long = sorted(
        (file for file in files if file.startswith(LONGEST)),
        key=lambda file: next(place for place, start in enumerate(LONGEST) if file.startswith(start)),
    )
    in_turn = [file for pair in zip_longest(browsers, long) for file in pair if file is not None]
    places = {file: place for place, file in enumerate(dict.fromkeys([*in_turn, *files]))}
    items.sort(key=lambda item: places[item.nodeid.partition("::")[0]])


class WaitFor(Protocol):
    """Poll `condition` until it is true, and return what it returned; fail with `message` after `timeout` seconds."""

    def __call__(self, condition: Callable[[], T], timeout: float = ..., message: str = ...) -> T: ...


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """An empty workspace that is also the one of CONVDECK_HOME; processes started for it end with the test."""
    root = (tmp_path / "workspace").resolve()
    monkeypatch.setenv("CONVDECK_HOME", str(root))
    yield Workspace(root).ensure()
    end_processes(root)


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    """Of the empty workspace."""
    with Store(workspace) as store:
        yield store


@pytest.fixture
def anna(store: Store) -> Person:
    """A visitor of the class."""
    return Person("visitor", store.visitors.join("Anna").id)


@pytest.fixture
def ben(store: Store) -> Person:
    """Another one."""
    return Person("visitor", store.visitors.join("Ben").id)


@pytest.fixture
def no_scheduler(workspace: Workspace) -> Iterator[None]:
    """The locks are held, as they are by scheduler, searcher and alerter, so that no process is started."""
    locks = (workspace.scheduler_lock, workspace.searcher_lock, workspace.alerter_lock)
    with FileLock(locks[0]), FileLock(locks[1]), FileLock(locks[2]):
        yield


@pytest.fixture(autouse=True, scope="session")
def shapes_drawn_once() -> Iterator[None]:
    """Hundreds of workspaces want the same pictures, and two seconds each; the processes of a test draw their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "draw_shapes", cache(prepare.draw_shapes))
        yield


@pytest.fixture(scope="session")
def wait_for() -> WaitFor:
    """`wait_for(lambda: store.get_run(run.id).state.is_finished, message="the run to finish")`.

    It waits far longer than anything takes on a machine that has nothing else to do: how long is not what is tested.
    """

    def wait(condition: Callable[[], T], timeout: float = 120.0, message: str = "the condition") -> T:
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"Waited {timeout:g} seconds for {message}; last value: {value!r}.")
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Uneven"]:
    """Four real runs on uneven classes, in one study, for all tests that only look at them."""
    from tests.uneven import Uneven, train_on_leaves

    with made_once(tmp_path_factory, "uneven", train_on_leaves) as (workspace, ids):
        yield Uneven(workspace, *ids)


@pytest.fixture
def uneven_home(uneven: "Uneven", monkeypatch: pytest.MonkeyPatch) -> "Uneven":
    """Their workspace as the current one."""
    monkeypatch.setenv("CONVDECK_HOME", str(uneven.workspace.root))
    return uneven
