"""`train --reuse` in real processes."""

import json
import subprocess
import sys

from core.store.states import RunState
from core.workspace import PROJECT_ROOT
from tests.core.conftest import run_command, run_json

TINY = (
    "train", "--preset", "tiny", "--dataset", "shapes", "--set", "dataset.num_train=40",
    "--set", "training.epochs=1", "--reuse",
)  # fmt: skip
WAIT_SECONDS = 240


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "core", *TINY, *arguments]
    return subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_that_ask_at_once_train_one_run(workspace):
    both = [start("--wait", "--json") for _ in range(2)]
    ended = [process.communicate(timeout=WAIT_SECONDS) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    first, second = (json.loads(out) for out, _ in ended)
    assert sorted([first.pop("shared"), second.pop("shared")]) == [False, True]
    assert first == second and first["state"] == "FINISHED" and first["epoch"] == 1
    assert [run["id"] for run in run_json("runs")[1]] == [first["id"]]

    code, again = run_json(*TINY)
    assert (code, again["id"], again["shared"], again["state"]) == (0, first["id"], True, "FINISHED")
    code, out, err = run_command(*TINY)
    assert (code, out) == (0, f"tiny 1: FINISHED, id {first['id']}.\n")
    assert err == "An identical run exists already, so no other one was started.\n"
    code, other = run_json(*TINY, "--set", "seed=1")
    assert (code, other["shared"], other["name"]) == (0, False, "tiny 2")
    run_command("stop", other["id"])


def test_the_exit_code_is_that_of_the_run_that_is_shared(store, no_scheduler):
    code, run = run_json(*TINY)
    assert (code, run["shared"]) == (0, False)
    store.claim(run["id"], ["cpu:0"])
    store.record_started(run["id"], 1, 1, 1, 0)
    waiting = start("--wait", "--json")
    assert "identical run exists" in waiting.stderr.readline()
    failed = {"error": "It did not work.", "next_step": "Try again."}
    store.transition(run["id"], RunState.FAILED, expected=RunState.RUNNING, **failed)
    answer = json.loads(waiting.communicate(timeout=WAIT_SECONDS)[0])
    assert (waiting.returncode, answer["shared"], answer["error"]) == (1, True, failed["error"])
    # A failed one is no longer shared.
    assert run_json(*TINY)[1]["shared"] is False


def test_without_the_option_each_start_is_a_run(workspace, no_scheduler):
    first, second = (run_json(*TINY[:-1])[1] for _ in range(2))
    assert first["id"] != second["id"] and first["shared"] is second["shared"] is False
