"""A worker without Keras: `fake_worker.py RUN --attempt N`, or `--standby`, which waits for these arguments.

CONVDECK_TEST_WORKER says how it behaves. With CONVDECK_TEST_STAYS it takes run after run.
"""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace

from core.epoch import EpochRow
from core.store.store import Store
from core.worker.reporter import RunReporter
from core.worker.run import Ending
from core.worker.standby import stand_by
from core.workspace import Workspace

# Stopped in the midst of a transaction, with the lock that SQLite gives a reader, a writer, and who commits.
FREEZES = {"freezes reading": "DEFERRED", "freezes writing": "IMMEDIATE", "freezes committing": "EXCLUSIVE"}
STAYS = "CONVDECK_TEST_STAYS" in os.environ
kept = []


def work(arguments: Sequence[str]) -> Ending:
    """One run, which is stopped by a request, and by no signal."""
    run_id, attempt = arguments[0], int(arguments[2])
    workspace = Workspace.from_environment()
    store = Store(workspace)
    reporter = RunReporter(store, run_id, attempt)
    # A run's own behaviour is its name.
    name = store.get_run(run_id).name
    behaviour = (
        name if name in ("crash", "quick", "leak") else os.environ.get("CONVDECK_TEST_WORKER", "train")
    )

    if behaviour == "crash":
        raise ModuleNotFoundError("No module named 'keras'")
    if behaviour == "leak":
        kept.append(b"x" * 300 * 2**20)
    if behaviour == "deaf":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if behaviour in ("deaf", "parent"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (workspace.run_folder(run_id) / "child").write_text(str(child.pid))

    resumed = store.get_run(run_id).epoch
    num_epochs = 3 if behaviour in ("quick", "leak") else 100_000
    reporter.started(num_epochs, 10, resumed_from_epoch=resumed)
    for epoch in range(resumed + 1, num_epochs + 1):
        for batch in range(10):
            time.sleep(0.01)
            reporter.report_batch(epoch, batch + 1, 10, 0.5, 0.5, 100.0)
            reporter.wait_while_paused()
            if reporter.stop_requested and behaviour != "deaf":
                reporter.ended(SimpleNamespace(reason="stopped"))
                return Ending(0, STAYS)
        reporter.report_epoch(EpochRow(epoch, val_accuracy=0.5))
        if behaviour in FREEZES and epoch == 2:
            with contextlib.closing(sqlite3.connect(workspace.database, isolation_level=None)) as connection:
                connection.execute(f"BEGIN {FREEZES[behaviour]}")
                connection.execute("SELECT * FROM runs").fetchall()
                os.kill(os.getpid(), signal.SIGSTOP)
    reporter.ended(SimpleNamespace(reason="finished"))
    return Ending(0, STAYS)


first = [] if sys.argv[1:] == ["--standby"] else sys.argv[1:]
sys.exit(stand_by(lambda: None, work, lambda: True, first=first))
