"""An upgrade may happen under processes of the version before: what these start, and what they leave, still works.

Names and files are written out here: they are what the other version says, whatever they are called in this one.
"""

import contextlib
import json
import os
import runpy
import subprocess
import sys

import pytest

from core.scheduling.launcher import LocalLauncher
from core.scheduling.service import is_served
from core.scheduling.standby_request import is_standby_requested
from core.store.records import RunRequest
from core.store.store import Store
from core.system.processes import process_started
from core.workspace import PROJECT_ROOT
from tests.core.scheduling.fakes import CONFIG

# What its schedulers, servers and commands start with `python -m`.
STARTED = {
    "core.worker": "core.worker.standby.main",
    "core.standby": "core.worker.standby.main",
    "core.engine": "core.engine.process.main",
    "core.runs.scheduler": "core.scheduling.service.main",
}


@pytest.mark.parametrize("name", STARTED)
def test_its_commands_still_start_what_they_started(name, monkeypatch):
    ran = []
    monkeypatch.setattr(STARTED[name], lambda: ran.append(name) or 3)
    monkeypatch.setattr("core.system.processes.leave", ran.append)
    with contextlib.suppress(SystemExit):
        runpy.run_module(name, run_name="__main__")
    assert ran == ([name] if name == "core.runs.scheduler" else [name, 3])


def test_its_server_gets_a_scheduler(workspace, wait_for):
    environment = {
        **os.environ,
        "CONVDECK_HOME": str(workspace.root),
        "CONVDECK_SCHEDULER_IDLE_SECONDS": "60",
    }
    command = [sys.executable, "-m", "core.runs.scheduler"]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment)
    try:
        wait_for(lambda: is_served(workspace), message="a scheduler that serves the workspace")
    finally:
        process.kill()
        process.wait()
    assert not is_served(workspace)


def test_its_wish_for_a_worker_that_waits_is_understood(workspace):
    started = process_started(os.getpid())
    (workspace.root / "standby.wish").write_text(json.dumps({"pid": os.getpid(), "started": started}))
    assert is_standby_requested(workspace)


def test_a_run_that_its_scheduler_handed_over_is_adopted(workspace):
    """The scheduler died before it told the store whose process it is."""
    with Store(workspace) as store:
        run = store.claim(store.queue_run(RunRequest(CONFIG)).id, ["cpu:0"])
    folder = workspace.root / "runs" / run.id
    folder.mkdir()
    note = {"attempt": 1, "pid": os.getpid(), "started": process_started(os.getpid())}
    (folder / "handed-over.json").write_text(json.dumps(note))
    (folder / "worker.log").write_text("\n=== Attempt 1 ===\nits last words\n")
    worker = LocalLauncher(workspace).adopt(run)
    assert worker is not None and worker.pid == os.getpid() and worker.poll() is None
