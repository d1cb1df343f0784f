"""The real loops of scheduler and searcher, `serve.py scheduler` and `serve.py searcher`, for workers without Keras.

Each keeps the other running, as the real ones do, by these commands.
"""

import logging
import sys
from dataclasses import replace
from pathlib import Path

from core.scheduling import service, single
from core.scheduling.launcher import LocalLauncher
from core.scheduling.scheduler import Scheduler
from core.searcher import __main__ as process
from core.searcher.searcher import Searcher
from core.store.store import Store
from core.workspace import Workspace

ME = (sys.executable, str(Path(__file__)))
WORKER = (sys.executable, str(Path(__file__).parents[1] / "scheduling" / "fake_worker.py"))

logging.basicConfig(level=logging.INFO)
single.SEARCHER = replace(single.SEARCHER, command=(*ME, "searcher"))
service.SCHEDULER = replace(service.SCHEDULER, command=(*ME, "scheduler"))
workspace = Workspace.from_environment()
with Store(workspace) as store:
    if sys.argv[1] == "scheduler":
        launcher = LocalLauncher(workspace, WORKER, (*WORKER, "--standby"))
        service.serve_queue(workspace, Scheduler(store, launcher), store, 5.0)
    else:
        process.serve_sweeps(workspace, Searcher(store), store)
