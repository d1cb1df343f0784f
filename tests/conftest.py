"""Fixtures for every test: a workspace of its own, waiting for a condition, a running server."""

import os
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

# Read by TensorFlow and Keras when they are imported. Tests run on the CPU, also where there is a GPU.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A workspace is empty unless a test asks for the example.
os.environ["CONVDECK_EXAMPLE"] = "off"
# Nor does a worker wait for a run: hundreds of servers and schedulers would each load TensorFlow.
os.environ["CONVDECK_STANDBY"] = "off"
# Servers that are tested have no key but where a test gives them one.
os.environ.pop("CONVDECK_TOKEN", None)

import hypothesis
import pytest
from filelock import FileLock

from core.datasets import prepare
from core.workspace import Workspace
from tests.server import Server, end_processes, running_server

# Keras builds a first network far slower than the next ones, so a deadline per example fails by chance.
hypothesis.settings.register_profile("convdeck", deadline=None, print_blob=True)
hypothesis.settings.load_profile("convdeck")

if TYPE_CHECKING:
    from tests.uneven import Uneven

T = TypeVar("T")


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
def no_scheduler(workspace: Workspace) -> Iterator[None]:
    """The lock is held, as it is by a scheduler, so that no process is started."""
    with FileLock(workspace.scheduler_lock):
        yield


@pytest.fixture(autouse=True, scope="session")
def shapes_drawn_once() -> Iterator[None]:
    """Hundreds of workspaces want the same pictures, and two seconds each; the processes of a test draw their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "draw_shapes", cache(prepare.draw_shapes))
        yield


@pytest.fixture(scope="session")
def wait_for() -> WaitFor:
    """`wait_for(lambda: store.get_run(run.id).state.is_finished, timeout=60, message="the run to finish")`."""

    def wait(condition: Callable[[], T], timeout: float = 30.0, message: str = "the condition") -> T:
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"Waited {timeout:g} seconds for {message}; last value: {value!r}.")
            time.sleep(0.05)

    return wait


@pytest.fixture
def server(workspace: Workspace) -> Iterator[Server]:
    """The dashboard on a free port, with the test's own workspace."""
    with running_server(workspace.root) as running:
        yield running


@pytest.fixture(scope="session")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Uneven"]:
    """Four real runs on uneven classes, in one study, for all tests that only look at them."""
    from tests.uneven import train_on_leaves

    root = (tmp_path_factory.mktemp("uneven") / "workspace").resolve()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(root))
        yield train_on_leaves(Workspace(root).ensure())
    end_processes(root)


@pytest.fixture
def uneven_home(uneven: "Uneven", monkeypatch: pytest.MonkeyPatch) -> "Uneven":
    """Their workspace as the current one."""
    monkeypatch.setenv("CONVDECK_HOME", str(uneven.workspace.root))
    return uneven
