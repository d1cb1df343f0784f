"""The engine's light side against real helper processes that behave badly."""

import os
import queue
import signal
import sys
import threading
import time

import numpy as np
import pytest

from core.config import AugmentationConfig
from core.engine import client, portions
from core.engine.client import Engine
from core.errors import EngineError, UserError
from core.workspace import Workspace

ECHO = """
import sys
from core.system.frames import read_frame, write_frame
while True:
    try:
        document, arrays = read_frame(sys.stdin.buffer)
    except EOFError:
        break
    {body}
"""
GOOD = "write_frame(sys.stdout.buffer, {'captions': [document['seed']]}, arrays)"
PIXELS = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)


def engine_that(workspace: Workspace, body: str) -> Engine:
    return Engine(workspace, [sys.executable, "-c", ECHO.format(body=body)])


@pytest.fixture
def engines(workspace):
    made: list[Engine] = []

    def make(body: str) -> Engine:
        made.append(engine_that(workspace, body))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def test_pixels_and_captions_come_back(engines) -> None:
    engine = engines(GOOD)
    pixels, captions = engine.preview(AugmentationConfig(), PIXELS, seed=7)
    np.testing.assert_array_equal(pixels, PIXELS)
    assert captions == [7]
    assert engine.state.name == "ready"


def test_it_says_by_itself_that_it_is_ready(engines, wait_for) -> None:
    engine = engines(GOOD)
    engine._command[-1] = engine._command[-1].replace(
        "while True:", "write_frame(sys.stdout.buffer, {'ready': True}, {})\nwhile True:"
    )
    engine.start()
    assert engine.state.name in ("starting", "ready")
    wait_for(lambda: engine.state.name == "ready", message="the engine to be ready")
    assert engine.preview(AugmentationConfig(), PIXELS, seed=7)[1] == [7]


def test_a_killed_engine_is_a_sentence_and_the_next_request_works(engines, wait_for) -> None:
    engine = engines(GOOD)
    engine.preview(AugmentationConfig(), PIXELS, seed=1)
    pid = engine.state.pid
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: engine.state.name == "stopped", message="the death is seen")
    assert engine.preview(AugmentationConfig(), PIXELS, seed=2)[1] == [2]
    assert engine.state.pid != pid


def test_an_engine_that_dies_in_mid_request_is_a_sentence(engines) -> None:
    engine = engines("sys.exit(3)")
    with pytest.raises(EngineError, match="ended unexpectedly"):
        engine.preview(AugmentationConfig(), PIXELS, seed=1)
    assert engine.state.name == "stopped"


def test_an_engine_that_gives_no_answer_is_ended(engines, monkeypatch) -> None:
    monkeypatch.setattr(client, "START_DEADLINE_SECONDS", 0.5)
    engine = engines("import time; time.sleep(600)")
    with pytest.raises(EngineError, match="did not answer within"):
        engine.preview(AugmentationConfig(), PIXELS, seed=1)
    assert engine.state.name == "stopped"


DEAF = [sys.executable, "-c", "import time; time.sleep(600)"]
MEGABYTE = np.zeros((1, 500, 1000, 2), np.uint8)  # a pipe takes 64 KiB before somebody has to read


def test_an_engine_that_does_not_even_read_is_ended(workspace, monkeypatch) -> None:
    monkeypatch.setattr(client, "START_DEADLINE_SECONDS", 0.5)
    engine = Engine(workspace, DEAF)
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(EngineError, match="did not answer within"):
            engine.preview(AugmentationConfig(), MEGABYTE, seed=1)
        assert engine.state.name == "stopped"
    assert time.monotonic() - began < 20


def test_closing_waits_for_no_answer(workspace, wait_for) -> None:
    engine = Engine(workspace, DEAF)
    errors: list[Exception] = []

    def ask() -> None:
        try:
            engine.preview(AugmentationConfig(), MEGABYTE, seed=1)
        except EngineError as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: engine.state.pid, message="the engine to run")
    began = time.monotonic()
    engine.close()
    assert time.monotonic() - began < 10
    asking.join(60)
    assert not asking.is_alive()
    assert "ended unexpectedly" in str(errors[0])
    assert engine.state.name == "stopped"


def test_closing_an_engine_that_is_being_started_is_no_crash(workspace, monkeypatch) -> None:
    monkeypatch.setattr(client, "START_DEADLINE_SECONDS", 0.5)
    engine = Engine(workspace, DEAF)

    class ClosedMeanwhile(queue.Queue):
        def __init__(self) -> None:
            super().__init__()
            engine.close()

    monkeypatch.setattr(client.queue, "Queue", ClosedMeanwhile)
    with pytest.raises(EngineError, match="did not answer within"):
        engine.preview(AugmentationConfig(), MEGABYTE, seed=1)
    assert engine.state.name == "stopped"


# The size of each picture and how many came with it, as "notes".
COUNT = """
notes = [[len(arrays[key]), len(arrays)] for key in sorted(arrays, key=int)]
    rows = [{'image': name, 'error': None, 'top': [], 'notes': each} for name, each in zip(document['names'], notes)]
    write_frame(sys.stdout.buffer, {'rows': rows}, {})
"""


def test_many_pictures_are_asked_for_in_portions_and_taken_when_it_is_their_turn(engines) -> None:
    engine, taken = engines(COUNT.strip()), []

    def pictures():
        for index in range(150):
            taken.append(engine.state.name)
            yield f"{index}.png", bytes(index + 1)

    answers = engine.predict("run", pictures())
    assert [(answer.image, answer.notes[0]) for answer in answers] == [
        (f"{i}.png", i + 1) for i in range(150)
    ]
    assert [answer.notes[1] for answer in answers] == [64] * 64 + [64] * 64 + [22] * 22
    assert taken[:65] == ["stopped"] * 64 + ["ready"]  # the 65th after the answer to the first 64
    assert engine.predict("run", []) == []


def test_large_pictures_make_smaller_portions(engines, monkeypatch) -> None:
    monkeypatch.setattr(portions, "PICTURE_BYTES_PER_REQUEST", 1000)
    answers = engines(COUNT.strip()).decode([("x.png", bytes(400))] * 7, (8, 8, 3))
    assert [answer.notes[1] for answer in answers] == [3, 3, 3, 3, 3, 3, 1]


def test_engines_of_one_workspace_keep_each_other_s_log(workspace, wait_for) -> None:
    path = workspace.root / "engine.log"
    path.write_text("Words of the server's engine.\n")
    talks = [sys.executable, "-c", "import sys; print('Words of another.', file=sys.stderr)"]
    with pytest.raises(EngineError):
        Engine(workspace, talks).preview(AugmentationConfig(), PIXELS, seed=1)
    assert path.read_text() == "Words of the server's engine.\nWords of another.\n"


@pytest.mark.parametrize(("key", "kind"), [("user_error", UserError), ("error", EngineError)])
def test_errors_arrive_as_what_they_are(engines, key: str, kind: type[Exception]) -> None:
    engine = engines(f"write_frame(sys.stdout.buffer, {{'{key}': 'In words.'}}, {{}})")
    with pytest.raises(kind, match=r"In words\."):
        engine.preview(AugmentationConfig(), PIXELS, seed=1)


def test_an_engine_that_cannot_start_is_a_sentence(workspace) -> None:
    with pytest.raises(EngineError, match="could not be started"):
        Engine(workspace, ["/no/such/program"]).preview(AugmentationConfig(), PIXELS, seed=1)


def test_the_process_ends_when_its_server_is_gone(engines, wait_for) -> None:
    engine = engines(GOOD)
    engine.preview(AugmentationConfig(), PIXELS, seed=1)
    process = engine._process
    assert process.poll() is None
    process.stdin.close()
    wait_for(lambda: process.poll() is not None, message="the engine ends with its input")
    assert process.returncode == 0
