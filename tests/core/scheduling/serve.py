"""A scheduler process whose workers are `fake_worker.py`: `serve.py IDLE_SECONDS [STOP_SECONDS]`.

With CONVDECK_TEST_STANDBY one of them always waits for the next run.
"""

import logging
import os
import sys
from pathlib import Path

from core.scheduling.launcher import LocalLauncher
from core.scheduling.scheduler import Scheduler
from core.scheduling.service import BUSY_SECONDS, serve_queue
from core.store.store import Store
from core.workspace import Workspace

logging.basicConfig(level=logging.INFO)
workspace = Workspace.from_environment()
store = Store(workspace, busy_seconds=BUSY_SECONDS)
worker = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))
launcher = LocalLauncher(workspace, worker, (*worker, "--standby"))
step = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
escalation = ((step, "interrupt"), (1.5 * step, "terminate"), (2 * step, "kill"))
wanted = "CONVDECK_TEST_STANDBY" in os.environ
scheduler = Scheduler(store, launcher, escalation=escalation, standby_requested=lambda: wanted)
serve_queue(workspace, scheduler, store, float(sys.argv[1]))
