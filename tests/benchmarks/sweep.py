"""Short runs one after the other, as a sweep starts them: their time beside what they train, and memory over 50 runs.

What a run trains is the sum of its epochs' seconds, in which the training step is traced, too. The rest is what a sweep
waits for: TensorFlow, the network, the models and checkpoints that are saved, the scheduler.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from core.datasets.prepare import ensure_dataset
from core.design.presets import PRESETS
from core.scheduling.service import ensure_scheduler
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.benchmarks.rows import Row, Spread, alternate
from tests.benchmarks.servers import variables, wait_until
from tests.server import end_processes

RUNS, COLD_RUNS, ROUNDS = 20, 5, 3
MOST_RATIO = 1.25
EARLY_RUNS, LATE_RUNS, MEMORY_EPOCHS = 5, 50, 2
MOST_GROWTH = 1.10
RATES = (0.0003, 0.001, 0.003, 0.01)
PATIENCE_SECONDS = 1800.0


def measure() -> list[Row]:
    """Sweeps with and without processes that stay, in alternation; then memory after 5 and after 50 runs."""
    ratios: dict[str, list[float]] = {"stays": [], "alone": []}

    def sweep(name: str, runs: int, standby: str) -> Callable[[], float]:
        def once() -> float:
            wall, trained = _seconds(runs, standby)
            ratios[name].append(wall / trained)
            return wall / runs

        return once

    contestants = {"stays": sweep("stays", RUNS, "on"), "alone": sweep("alone", COLD_RUNS, "off")}
    each = {
        name: Spread.of(values)
        for name, values in alternate(contestants, rounds=ROUNDS, warm_up=False).items()
    }
    ratio = {name: Spread.of(values) for name, values in ratios.items()}
    early, late, processes = _memory()
    what = "seconds from queueing to the last end, per second of training"
    return [
        Row(
            f"{RUNS} runs of `tiny` on 1,000 pictures of Shapes, 10 epochs: {what}", "–", f"≤ {MOST_RATIO}",
            f"{ratio['stays'].figure('', 2)}; {each['stays'].figure(' s')} per run",
            f"{ratio['stays'].range('', 2)}; {each['stays'].range(' s')}", ratio["stays"].median <= MOST_RATIO,
        ),
        Row(
            f"the same, {COLD_RUNS} runs, each in a process of its own (`CONVDECK_STANDBY=off`)", "–", "–",
            f"{ratio['alone'].figure('', 2)}; {each['alone'].figure(' s')} per run",
            f"{ratio['alone'].range('', 2)}; {each['alone'].range(' s')}", None,
        ),
        Row(
            f"memory of the process after {LATE_RUNS} runs, resident", f"after {EARLY_RUNS} runs: {early:.0f} MB",
            f"≤ {MOST_GROWTH:.2f}×", f"{late / early:.2f}×; {late:.0f} MB",
            f"{processes} process{'es' if processes > 1 else ''}", late / early <= MOST_GROWTH,
        ),
    ]  # fmt: skip


class _Sweep:
    """A workspace with Shapes, whose runs start one after the other."""

    def __init__(self, folder: str) -> None:
        self.workspace = Workspace(Path(folder).resolve()).ensure()
        ensure_dataset(self.workspace, "shapes")
        self.store = Store(self.workspace)
        self.pids: set[int] = set()

    def train(self, runs: int, epochs: int | None = None) -> tuple[float, float]:
        """Queue so many runs and wait for the last; seconds from queueing to its end, and their training seconds."""
        base = PRESETS["tiny"].config.with_values({"dataset.id": "shapes", "dataset.num_train": 1000})
        if epochs is not None:
            base = base.with_values({"training.epochs": epochs})
        began, ids = time.time(), []
        for number in range(runs):
            rate = RATES[number % len(RATES)]
            config = base.with_values({"seed": number, "optimizer.learning_rate": rate})
            ids.append(self.store.queue_run(RunRequest(config, f"Trial {number}")).id)
        ensure_scheduler(self.workspace)
        wait_until(lambda: not self._has_work(), f"{runs} runs to end", PATIENCE_SECONDS, every=0.2)
        done = self.store.get_runs(ids)
        assert all(run.state is RunState.FINISHED for run in done), [run.error for run in done]
        trained = sum(sum(self.store.curves(run_id)["seconds"]) for run_id in ids)
        return max(run.ended_at or 0.0 for run in done) - began, trained

    def _has_work(self) -> bool:
        self.pids |= {run.pid for run in self.store.active_runs() if run.pid is not None}
        return self.store.has_work()

    def memory_mb(self) -> float:
        """Of the process that waits."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if "core.worker" in command and process.environ().get("CONVDECK_HOME") == str(
                self.workspace.root
            ):
                found.append(process.memory_info().rss / 1e6)
        return max(found)


def _seconds(runs: int, standby: str) -> tuple[float, float]:
    with (
        variables(CONVDECK_STANDBY=standby, TF_CPP_MIN_LOG_LEVEL="2"),
        tempfile.TemporaryDirectory() as folder,
    ):
        sweep = _Sweep(folder)
        try:
            return sweep.train(runs)
        finally:
            end_processes(sweep.workspace.root)


def _memory() -> tuple[float, float, int]:
    """MB after the early and the late runs, and how many processes have trained."""
    with variables(CONVDECK_STANDBY="on", TF_CPP_MIN_LOG_LEVEL="2"), tempfile.TemporaryDirectory() as folder:
        sweep = _Sweep(folder)
        try:
            sweep.train(EARLY_RUNS, MEMORY_EPOCHS)
            early = sweep.memory_mb()
            sweep.train(LATE_RUNS - EARLY_RUNS, MEMORY_EPOCHS)
            return early, sweep.memory_mb(), len(sweep.pids)
        finally:
            end_processes(sweep.workspace.root)


if __name__ == "__main__":
    print(_seconds(int(os.environ.get("RUNS", RUNS)), os.environ.get("CONVDECK_STANDBY", "on")))
