"""A worker without Keras: `fake_worker.py RUN --attempt N`, or `--standby`, which waits for these arguments.

CONVDECK_TEST_WORKER says how it behaves.
"""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from types import SimpleNamespace

from core.epoch import EpochRow
from core.store.store import Store
from core.worker.reporter import RunReporter
from core.worker.standby import stand_by
from core.workspace import Workspace

# Stopped in the midst of a transaction, with the lock that SQLite gives a reader, a writer, and who commits.
FREEZES = {"freezes reading": "DEFERRED", "freezes writing": "IMMEDIATE", "freezes committing": "EXCLUSIVE"}

arguments = sys.argv[1:]
if arguments == ["--standby"]:
    arguments.clear()
    stand_by(lambda: None, lambda handed: arguments.extend(handed) or 0)

behaviour = os.environ.get("CONVDECK_TEST_WORKER", "train")
run_id, attempt = arguments[0], int(arguments[2])
workspace = Workspace.from_environment()
store = Store(workspace)
reporter = RunReporter(store, run_id, attempt)

if behaviour == "crash":
    raise ModuleNotFoundError("No module named 'keras'")
if behaviour == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if behaviour in ("deaf", "parent"):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (workspace.run_folder(run_id) / "child").write_text(str(child.pid))

resumed = store.get_run(run_id).epoch
num_epochs = 3 if behaviour == "quick" else 100_000
reporter.started(num_epochs, 10, resumed_from_epoch=resumed)
for epoch in range(resumed + 1, num_epochs + 1):
    for batch in range(10):
        time.sleep(0.01)
        reporter.report_batch(epoch, batch + 1, 10, 0.5, 0.5, 100.0)
        reporter.wait_while_paused()
        if reporter.stop_requested and behaviour != "deaf":
            reporter.ended(SimpleNamespace(reason="stopped"))
            sys.exit()
    reporter.report_epoch(EpochRow(epoch, val_accuracy=0.5))
    if behaviour in FREEZES and epoch == 2:
        with contextlib.closing(sqlite3.connect(workspace.database, isolation_level=None)) as connection:
            connection.execute(f"BEGIN {FREEZES[behaviour]}")
            connection.execute("SELECT * FROM runs").fetchall()
            os.kill(os.getpid(), signal.SIGSTOP)
reporter.ended(SimpleNamespace(reason="finished"))
