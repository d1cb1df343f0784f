"""The light end of a dry run, against real processes that behave badly."""

import sys

import pytest

from core.design.presets import PRESETS
from core.errors import PreflightError, UserError
from core.preflight.child import OutOfMemory, TooSlow, ask
from core.system.devices import list_devices

CONFIG = PRESETS["tiny"].config
HUNGRY = "held = [b'x' * 50_000_000 for _ in range(40)]; input(); input()"


def ask_a_process(workspace, program: str, limit_mib: int = 10_000, silence_seconds: float = 60.0):
    told: list[str] = []
    devices = list_devices().devices[:1]
    command = [sys.executable, "-c", program]
    answer = ask(
        workspace, "time", CONFIG, devices, limit_mib, told.append, 1.0, command=command,
        silence_seconds=silence_seconds,
    )  # fmt: skip
    return answer, told


def test_it_is_asked_tells_and_answers(workspace) -> None:
    program = """
import json
request = json.loads(input())
print(json.dumps({"stage": request["task"]}))
print(json.dumps({"seed": request["config"]["seed"]}))
"""
    assert ask_a_process(workspace, program) == ({"seed": CONFIG.seed}, ["time"])


@pytest.mark.parametrize("number", ["SIGKILL", "SIGABRT"])
def test_one_that_is_killed_ran_out_of_memory(workspace, number: str) -> None:
    with pytest.raises(OutOfMemory):
        ask_a_process(workspace, f"import os, signal; os.kill(os.getpid(), signal.{number})")


def test_one_that_takes_too_much_is_ended_before_the_machine_swaps(workspace) -> None:
    with pytest.raises(OutOfMemory):
        ask_a_process(workspace, HUNGRY, limit_mib=200)


def test_one_that_says_so_ran_out_of_memory(workspace) -> None:
    with pytest.raises(OutOfMemory):
        ask_a_process(workspace, """print('{"out_of_memory": true}')""")


def test_one_that_says_nothing_is_ended(workspace) -> None:
    with pytest.raises(TooSlow):
        ask_a_process(workspace, "import time; time.sleep(600)", silence_seconds=0.3)


@pytest.mark.parametrize(
    ("program", "kind", "words"),
    [
        ("import sys; sys.exit(3)", PreflightError, r"exit code 3.*preflight\.log"),
        ("""print('{"error": "It broke."}')""", PreflightError, r"It broke\."),
        ("""print('{"user_error": "No data."}')""", UserError, r"No data\."),
    ],
)
def test_what_went_wrong_is_a_sentence(workspace, program: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        ask_a_process(workspace, program)


def test_one_that_cannot_be_started_is_a_sentence(workspace) -> None:
    devices = list_devices().devices[:1]
    with pytest.raises(PreflightError, match="could not be started"):
        ask(workspace, "time", CONFIG, devices, 1000, print, 1.0, command=["/no/such/program"])
