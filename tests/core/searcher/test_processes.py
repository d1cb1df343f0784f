"""Scheduler and searcher as real processes with workers without Keras, also where they are killed again and again.

`python -m tests.benchmarks.sweep_kills` kills each 20 times, with real trainings.
"""

import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.scheduling import service, single
from core.scheduling.service import ensure_scheduler
from core.store.states import SweepState
from core.store.store import Store
from core.workspace import PROJECT_ROOT, Workspace
from tests.conftest import WaitFor
from tests.core.conftest import run_json
from tests.core.searcher.accounting import account, kill_process
from tests.core.searcher.trainer import create, spec

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does")

SERVE = (sys.executable, str(Path(__file__).with_name("serve.py")))
KILLS = 4
TRIALS = 8


@pytest.fixture(autouse=True)
def quick_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_ROOT))
    monkeypatch.setenv("CONVDECK_CPU_SLOTS", "2")
    monkeypatch.setenv("CONVDECK_TEST_WORKER", "quick")
    monkeypatch.setenv("CONVDECK_TEST_STAYS", "yes")


def test_scheduler_and_searcher_are_killed_again_and_again(
    workspace: Workspace, store: Store, wait_for: WaitFor
) -> None:
    """A worker of three epochs takes 0.3 s; a new scheduler finds the workers of the one before it."""
    sweep = create(store, spec(method="tpe", trials=TRIALS, seeds=2, seed=1, reuse=False))
    command = (*SERVE, "scheduler")
    ensure_scheduler(workspace, command)
    chance, kills = random.Random(1), {"scheduler": 0, "searcher": 0}
    deadline = time.monotonic() + 420
    while min(kills.values()) < KILLS and time.monotonic() < deadline:
        for victim in kills:
            if chance.random() < 0.8 and kill_process(workspace, SERVE[1], victim):
                kills[victim] += 1
        # As the server does. The one that is left starts the other too, within a second.
        ensure_scheduler(workspace, command)
        time.sleep(chance.uniform(0.1, 1.5))
        now = store.sweeps.get(sweep.id)
        if now.num_trials > now.planned - 4 and min(kills.values()) < KILLS:
            store.sweeps.set_planned(sweep.id, now.planned + 4)  # not to end before all of the kills
    assert min(kills.values()) >= KILLS, kills

    def ended() -> bool:
        ensure_scheduler(workspace, command)
        return store.sweeps.get(sweep.id).state is not SweepState.RUNNING

    wait_for(ended, timeout=420, message="the sweep to end")
    found = store.sweeps.get(sweep.id)
    assert found.state is SweepState.FINISHED, found.error
    assert found.planned >= TRIALS
    print(kills, account(store, sweep.id, found.planned, (0, 1)))


def test_a_study_by_the_command_line_gets_a_seed_more(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seeds at first, one more, and the number allowed is used: of workers that all reach 50 %, none is better."""
    for module, name, which in ((service, "SCHEDULER", "scheduler"), (single, "SEARCHER", "searcher")):
        monkeypatch.setattr(module, name, replace(getattr(module, name), command=(*SERVE, which)))
    code, shown = run_json(
        "study", "seeds", "--preset", "tiny", "--dataset", "shapes", "--set", "dataset.num_train=60",
        "--against-set", "optimizer.learning_rate=0.002", "--until-decided", "--seeds", "2", "--max-seeds", "3",
        "--wait",
    )  # fmt: skip
    assert code == 0, shown
    assert (shown["num_planned"], shown["num_finished"], shown["adding_seeds"]) == (6, 6, False)
    assert [run["seed"] for run in shown["runs"]] == [0, 0, 1, 1, 2, 2]
    decision = shown["result"]["decision"]
    assert (decision["num_seeds"], decision["decided"], len(decision["looks"])) == (3, False, 3)
    assert shown["notes"][0].startswith("Not decided within 3 seeds")


def test_two_searchers_are_one(workspace: Workspace, store: Store, wait_for: WaitFor) -> None:
    """The second finds the lock taken and leaves; the first leaves when nothing is searched any more."""
    sweep = create(store, spec(trials=60))
    command = (*SERVE, "searcher")
    first = subprocess.Popen(command)
    try:
        wait_for(lambda: store.sweeps.get(sweep.id).num_trials > 0, message="the first trial")
        assert subprocess.run(command, timeout=60, check=False).returncode == 0
        assert first.poll() is None
        store.sweeps.change_state(sweep.id, SweepState.STOPPED, expected=SweepState.RUNNING)
        assert first.wait(60) == 0
    finally:
        first.kill()
        first.wait()
