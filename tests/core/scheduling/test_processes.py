"""Schedulers and workers as real processes that are really killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from core.scheduling.launcher import LocalLauncher
from core.scheduling.service import ensure_scheduler
from core.scheduling.single import Single
from core.store.records import RunRequest
from core.store.states import RunState
from core.system.devices import list_devices
from core.workspace import PROJECT_ROOT
from tests.core.scheduling.fakes import CONFIG

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does")

HERE = Path(__file__).parent
SERVE = (sys.executable, str(HERE / "serve.py"))


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_ROOT))
    monkeypatch.setenv("CONVDECK_CPU_SLOTS", "2")


@pytest.fixture(params=["cold", "standby"])
def serve(workspace, request, monkeypatch, wait_for):
    """Starts a scheduler; with `standby` each run is handed to a process that waited for it."""
    started = []
    if request.param == "standby":
        monkeypatch.setenv("CONVDECK_TEST_STANDBY", "yes")

    def start(idle_seconds=60.0, stop_seconds=10.0):
        started.append(subprocess.Popen([*SERVE, str(idle_seconds), str(stop_seconds)]))
        if request.param == "standby":
            wait_for(lambda: waiting_workers(workspace), message="a worker that waits")
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def reach(store, wait_for):
    def wait(run_id, state):
        def reached():
            run = store.get_run(run_id)
            return run if run.state == state else None

        return wait_for(reached, message=f"run to be {state}")

    return wait


def waiting_workers(workspace):
    """Pids of the processes of this workspace that wait for a run, or have waited for the one that they have."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error, OSError):
            waits = (process.info["cmdline"] or [])[-1:] == ["--standby"]
            if waits and process.environ().get("CONVDECK_HOME") == str(workspace.root):
                found.append(process.pid)
    return found


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_killed_worker_is_noticed_and_its_run_resumed(store, serve, reach, wait_for):
    serve()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    reach(run_id, "RUNNING")
    pid = wait_for(lambda: store.get_run(run_id).pid)
    wait_for(lambda: store.get_run(run_id).epoch >= 2)
    os.kill(pid, signal.SIGKILL)
    run = reach(run_id, "INTERRUPTED")
    assert run.error == "The training process was killed (signal 9)."
    assert store.leases() == {}
    store.resume_run(run_id)
    reach(run_id, "RUNNING")
    wait_for(lambda: store.get_run(run_id).epoch >= run.epoch + 2)
    epochs = store.curves(run_id)["epoch"]
    assert epochs == list(range(1, len(epochs) + 1))


def test_a_paused_run_outlives_its_scheduler_and_ends_as_any_other(store, serve, reach, wait_for):
    scheduler = serve()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    reach(run_id, "RUNNING")
    pid = wait_for(lambda: store.get_run(run_id).pid)
    store.interventions.request(run_id, "pause")
    epoch = reach(run_id, "PAUSED").epoch
    scheduler.kill()
    scheduler.wait()
    serve()
    other = store.queue_run(RunRequest(CONFIG)).id  # whose start shows that the new scheduler is at work
    reach(other, "RUNNING")
    run = store.get_run(run_id)
    assert (run.state, run.epoch, run.pid, run.attempt) == ("PAUSED", epoch, pid, 1)
    store.interventions.request(run_id, "resume")
    reach(run_id, "RUNNING")
    wait_for(lambda: store.get_run(run_id).epoch > epoch)
    store.interventions.request(run_id, "pause")
    reach(run_id, "PAUSED")
    os.kill(pid, signal.SIGKILL)
    assert reach(run_id, "INTERRUPTED").error
    store.resume_run(run_id)
    reach(run_id, "RUNNING")
    store.interventions.request(run_id, "pause")
    reach(run_id, "PAUSED")
    store.request_stop(run_id)
    assert reach(run_id, "STOPPED").error is None


def test_what_a_worker_started_ends_with_it(store, workspace, serve, reach, wait_for, monkeypatch):
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "parent")
    serve()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    reach(run_id, "RUNNING")
    child = int((workspace.run_folder(run_id) / "child").read_text())
    os.kill(wait_for(lambda: store.get_run(run_id).pid), signal.SIGKILL)
    reach(run_id, "INTERRUPTED")
    assert wait_for(lambda: gone(child), message="the worker's own child to be gone")


def test_the_last_words_of_a_worker_that_never_began(store, serve, reach, monkeypatch):
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "crash")
    serve()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    assert reach(run_id, "FAILED").error == (
        "The training process ended before the training began with exit code 1: "
        "ModuleNotFoundError: No module named 'keras'"
    )


def test_a_stop_is_heeded(store, serve, reach):
    serve()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    reach(run_id, "RUNNING")
    store.request_stop(run_id)
    assert reach(run_id, "STOPPED").error is None


@pytest.mark.parametrize("how", ["deaf", "frozen"])
def test_a_worker_that_does_not_heed_is_ended_with_its_children(
    store, workspace, serve, reach, wait_for, monkeypatch, how
):
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "deaf")
    serve(stop_seconds=0.4)
    run_id = store.queue_run(RunRequest(CONFIG)).id
    reach(run_id, "RUNNING")
    pid = wait_for(lambda: store.get_run(run_id).pid)
    child = int((workspace.run_folder(run_id) / "child").read_text())
    if how == "frozen":
        os.kill(pid, signal.SIGSTOP)
    store.request_stop(run_id)
    run = reach(run_id, "STOPPED")
    assert run.error is None
    wait_for(lambda: gone(pid) and gone(child), message="both processes to be gone")


@pytest.mark.parametrize("doing", ["reading", "writing", "committing"])
def test_a_worker_that_is_stopped_with_the_database_keeps_nobody_from_writing(
    store, serve, wait_for, monkeypatch, doing
):
    monkeypatch.setenv("CONVDECK_TEST_WORKER", f"freezes {doing}")
    serve()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    wait_for(lambda: store.get_run(run_id).epoch >= 2)
    store.rename_run(run_id, "Renamed while its worker had the database")
    wait_for(lambda: store.get_run(run_id).epoch > 2, message="the run to go on")
    run = store.get_run(run_id)
    assert (run.name, run.state, run.attempt) == ("Renamed while its worker had the database", "RUNNING", 1)


def test_a_killed_scheduler_is_replaced_and_nothing_starts_twice(store, serve, reach, wait_for):
    first_scheduler = serve()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    reach(run_id, "RUNNING")
    pid = wait_for(lambda: store.get_run(run_id).pid)
    first_scheduler.kill()
    first_scheduler.wait()
    serve()
    other = store.queue_run(RunRequest(CONFIG)).id
    reach(other, "RUNNING")  # takeover
    run = store.get_run(run_id)
    assert (run.state, run.attempt, run.pid) == (RunState.RUNNING, 1, pid)
    os.kill(pid, signal.SIGKILL)  # the child of a dead parent: nobody is told how it ended
    assert reach(run_id, "INTERRUPTED").error == "The training process ended."
    assert store.get_run(other).state is RunState.RUNNING


def test_a_worker_is_found_by_its_arguments(store, workspace, wait_for):
    launcher = LocalLauncher(workspace, (sys.executable, str(HERE / "fake_worker.py")))
    run = store.claim(store.queue_run(RunRequest(CONFIG)).id, ["cpu:0"])
    worker = launcher.launch(run, list_devices().devices[:1])
    try:
        # Linux lets the parent go on a moment before the new program's arguments can be read.
        found = wait_for(lambda: LocalLauncher(workspace).adopt(run))
        assert (found.pid, found.started) == (worker.pid, worker.started)
    finally:
        worker.signal("kill")
        while worker.poll() is None:
            time.sleep(0.01)
    assert LocalLauncher(workspace).adopt(run) is None


@pytest.mark.parametrize("serve", ["cold"], indirect=True)
def test_only_one_scheduler_serves(store, serve, reach, wait_for):
    first, second = serve(idle_seconds=60), serve(idle_seconds=60)
    run_id = store.queue_run(RunRequest(CONFIG)).id
    reach(run_id, "RUNNING")
    wait_for(lambda: first.poll() is not None or second.poll() is not None, message="one of them to leave")
    assert sorted([first.poll() is None, second.poll() is None]) == [False, True]


def test_no_run_is_left_waiting_by_a_scheduler_that_leaves(store, workspace, reach, monkeypatch):
    """Queued at every moment around the scheduler's leaving, with the shortest idle time there can be."""
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "quick")
    command = (*SERVE, "1.0")
    for pause in (0.0, 0.9, 1.0, 1.1, 1.2, 1.3):
        run = store.queue_run(RunRequest(CONFIG))
        ensure_scheduler(workspace, command)
        assert reach(run.id, "FINISHED").attempt == 1
        time.sleep(pause)


def test_ensure_scheduler_starts_one_and_only_when_there_is_work(store, workspace, reach, wait_for):
    ensure_scheduler(workspace)
    assert not workspace.scheduler_log.exists()
    runs = [store.queue_run(RunRequest(CONFIG)).id for _ in range(3)]
    for _ in range(10):
        ensure_scheduler(workspace, (*SERVE, "60"))
    reach(runs[0], "RUNNING")
    reach(runs[1], "RUNNING")
    schedulers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] == [*SERVE, "60"]
        and process.environ().get("CONVDECK_HOME") == str(workspace.root)
    ]
    assert len(schedulers) == 1
    assert os.getpgid(schedulers[0].pid) == schedulers[0].pid


def test_an_older_scheduler_that_still_runs_does_not_keep_the_searcher_away(store, workspace, monkeypatch):
    """It holds its lock for as long as there are runs, and knows nothing of sweeps."""
    started = []
    monkeypatch.setattr(Single, "_start", lambda self, workspace, command: started.append(self.name))
    with FileLock(workspace.scheduler_lock):
        ensure_scheduler(workspace)
        assert not started
        study = store.studies.create("seeds", "A study", "{}", (), max_seeds=9)
        ensure_scheduler(workspace)
        assert started == ["searcher"]
        store.studies.end_adding(study.id)
        monkeypatch.setattr("core.scheduling.single.SPAWN_SECONDS", 0.0)
        ensure_scheduler(workspace)
        assert started == ["searcher"]
        store.sweeps.create("A sweep", "{}", 3)
        ensure_scheduler(workspace)
    assert started == ["searcher", "searcher"]


def test_the_scheduler_as_a_module_does_its_work_and_leaves_when_idle(store, monkeypatch):
    monkeypatch.setenv("CONVDECK_SCHEDULER_IDLE_SECONDS", "0.2")
    abandoned = store.claim(store.queue_run(RunRequest(CONFIG)).id, ["cpu:0"])
    subprocess.run(
        [sys.executable, "-m", "core.scheduling.service"], cwd=PROJECT_ROOT, timeout=120, check=True
    )
    assert store.get_run(abandoned.id).state is RunState.INTERRUPTED
