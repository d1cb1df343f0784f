"""What the `server` and `workspace` fixtures promise: nothing that they started is left running."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.workspace import Workspace
from tests.server import end_processes


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Two processes in sessions of their own, as workers are, each with another workspace."""
    started = {
        name: subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            env={**os.environ, "CONVDECK_HOME": str(tmp_path / name)},
            start_new_session=True,
        )
        for name in ("mine", "other")
    }
    yield started
    for process in started.values():
        process.kill()
        process.wait()


def test_processes_of_one_workspace_are_ended(
    tmp_path: Path, sleepers: dict[str, "subprocess.Popen[bytes]"]
) -> None:
    end_processes(tmp_path / "mine")
    assert sleepers["mine"].wait(5) == -signal.SIGKILL
    assert sleepers["other"].poll() is None


def test_workspace_is_the_one_of_the_environment(workspace: Workspace) -> None:
    assert Workspace.from_environment() == workspace
    assert workspace.datasets.is_dir()
    assert workspace.runs.is_dir()
