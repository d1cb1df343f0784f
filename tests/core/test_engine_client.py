"""The engine's light side against real helper processes that behave badly."""

import os
import signal
import sys

import numpy as np
import pytest

from core import engine_client
from core.config import AugmentationConfig
from core.engine_client import Engine
from core.errors import EngineError, UserError
from core.workspace import Workspace

ECHO = """
import sys
from core.frames import read_frame, write_frame
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
    monkeypatch.setattr(engine_client, "START_DEADLINE_SECONDS", 0.5)
    engine = engines("import time; time.sleep(600)")
    with pytest.raises(EngineError, match="no answer within"):
        engine.preview(AugmentationConfig(), PIXELS, seed=1)
    assert engine.state.name == "stopped"


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
    process.stdin.close()
    wait_for(lambda: process.poll() == 0, message="the engine ends with its input")
