"""The worker that waits: real processes that are really killed, without Keras."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.scheduling import standby
from core.scheduling.launcher import LocalLauncher
from core.scheduling.standby import Standby, code_version
from core.scheduling.standby_request import (
    cancel_standby_request,
    is_standby_requested,
    request_standby,
    touch_standby_request,
)
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.system.devices import list_devices
from core.workspace import PROJECT_ROOT, Workspace
from tests.core.scheduling.fakes import CONFIG, cpu, gpu

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does")

WORKER = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))
WAITING = (*WORKER, "--standby")


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_ROOT))
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "quick")


@pytest.fixture
def launcher(workspace):
    made = LocalLauncher(workspace, WORKER, WAITING)
    yield made
    made.keep_ready(())


def waiting_pid(launcher: LocalLauncher) -> int | None:
    return launcher._standby.pid


def claimed(store: Store) -> Run:
    """A run that is about to start, on a device that nobody else has."""
    return store.claim(store.queue_run(RunRequest(CONFIG)).id, [f"cpu:{len(store.leases())}"])


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# Who wants one


def test_it_is_wanted_for_ten_minutes_after_a_page_was_used(workspace, monkeypatch):
    monkeypatch.delenv("CONVDECK_STANDBY")
    assert not is_standby_requested(workspace)
    touch_standby_request(workspace)  # pages are used by visitors of a server that does not want one
    assert not is_standby_requested(workspace)
    request_standby(workspace)
    assert is_standby_requested(workspace)
    written = workspace.standby_request.stat().st_mtime
    for age, wanted in ((590, True), (610, False)):
        os.utime(workspace.standby_request, (written - age, written - age))
        assert is_standby_requested(workspace) is wanted
    touch_standby_request(workspace)
    assert is_standby_requested(workspace)
    cancel_standby_request(workspace)
    assert not is_standby_requested(workspace)


def test_nobody_wants_one_where_it_is_off(workspace, monkeypatch):
    monkeypatch.setenv("CONVDECK_STANDBY", "off")
    request_standby(workspace)
    assert not workspace.standby_request.exists()


@contextlib.contextmanager
def another_server() -> Iterator[subprocess.Popen[str]]:
    """One that wants a worker to wait, and ends in good order when it gets a line."""
    program = (
        "import os; os.environ.pop('CONVDECK_STANDBY', None)\n"
        "from core.scheduling.standby_request import cancel_standby_request, request_standby\n"
        "from core.workspace import Workspace\n"
        "workspace = Workspace.from_environment()\n"
        "request_standby(workspace); print('wanted', flush=True); input(); cancel_standby_request(workspace)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout.readline() == "wanted\n"
        try:
            yield server
        finally:
            server.kill()


def test_a_server_that_was_killed_wants_nothing_more(workspace):
    with another_server() as server:
        assert is_standby_requested(workspace)
        cancel_standby_request(workspace)  # this one ends
        assert is_standby_requested(workspace)
        server.kill()
    assert not is_standby_requested(workspace)


@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_of_two_servers_one_goes_on_wanting_when_the_other_has_ended(workspace, monkeypatch, how):
    monkeypatch.delenv("CONVDECK_STANDBY")
    request_standby(workspace)
    with another_server() as server:
        touch_standby_request(workspace)
        if how == "ends":
            server.communicate("\n", timeout=120)
        else:
            server.kill()
            server.wait(120)
    assert not is_standby_requested(workspace)
    touch_standby_request(workspace)
    assert is_standby_requested(workspace)
    cancel_standby_request(workspace)
    touch_standby_request(workspace)  # it has ended, too
    assert not is_standby_requested(workspace)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": "x", "started": 1}'])
def test_a_wish_that_cannot_be_read_is_none(workspace, text):
    workspace.standby_request.write_text(text)
    assert not is_standby_requested(workspace)


# Handing over


def test_the_process_that_waited_becomes_the_runs(workspace, store, launcher, wait_for):
    launcher.keep_ready([cpu()])
    pid = waiting_pid(launcher)
    launcher.keep_ready([cpu()])  # there is one
    assert waiting_pid(launcher) == pid
    assert os.getpgid(pid) == pid
    run = claimed(store)
    worker = launcher.launch(run, list_devices().devices[:1])
    assert (worker.pid, waiting_pid(launcher)) == (pid, None)
    assert wait_for(worker.poll).code == 0
    done = store.get_run(run.id)
    assert (done.state, done.epoch, done.pid) == ("FINISHED", 3, pid)
    launcher.keep_ready([cpu()])
    assert waiting_pid(launcher) not in (None, pid)


def test_its_output_goes_to_the_log_of_its_run_and_its_exit_code_to_its_parent(
    workspace, store, launcher, monkeypatch, wait_for
):
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "crash")
    launcher.keep_ready([cpu()])
    pid = waiting_pid(launcher)
    worker = launcher.launch(claimed(store), [cpu()])
    assert worker.pid == pid
    end = wait_for(worker.poll)
    assert (end.code, end.last_words) == (1, "ModuleNotFoundError: No module named 'keras'")
    assert workspace.standby_log.read_text() == ""


def test_the_device_is_the_runs(workspace, store, monkeypatch, wait_for):
    program = (
        "import os, sys; from core.worker.run import Ending; from core.worker.standby import stand_by\n"
        "work = lambda run: print(os.environ['CONVDECK_DEVICE'], *run) or Ending(0, False)\n"
        "sys.exit(stand_by(lambda: None, work, lambda: True))"
    )
    launcher = LocalLauncher(workspace, WORKER, (sys.executable, "-c", program))
    launcher.keep_ready([cpu(0), cpu(1)])
    pid = waiting_pid(launcher)
    run = claimed(store)
    worker = launcher.launch(run, [cpu(1)])
    assert worker.pid == pid
    assert wait_for(worker.poll).last_words == f"cpu:1 {run.id} --attempt 1"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has scores")
def test_the_run_is_no_sooner_out_of_memory_than_one_in_a_new_process(workspace, store, wait_for):
    """A service or a container may have given all its processes a score; it can be lowered to that, and no further."""
    program = (
        "import sys; from pathlib import Path; score = Path('/proc/self/oom_score_adj'); score.write_text('900')\n"
        "from core.worker.run import Ending; from core.worker.standby import stand_by\n"
        "shown = lambda: print(score.read_text(), flush=True)\n"
        "sys.exit(stand_by(shown, lambda arguments: shown() or Ending(0, False), lambda: True))"
    )
    launcher = LocalLauncher(workspace, WORKER, (sys.executable, "-c", program))
    launcher.keep_ready([cpu()])
    wait_for(lambda: workspace.standby_log.read_text().strip() == "1000", message="it to offer itself")
    worker = launcher.launch(claimed(store), [cpu()])
    assert wait_for(worker.poll).last_words == "900"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_one_that_died_while_it_waited_is_not_missed(workspace, store, wait_for, how):
    # What loads tells that it heeds signals: before that, commands in the background ignore Ctrl-C.
    program = (
        "from core.worker.standby import stand_by; stand_by(lambda: print('waits', flush=True), None, None)"
    )
    launcher = LocalLauncher(workspace, WORKER, (sys.executable, "-c", program))
    launcher.keep_ready([cpu()])
    pid = waiting_pid(launcher)
    wait_for(lambda: workspace.standby_log.read_text() == "waits\n", message="it to wait")
    os.kill(pid, how)
    wait_for(lambda: gone(pid), message="it to end at once")
    worker = launcher.launch(claimed(store), [cpu()])
    assert worker.pid != pid
    assert wait_for(worker.poll).code == 0


def test_one_that_does_not_take_what_it_is_told_is_not_missed(workspace, store, wait_for):
    """It closed its input and lives on."""
    program = "import os, time; os.close(0); print('deaf', flush=True); time.sleep(600)"
    launcher = LocalLauncher(workspace, WORKER, (sys.executable, "-c", program))
    launcher.keep_ready([cpu()])
    pid = waiting_pid(launcher)
    wait_for(lambda: workspace.standby_log.read_text() == "deaf\n")
    worker = launcher.launch(claimed(store), [cpu()])
    assert worker.pid != pid
    assert wait_for(worker.poll).code == 0
    assert gone(pid)


def test_one_that_cannot_load_is_not_begun_again_at_once(workspace, store, launcher, monkeypatch, wait_for):
    launcher = LocalLauncher(workspace, WORKER, (sys.executable, "-c", "raise SystemExit(3)"))
    launcher.keep_ready([cpu()])
    pid = waiting_pid(launcher)
    wait_for(lambda: gone(pid))
    for _ in range(3):
        launcher.keep_ready([cpu()])
        assert waiting_pid(launcher) is None
    assert wait_for(launcher.launch(claimed(store), [cpu()]).poll).code == 0
    monkeypatch.setattr(standby, "RETRY_SECONDS", 0.0)
    launcher = LocalLauncher(workspace, WORKER, ("/no/such/program",))
    for _ in range(2):
        launcher.keep_ready([cpu()])
    assert waiting_pid(launcher) is None


def test_another_environment_gets_another_process(store, launcher, monkeypatch, wait_for):
    launcher.keep_ready([cpu()])
    pid = waiting_pid(launcher)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    worker = launcher.launch(claimed(store), [cpu()])
    assert worker.pid != pid
    assert gone(pid)
    assert wait_for(worker.poll).code == 0


def test_changed_code_gets_another_process(store, launcher, monkeypatch, wait_for):
    launcher.keep_ready([cpu()])
    pid = waiting_pid(launcher)
    monkeypatch.setattr(standby, "code_version", lambda folder: "changed")
    worker = launcher.launch(claimed(store), [cpu()])
    assert worker.pid != pid
    assert gone(pid)
    assert wait_for(worker.poll).code == 0


def test_a_changed_file_is_another_version(tmp_path):
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "module.py"
    path.write_text("A = 1\n")
    first = code_version(tmp_path)
    assert code_version(tmp_path) == first
    path.write_text("A = 10\n")
    second = code_version(tmp_path)
    (tmp_path / "another.py").write_text("")
    assert len({first, second, code_version(tmp_path)}) == 3


def test_none_waits_for_a_gpu(launcher):
    launcher.keep_ready([gpu(0)])
    assert waiting_pid(launcher) is None
    launcher.keep_ready([cpu()])
    pid = waiting_pid(launcher)
    launcher.keep_ready([])
    assert waiting_pid(launcher) is None
    assert gone(pid)


# Without its scheduler


def test_a_run_that_was_handed_over_is_found_though_nobody_noted_its_process(
    workspace, store, launcher, monkeypatch, wait_for
):
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "train")
    launcher.keep_ready([cpu()])
    run = claimed(store)
    assert run.pid is None
    worker = launcher.launch(run, [cpu()])
    found = LocalLauncher(workspace).adopt(run)
    assert (found.pid, found.started) == (worker.pid, worker.started)
    worker.signal("kill")
    wait_for(worker.poll)
    assert LocalLauncher(workspace).adopt(run) is None


def test_it_ends_with_its_scheduler(workspace, wait_for):
    program = (
        "import sys, time; from core.scheduling.launcher import LocalLauncher\n"
        "from core.workspace import Workspace; from tests.core.scheduling.fakes import cpu\n"
        f"launcher = LocalLauncher(Workspace.from_environment(), standby_command={WAITING!r})\n"
        "launcher.keep_ready([cpu()]); print(launcher._standby.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    ) as scheduler:
        pid = int(scheduler.stdout.readline())
        assert not gone(pid)
        scheduler.kill()
    wait_for(lambda: gone(pid), message="the worker that waited to end")


def test_what_was_noted_for_another_attempt_says_nothing(workspace: Workspace, tmp_path):
    standby._record_handover(tmp_path, 2, 41, 1.5)
    assert standby.handed_over_to(tmp_path, 2) == (41, 1.5)
    assert standby.handed_over_to(tmp_path, 3) is None
    assert Standby(workspace).pid is None
