import threading

import pytest

from core.errors import IllegalTransition, RunError, RunNotFound
from core.runs import control
from core.store.records import RunRequest
from core.store.states import ACTIVE, RunState
from tests.core.scheduling.fakes import CONFIG

pytestmark = pytest.mark.usefixtures("no_scheduler")


def test_from_start_to_deletion(workspace, store):
    run = control.start_run(workspace, RunRequest(CONFIG, preset="tiny", token="once"))
    assert control.start_run(workspace, RunRequest(CONFIG, token="once")) == run
    assert control.rename_run(workspace, run.id, "Mine").name == "Mine"
    store.claim(run.id, ["cpu:0"])
    assert control.stop_run(workspace, run.id).stop_requested
    with pytest.raises(IllegalTransition):
        control.delete_run(workspace, run.id)
    store.transition(run.id, RunState.STOPPED, expected=ACTIVE)
    assert control.resume_run(workspace, run.id).attempt == 2
    assert control.stop_run(workspace, run.id).state is RunState.STOPPED
    folder = workspace.run_folder(run.id)
    folder.mkdir()
    (folder / "best.weights.h5").write_bytes(b"weights")
    control.delete_run(workspace, run.id)
    assert (folder / "best.weights.h5").read_bytes() == b"weights"  # it may come back
    assert store.list_runs() == []
    with pytest.raises(RunNotFound):
        control.delete_run(workspace, run.id)


def test_a_run_that_has_written_nothing_can_be_deleted(workspace, store):
    control.delete_run(workspace, control.start_run(workspace, RunRequest(CONFIG)).id)
    assert store.list_runs() == []


def test_a_refused_name_queues_nothing(workspace, store):
    with pytest.raises(RunError):
        control.start_run(workspace, RunRequest(CONFIG, name="x" * 121))
    assert store.list_runs() == []


@pytest.mark.parametrize("action", [control.stop_run, control.resume_run, control.delete_run])
def test_unknown_runs(workspace, action):
    with pytest.raises(RunNotFound):
        action(workspace, "../../etc")


def test_deletion_waits_for_a_process_that_is_ending(workspace, store):
    run = control.start_run(workspace, RunRequest(CONFIG))
    store.claim(run.id, ["cpu:0"])
    store.set_process(run.id, 1, 12345, 1.0)
    store.transition(run.id, RunState.STOPPED, expected=ACTIVE)
    with pytest.raises(IllegalTransition, match="still ending"):
        control.delete_run(workspace, run.id, wait_seconds=0.1)
    gone = threading.Timer(0.3, store.clear_process, [run.id])
    gone.start()
    control.delete_run(workspace, run.id, wait_seconds=30)
    gone.join()
    assert store.list_runs() == []
