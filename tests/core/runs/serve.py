"""A scheduler process whose workers are `worker.py`: `serve.py IDLE_SECONDS [STOP_SECONDS]`."""

import logging
import sys
from pathlib import Path

from core.runs.launcher import LocalLauncher
from core.runs.scheduler import Scheduler, serve
from core.runs.store import Store
from core.workspace import Workspace

logging.basicConfig(level=logging.INFO)
workspace = Workspace.from_environment()
store = Store(workspace)
launcher = LocalLauncher(workspace, (sys.executable, str(Path(__file__).with_name("worker.py"))))
step = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
escalation = ((step, "interrupt"), (1.5 * step, "terminate"), (2 * step, "kill"))
serve(workspace, Scheduler(store, launcher, escalation=escalation), store, float(sys.argv[1]))
