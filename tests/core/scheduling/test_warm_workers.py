"""Workers that take run after run: what a run that fails, is killed or leaks costs. Real processes without Keras."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.config import ExperimentConfig
from core.scheduling.launcher import Exit, LocalLauncher
from core.scheduling.standby import LINGER_SECONDS
from core.store.records import RunRequest
from core.workspace import PROJECT_ROOT
from tests.core.scheduling.fakes import CONFIG, cpu, gpu

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there each run has a process of its own")

CPU = cpu()
HERE = Path(__file__).parent
WORKER = (sys.executable, str(HERE / "fake_worker.py"))


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_ROOT))
    monkeypatch.setenv("CONVDECK_TEST_STAYS", "yes")
    monkeypatch.delenv("CONVDECK_STANDBY")


@pytest.fixture
def launcher(workspace):
    made = LocalLauncher(workspace, WORKER, (*WORKER, "--standby"))
    yield made
    made.close()


@pytest.fixture
def start(store, launcher):
    """Starts a run of that behaviour, a few epochs unless told otherwise; returns its id and its worker."""

    def start(name="quick", config: ExperimentConfig = CONFIG, devices=(CPU,)):
        run = store.claim(store.queue_run(RunRequest(config, name)).id, [f"cpu:{len(store.leases())}"])
        return run.id, launcher.launch(run, devices)

    return start


@pytest.fixture
def train(store, start, wait_for):
    """Trains a run; returns the pid that trained it and how its process, or its time in it, ended."""

    def train(*given, **named):
        _, worker = start(*given, **named)
        return worker.pid, wait_for(worker.poll, message="the run to end")

    return train


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_process_takes_run_after_run(workspace, store, train, launcher):
    ends = [train() for _ in range(3)]
    pids = {pid for pid, _ in ends}
    assert [end for _, end in ends] == [Exit(0)] * 3
    assert len(pids) == 1
    assert [run.state for run in store.list_runs()] == ["FINISHED"] * 3
    launcher.close()
    assert gone(*pids)


def test_a_run_that_fails_costs_only_itself(store, train):
    pid, _ = train()
    failed, end = train("crash")
    assert (failed, end.code) == (pid, 1)
    assert end.last_words == "ModuleNotFoundError: No module named 'keras'"
    assert gone(pid)
    another, end = train()
    assert another != pid
    assert end == Exit(0)


def test_a_run_that_is_killed_costs_only_itself(store, train, start, wait_for):
    pid, _ = train()
    run_id, worker = start("endless")
    assert worker.pid == pid
    wait_for(lambda: store.get_run(run_id).epoch)
    os.kill(pid, signal.SIGKILL)
    assert wait_for(worker.poll).killed
    another, end = train()
    assert another != pid
    assert end == Exit(0)


def test_a_run_that_leaks_costs_only_itself(train):
    pid, _ = train()
    leaking, end = train("leak")
    assert (leaking, end.code) == (pid, 0)  # it finished, and its process left
    another, end = train()
    assert another != pid
    assert end == Exit(0)
    assert train() == (another, Exit(0))


def test_one_that_dies_while_it_waits_is_not_missed(train, wait_for):
    pid, _ = train()
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: gone(pid), message="it to end at once")
    another, end = train()
    assert another != pid
    assert end == Exit(0)


def test_the_signals_of_a_run_never_reach_the_next(start, train, wait_for):
    _, first = start()
    wait_for(first.poll)
    _, second = start()
    assert second.pid == first.pid
    first.signal("kill")
    assert not first.is_suspended()
    assert wait_for(second.poll) == Exit(0)


def test_only_a_run_with_the_same_settings_and_environment_takes_it(train, monkeypatch):
    loose = CONFIG.with_values({"training.deterministic": False})
    pid, _ = train()
    other, _ = train(config=loose)
    assert other != pid
    assert train(config=loose)[0] == other
    assert train()[0] == pid  # it has waited for some seconds
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    third, _ = train()
    assert third not in (pid, other)
    assert gone(pid)
    assert gone(other)


@pytest.mark.parametrize("how", ["gpu", "off"])
def test_no_process_stays_on_a_gpu_or_where_it_is_off(train, monkeypatch, how):
    if how == "off":
        monkeypatch.setenv("CONVDECK_STANDBY", "off")
    devices = (gpu(0),) if how == "gpu" else (cpu(),)
    first, _ = train(devices=devices)
    assert gone(first)
    assert train(devices=devices)[0] != first


def test_it_waits_some_seconds_without_a_request_and_no_other_is_loaded_with_one(train, start, launcher):
    pid, _ = train()
    launcher.keep_ready(())
    assert not gone(pid)
    launcher.keep_ready([cpu()])
    assert launcher._standby.pid == pid
    _, worker = start()
    launcher.keep_ready([cpu()])  # the only device is in use by a process that comes back
    assert launcher._standby.pid is None
    launcher.keep_ready([cpu(0), cpu(1)])
    assert launcher._standby.pid not in (None, pid)
    worker.signal("kill")
    launcher.close()
    train()
    launcher._standby._clock = lambda: time.monotonic() + LINGER_SECONDS
    waits = launcher._standby.pid
    launcher.keep_ready(())
    assert gone(waits)


def test_of_two_that_come_back_at_once_both_wait_for_some_seconds(start, launcher, wait_for):
    def pids_of_two():
        workers = [start()[1] for _ in range(2)]
        assert [wait_for(worker.poll) for worker in workers] == [Exit(0)] * 2
        return {worker.pid for worker in workers}

    first = pids_of_two()
    assert len(first) == 2
    launcher.keep_ready([cpu(0), cpu(1)])
    assert pids_of_two() == first
    launcher._standby._clock = lambda: time.monotonic() + LINGER_SECONDS
    launcher.keep_ready([cpu(0), cpu(1)])
    assert sum(gone(pid) for pid in first) == 1


# With a scheduler


@pytest.fixture
def serve(workspace):
    """Starts a scheduler whose workers stay."""
    started = []

    def start(stop_seconds=0.5):
        started.append(subprocess.Popen([sys.executable, str(HERE / "serve.py"), "60", str(stop_seconds)]))
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


def test_stop_pause_and_resume_work_on_the_second_run_of_a_process(store, serve, reach, wait_for):
    serve()
    first = store.queue_run(RunRequest(CONFIG, "quick")).id
    second = store.queue_run(RunRequest(CONFIG, "endless")).id
    reach(second, "RUNNING")
    pid = wait_for(lambda: store.get_run(second).pid)
    assert store.get_run(first).state == "FINISHED"
    store.interventions.request(second, "pause")
    epoch = reach(second, "PAUSED").epoch
    store.interventions.request(second, "resume")
    wait_for(lambda: store.get_run(second).epoch > epoch)
    store.request_stop(second)
    reach(second, "STOPPED")
    wait_for(lambda: store.get_run(second).pid is None)
    assert not gone(pid)
    store.resume_run(second)
    run = wait_for(lambda: (run := store.get_run(second)).attempt == 2 and run.pid and run)
    assert run.pid == pid
    wait_for(lambda: store.get_run(second).epoch > run.epoch)
    epochs = store.curves(second)["epoch"]
    assert epochs == list(range(1, len(epochs) + 1))


def test_a_second_run_that_does_not_stop_is_killed_and_costs_only_itself(
    store, serve, reach, wait_for, monkeypatch
):
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "deaf")
    serve(stop_seconds=0.2)
    store.queue_run(RunRequest(CONFIG, "quick"))
    deaf = store.queue_run(RunRequest(CONFIG, "deaf")).id
    last = store.queue_run(RunRequest(CONFIG, "quick")).id
    reach(deaf, "RUNNING")
    pid = wait_for(lambda: store.get_run(deaf).pid)
    store.request_stop(deaf)
    reach(deaf, "STOPPED")
    reach(last, "FINISHED")
    assert gone(pid)


@pytest.mark.parametrize("when", ["trains", "waits"])
def test_no_process_outlives_a_scheduler_that_was_killed(store, serve, reach, wait_for, when):
    scheduler = serve()
    store.queue_run(RunRequest(CONFIG, "quick"))
    second = store.queue_run(RunRequest(CONFIG, "endless")).id
    reach(second, "RUNNING")
    pid = wait_for(lambda: store.get_run(second).pid)
    if when == "waits":
        store.request_stop(second)
        wait_for(lambda: store.get_run(second).pid is None)
        assert not gone(pid)
    scheduler.kill()
    scheduler.wait()
    if when == "trains":
        epoch = store.get_run(second).epoch
        serve()
        wait_for(lambda: store.get_run(second).epoch > epoch)
        assert (store.get_run(second).pid, store.get_run(second).attempt) == (pid, 1)
        store.request_stop(second)
        reach(second, "STOPPED")
        wait_for(lambda: store.get_run(second).pid is None)
    wait_for(lambda: gone(pid), message="the worker to end")
