"""A run that is live without costing a core: a process writes into the store what a worker would, by the store.

    python -m tests.benchmarks.live_run EPOCH_SECONDS EPOCHS     in the workspace of CONVDECK_HOME

It prints the run's id first, then for each epoch a line with its number and the unix time at which it was recorded.
Every epoch is the best so far. It ends when its input does.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.datasets.followed import MOST_FOLLOWED
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.store import Store
from core.system.processes import process_started
from core.workspace import PROJECT_ROOT, Workspace
from tests.benchmarks.children import end_process

BATCHES = 4  # ticks an epoch: a worker reports each half second
MOST_EPOCHS = 1000


@dataclass
class LiveRun:
    """What the other process has written so far: `recorded` is when each epoch was in the store, in unix seconds."""

    id: str
    recorded: dict[int, float] = field(default_factory=dict)


@contextlib.contextmanager
def live_run(root: Path, epoch_seconds: float, epochs_before: int = 50) -> Iterator[LiveRun]:
    """A run with `epochs_before` epochs that gets another one every `epoch_seconds`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.live_run", str(epoch_seconds), str(epochs_before)],
        cwd=PROJECT_ROOT, env={**os.environ, "CONVDECK_HOME": str(root)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as told, contextlib.ExitStack() as ending:
        ending.callback(end_process, process)
        run = LiveRun(told.readline().strip())
        if not run.id:
            raise RuntimeError("The process that plays a worker did not begin.")

        def read() -> None:
            for line in told:
                epoch, moment = json.loads(line)
                run.recorded[epoch] = moment

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield run
        finally:
            end_process(process)
            reader.join()


def main() -> None:
    """Play the worker until nobody listens any more."""
    epoch_seconds, epochs_before = float(sys.argv[1]), int(sys.argv[2])
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with Store(Workspace.from_environment()) as store:
        values = {"dataset.id": "shapes", "dataset.num_train": None, "training.epochs": MOST_EPOCHS}
        run = store.queue_run(RunRequest(PRESETS["article"].config.with_values(values), "live", "article"))
        store.claim(run.id, ["cpu:0"])
        pid = os.getpid()
        store.set_process(run.id, run.attempt, pid, process_started(pid) or 0.0)
        store.record_started(run.id, run.attempt, MOST_EPOCHS, 100, 0)
        for epoch in range(1, epochs_before + 1):
            store.record_epoch(run.id, run.attempt, _row(epoch, epoch_seconds))
        print(run.id, flush=True)
        _go_on(store, run.id, epochs_before, epoch_seconds, ended)


def _go_on(store: Store, run_id: str, epoch: int, epoch_seconds: float, ended: threading.Event) -> None:
    while epoch < MOST_EPOCHS:
        epoch += 1
        for batch in range(1, BATCHES + 1):
            if ended.wait(epoch_seconds / BATCHES):
                return
            store.record_batch(run_id, 1, 100 * batch // BATCHES, 100, 0.5, 0.8, 5000.0)
        store.record_epoch(run_id, 1, _row(epoch, epoch_seconds))
        print(json.dumps([epoch, time.time()]), flush=True)


def _row(epoch: int, seconds: float) -> EpochRow:
    better = epoch / MOST_EPOCHS
    return EpochRow(
        epoch, 2.0 - better, 0.2 + 0.7 * better, 2.0 - 1.1 * better, 0.2 + 0.75 * better, 2.0 - 0.9 * better,
        0.2 + 0.5 * better, 0.001, seconds, 5000.0, details=_details(epoch),
    )  # fmt: skip


def _details(epoch: int) -> dict[str, Any]:
    """As much as a worker measures of ten classes and of the pictures that are followed."""
    classes = {"count": [250] * 10, "right": [min(250, 100 + epoch + number) for number in range(10)]}
    places = range(MOST_FOLLOWED)
    labels = [place % 10 for place in places]
    followed = {
        "label": labels, "true_label": labels, "answer": [(place + (place + epoch) % 3) % 10 for place in places],
        "probability": [round(0.3 + 0.6 * ((place * 7 + epoch) % 10) / 10, 4) for place in places],
    }  # fmt: skip
    return {
        "clean": classes,
        "validation": classes,
        "corrupted": None,
        "followed": {"training": followed, "validation": followed},
    }


if __name__ == "__main__":
    main()
