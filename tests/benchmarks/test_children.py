"""Nothing that a benchmark started outlives it, whatever goes wrong on the way."""

import contextlib
import sys
from pathlib import Path

import psutil
import pytest

from core.workspace import Workspace
from tests.benchmarks import children as module
from tests.benchmarks.children import Rounds, children, rounds_of
from tests.benchmarks.live_run import live_run


def steady(rounds: Rounds) -> None:
    rounds.run(lambda: {"seconds": 2.0})


def one_round(rounds: Rounds) -> None:
    """Ends before it is asked a second time."""
    rounds.wait()
    rounds.tell(seconds=1.0)


CONTESTANTS = {"steady": steady, "one round": one_round}
MODULE = "tests.benchmarks.test_children"


def own() -> list[psutil.Process]:
    """Children that this module started. Those of other tests come and go as they like."""
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if any("tests.benchmarks" in part for part in process.cmdline()):
                found.append(process)
    return found


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert own() == []


def test_each_contestant_is_measured_in_each_round() -> None:
    assert rounds_of(MODULE, ["steady"], 3) == {"steady": [{"seconds": 2.0}] * 3}


def test_one_that_ended_is_told_of_and_the_others_end_too() -> None:
    with (
        pytest.raises((RuntimeError, BrokenPipeError)),
        children(MODULE, ["one round", "steady"]) as started,
    ):
        assert started["one round"].measure() == {"seconds": 1.0}
        started["one round"]._process.wait(30)
        started["one round"].measure()


def test_where_a_contestant_cannot_be_started_those_before_it_end(monkeypatch) -> None:
    real, made = module.Child, []

    def broken(*arguments: str) -> module.Child:
        if made:
            monkeypatch.setattr(sys, "executable", "/no/such/program")
        made.append(real(*arguments))
        return made[-1]

    monkeypatch.setattr(module, "Child", broken)
    with pytest.raises(FileNotFoundError), children(MODULE, ["steady", "steady again"]):
        pass
    assert len(made) == 1


def test_a_live_run_ends_with_whoever_watches_it(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), live_run(workspace.root, 60.0, epochs_before=1) as run:
        assert len(own()) == 1 and run.id
        raise ZeroDivisionError


def test_a_live_run_that_does_not_begin_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RuntimeError, match="did not begin"), live_run(tmp_path / "file", 1.0):
        pass
