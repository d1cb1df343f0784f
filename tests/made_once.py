"""Workspaces with real trainings: the first of the test processes side by side makes one, and each has a copy."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from core.store.store import Store
from core.workspace import Workspace
from tests.server import end_processes

Ids = Sequence[str]
PATIENCE_SECONDS = 120.0


@contextlib.contextmanager
def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Workspace], Ids]
) -> Iterator[tuple[Workspace, Ids]]:
    """A workspace that `make` has filled, which is the current one meanwhile, and the ids that it returned."""
    own = factory.getbasetemp()
    # That of a process of pytest-xdist lies in the one of the whole test run.
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    original, ids = shared / f"{name}-made", shared / f"{name}.json"
    with FileLock(shared / f"{name}.lock"):
        if not ids.exists():
            shutil.rmtree(original, ignore_errors=True)  # of one that failed
            ids.write_text(json.dumps(list(_fill(original.resolve(), make))))
    root = (factory.mktemp(name) / "workspace").resolve()
    shutil.copytree(original, root)
    yield Workspace(root), json.loads(ids.read_text())
    end_processes(root)


def _fill(root: Path, make: Callable[[Workspace], Ids]) -> Ids:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(root))
        patch.delenv("CONVDECK_STANDBY")  # one worker trains all runs: each would load TensorFlow else
        workspace = Workspace(root).ensure()
        try:
            ids = make(workspace)
            with Store(workspace) as store:
                deadline = time.monotonic() + PATIENCE_SECONDS
                while store.runs_with_process():  # until the scheduler knows that the last of them is gone
                    assert time.monotonic() < deadline, "a process of a run that was made does not end"
                    time.sleep(0.05)
        finally:
            end_processes(root)
    return ids
