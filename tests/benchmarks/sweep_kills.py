"""A sweep of real trainings whose scheduler and searcher are killed 20 times each, and whose server 5 times.

python -m tests.benchmarks.sweep_kills      takes some minutes
"""

import argparse
import itertools
import os
import random
import signal
import statistics
import tempfile
import time
from pathlib import Path

from core.errors import RunError
from core.store.states import SweepState
from core.store.store import Store
from core.sweeps.spec import SweepSource, parse_spec
from core.sweeps.start import start_sweep
from core.workspace import Workspace
from tests.benchmarks.servers import shapes_server, wait_until
from tests.core.searcher.accounting import account, kill_process
from tests.core.searcher.trainer import SPACE, TINY
from tests.server import end_processes

KILLS = {"scheduler": 20, "searcher": 20, "server": 5}
COMMANDS = {"scheduler": "core.scheduling.service", "searcher": "core.searcher"}
PATIENCE_SECONDS = 3600.0


def main() -> None:
    """Print what was killed and what there is in the end."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sweep_kills", description=__doc__)
    parser.add_argument(
        "--trials", type=int, default=16, help="trials that are planned at least (default: 16)"
    )
    parser.add_argument(
        "--no-kills", action="store_true", help="nothing is killed; one seed, one trial at a time"
    )
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder, "workspace").resolve()).ensure()
        os.environ["CONVDECK_HOME"] = str(workspace.root)
        (_search_alone if parsed.no_kills else _search_and_kill)(workspace, parsed.trials)


def _search_alone(workspace: Workspace, trials: int) -> None:
    base = TINY.with_values({"training.epochs": 2})
    asked = {"space": SPACE, "method": "tpe", "trials": trials, "seed": 1, "concurrency": 1}
    with Store(workspace) as store:
        try:
            sweep = start_sweep(workspace, parse_spec(asked, SweepSource("tiny", base, "tiny")))
            wait_until(
                lambda: store.sweeps.get(sweep.id).state is not SweepState.RUNNING, "the sweep", 1800.0
            )
            runs = [trial.runs[0].run for trial in store.sweeps.trials(sweep.id)]
            print(account(store, sweep.id, trials, (0,)))
        finally:
            end_processes(workspace.root)
    waits = [after.created_at - (before.ended_at or 0.0) for before, after in itertools.pairwise(runs)]
    print(
        f"from a trial's end to the next run in the queue: {statistics.median(waits):.3f} s, at most {max(waits):.3f} s"
    )


def _search_and_kill(workspace: Workspace, trials: int) -> None:
    base = TINY.with_values({"training.epochs": 2})
    asked = {"space": SPACE, "method": "tpe", "trials": trials, "seeds": 2, "seed": 1}
    chance, kills, began = random.Random(1), dict.fromkeys(KILLS, 0), time.monotonic()
    with shapes_server(workspace.root) as server, Store(workspace) as store:
        sweep = start_sweep(workspace, parse_spec(asked, SweepSource("tiny", base, "tiny")))
        while any(kills[name] < wanted for name, wanted in KILLS.items()):
            time.sleep(chance.uniform(0.5, 4.0))
            open_kills = [name for name, wanted in KILLS.items() for _ in range(wanted - kills[name])]
            victim = chance.choice(open_kills)
            if victim == "server":
                os.kill(server.pid, signal.SIGKILL)
                server.restart()
                kills["server"] += 1
            elif kill_process(workspace, "-m", COMMANDS[victim]):
                kills[victim] += 1
            now = store.sweeps.get(sweep.id)
            if now.num_trials > now.planned - 2:
                _plan_more(store, sweep.id)  # not to end before all of the kills
            assert time.monotonic() - began < PATIENCE_SECONDS, kills
        print(f"after {time.monotonic() - began:.0f} s killed: {kills}", flush=True)
        while store.sweeps.get(sweep.id).state is SweepState.RUNNING:
            assert time.monotonic() - began < PATIENCE_SECONDS
            time.sleep(0.2)
        found = store.sweeps.get(sweep.id)
        print(account(store, sweep.id, found.planned, (0, 1)))
        print(f"{time.monotonic() - began:.0f} s in all")


def _plan_more(store: Store, sweep_id: str) -> None:
    try:
        store.sweeps.set_planned(sweep_id, store.sweeps.get(sweep_id).planned + 4)
    except RunError:
        return


if __name__ == "__main__":
    main()
