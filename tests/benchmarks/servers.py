"""Servers for benchmarks, with an environment of their own, and when the machine is quiet again."""

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from core.datasets.prepare import ensure_dataset
from core.workspace import Workspace
from tests.server import Server, running_server

QUIET_SECONDS = 0.5
QUIET_SHARE = 0.1  # of a core
LOADED_BYTES = 500_000_000


@contextlib.contextmanager
def shapes_server(folder: Path, **environment: str) -> Iterator[Server]:
    """The dashboard with an empty workspace in `folder` where Shapes is drawn, and these variables set."""
    workspace = Workspace(folder.resolve()).ensure()
    ensure_dataset(workspace, "shapes")
    settings = {"CONVDECK_EXAMPLE": "off", "TF_CPP_MIN_LOG_LEVEL": "2", **environment}
    with variables(**settings), running_server(workspace.root) as server:
        yield server


@contextlib.contextmanager
def variables(**settings: str) -> Iterator[None]:
    """Environment variables for what is started meanwhile; afterwards they are as they were before."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def wait_until(
    condition: Callable[[], object], what: str, timeout: float = 120.0, every: float = 0.05
) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout:g} seconds for {what}.")
        time.sleep(every)


def wait_until_quiet(root: Path) -> None:
    """Until the processes of a workspace use next to nothing of a core for half a second."""

    def is_quiet() -> bool:
        before = _cpu_seconds_of(root)
        time.sleep(QUIET_SECONDS)
        after = _cpu_seconds_of(root)
        return before.keys() == after.keys() and (
            sum(after.values()) - sum(before.values()) < QUIET_SHARE * QUIET_SECONDS
        )

    wait_until(is_quiet, "the processes to be quiet", every=0.0)


def wait_until_warm(root: Path) -> None:
    """Until engine and the worker that waits have loaded TensorFlow, each a core for some seconds, and all is quiet."""
    for module in ("core.engine", "core.worker.standby"):
        wait_until(functools.partial(has_loaded, root, module), f"{module} to have loaded TensorFlow")
    wait_until_quiet(root)


def has_loaded(root: Path, module: str) -> bool:
    """Whether `python -m MODULE` runs for a workspace and is as large as one that has loaded TensorFlow."""
    with contextlib.suppress(psutil.Error):
        return any(
            process.cmdline()[-1:] == [module] and process.memory_info().rss > LOADED_BYTES
            for process in _processes(root)
        )
    return False


def _cpu_seconds_of(root: Path) -> dict[int, float]:
    found = {}
    for process in _processes(root):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found


def _processes(root: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("CONVDECK_HOME") == str(root):
                found.append(process)
    return found


def cpu_seconds(process: psutil.Process) -> float:
    """What a process has used of all cores so far."""
    times = process.cpu_times()
    return float(times.user + times.system)
