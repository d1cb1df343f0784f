"""An identical run instead of another one: which one, and never two."""

import json
import subprocess
import sys
import threading

import pytest

from core.config import ExperimentConfig
from core.epoch import EpochRow
from core.errors import TokenTaken
from core.store.records import RunRequest
from core.store.states import RunState
from core.workspace import PROJECT_ROOT
from tests.core.conftest import known_data

CONFIG = ExperimentConfig.from_dict({"dataset": {"id": "shapes"}, "training": {"epochs": 3}})
REQUEST = RunRequest(CONFIG, data=known_data("mine"))

ASK = """
import json, sys
from core.config import ExperimentConfig
from core.store.records import RunRequest
from core.store.store import Store
from core.workspace import Workspace
request = RunRequest(ExperimentConfig.from_json(sys.argv[1]))
store = Store(Workspace.from_environment())
print("ready", flush=True)
sys.stdin.readline()
queued = store.queue_or_reuse(request, reuse=True)
print(json.dumps([queued.run.id, queued.is_shared]))
"""


def begin(store, run, epochs: int = 0) -> None:
    store.claim(run.id, [f"cpu:{run.id}"])
    store.record_started(run.id, run.attempt, 3, 10, 0)
    for epoch in range(1, epochs + 1):
        store.record_epoch(run.id, run.attempt, EpochRow(epoch, val_accuracy=0.5))


def end(store, run, state: RunState) -> None:
    begin(store, run)
    store.transition(run.id, state, expected=RunState.RUNNING)


def shared(store, request=REQUEST) -> str | None:
    """The id of the run that is taken; None where another one was queued, which is then deleted again."""
    run, is_shared = store.queue_or_reuse(request, reuse=True)
    if is_shared:
        return run.id
    store.trash.put(run.id)
    return None


def test_each_state_under_way_is_shared(store):
    assert shared(store) is None
    run = store.queue_run(REQUEST)
    assert shared(store) == run.id  # WAITING
    store.claim(run.id, ["cpu:0"])
    assert shared(store) == run.id  # STARTING
    store.record_started(run.id, 1, 3, 10, 0)
    assert shared(store) == run.id  # RUNNING
    store.transition(run.id, RunState.PAUSED, expected=RunState.RUNNING)
    assert shared(store) == run.id
    store.request_stop(run.id)  # it is about to end without having finished
    assert shared(store) is None


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.FAILED, RunState.INTERRUPTED])
def test_what_ended_before_it_finished_is_not(store, state):
    end(store, store.queue_run(REQUEST), state)
    assert shared(store) is None


def test_a_finished_one_comes_first_then_the_furthest(store):
    waiting, first, second = (store.queue_run(REQUEST) for _ in range(3))
    assert shared(store) == waiting.id
    begin(store, first, 1)
    assert shared(store) == first.id
    begin(store, second, 2)
    assert shared(store) == second.id
    end(store, waiting, RunState.FINISHED)
    assert shared(store) == waiting.id


def test_other_settings_or_other_data_are_another_run(store):
    run = store.queue_run(REQUEST)
    assert shared(store, RunRequest(CONFIG.with_values({"seed": 1}), data=known_data("mine"))) is None
    other = RunRequest(CONFIG, data=known_data("other"))
    assert shared(store, other) is None
    end(store, run, RunState.FINISHED)
    assert (shared(store), shared(store, other)) == (run.id, None)
    assert store.queue_run(REQUEST).id != run.id  # without reuse


def test_a_finished_run_of_unknown_data_is_not_known_to_be_identical(store):
    run = store.queue_run(RunRequest(CONFIG))
    # Its data is in use, so that it cannot have been replaced.
    assert shared(store) == shared(store, RunRequest(CONFIG)) == run.id
    end(store, run, RunState.FINISHED)
    assert (
        shared(store) is shared(store, RunRequest(CONFIG)) is None
    )  # nor where this data is not known either
    assert store.studies.reusable([REQUEST]) == {CONFIG.config_id: run.id}


def test_a_token_answers_with_its_own_run(store):
    other = store.queue_run(REQUEST)
    asked = RunRequest(CONFIG, "Mine", token="once", data=REQUEST.data)
    mine = store.queue_run(asked)
    end(store, other, RunState.FINISHED)
    assert store.queue_or_reuse(asked, reuse=True) == (store.get_run(mine.id), False)
    taken = store.queue_or_reuse(RunRequest(CONFIG, "A name", data=REQUEST.data), reuse=True)
    assert taken == (store.get_run(other.id), True) and taken.run.name == other.name


def test_a_token_answers_with_the_run_that_it_shared(store):
    run = store.queue_run(RunRequest(CONFIG, token="own", data=REQUEST.data))
    asked = RunRequest(CONFIG, token="once", data=REQUEST.data)
    for _ in range(2):
        assert store.queue_or_reuse(asked, reuse=True) == (run, True)
    end(store, run, RunState.STOPPED)  # no longer one to share
    assert store.queue_or_reuse(asked, reuse=True) == store.queue_or_reuse(asked, reuse=False)
    assert store.queue_or_reuse(asked, reuse=True) == (store.get_run(run.id), True)
    with pytest.raises(TokenTaken, match="been answered with"):
        store.queue_or_reuse(RunRequest(CONFIG.with_values({"seed": 1}), token="once"), reuse=True)
    store.trash.put(run.id)
    assert store.queue_or_reuse(asked, reuse=True).run.id != run.id


def test_threads_that_ask_at_once_get_one_run(store):
    answers, at_once = [], threading.Barrier(8)

    def ask() -> None:
        at_once.wait()
        answers.append(store.queue_or_reuse(REQUEST, reuse=True))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.is_shared for answer in answers) == [False] + 7 * [True]
    assert {answer.run.id for answer in answers} == {run.id for run in store.list_runs()}
    assert len(store.list_runs()) == 1


def test_processes_that_ask_at_once_get_one_run(store):
    askers = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, CONFIG.to_json()],
            cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for asker in askers:
        assert asker.stdout.readline() == "ready\n"
    for asker in askers:
        asker.stdin.write("\n")
        asker.stdin.flush()
    answers = [json.loads(asker.communicate()[0]) for asker in askers]
    assert sorted(is_shared for _, is_shared in answers) == [False, True, True, True]
    assert {run_id for run_id, _ in answers} == {run.id for run in store.list_runs()}
    assert len(store.list_runs()) == 1
