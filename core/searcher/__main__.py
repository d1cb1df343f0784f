"""The searcher as a process: `python -m core.searcher` serves the workspace in CONVDECK_HOME.

One per workspace (see `core.scheduling.single`). The scheduler starts it while a sweep or a study wants more runs; it
ends when none does. It may be killed at any moment: all that it knows is in the store.
"""

import logging
import time

from filelock import FileLock, Timeout

from core.scheduling.service import ensure_scheduler
from core.searcher.searcher import Searcher
from core.store.store import Store
from core.workspace import Workspace

TICK_SECONDS = 0.05
IDLE_SECONDS = 3.0
LOCK_SECONDS = 1.0
SCHEDULER_CHECK_SECONDS = 1.0

logger = logging.getLogger(__name__)


def serve_sweeps(workspace: Workspace, searcher: Searcher, store: Store) -> None:
    """Tick until nothing is searched any more. Returns at once when another searcher runs."""
    lock = FileLock(workspace.searcher_lock)
    while True:
        try:
            lock.acquire(timeout=LOCK_SECONDS)  # one who looks whether there is one holds it for a moment
        except Timeout:
            return
        try:
            _tick_until_idle(workspace, searcher)
        finally:
            lock.release()
        # A sweep may have been started since, by a program that saw the lock taken and relies on this process.
        if not store.needs_searcher():
            return


def _tick_until_idle(workspace: Workspace, searcher: Searcher) -> None:
    busy_at, scheduler_due, complaint = time.monotonic(), float("-inf"), ""
    while time.monotonic() - busy_at < IDLE_SECONDS:
        try:
            if searcher.tick():
                busy_at = time.monotonic()
        except Exception as error:  # such as a database that is busy for long
            busy_at = time.monotonic()
            if repr(error) != complaint:
                complaint = repr(error)
                logger.exception("The searcher met an error; trying again.")
        if time.monotonic() >= scheduler_due:
            scheduler_due = time.monotonic() + SCHEDULER_CHECK_SECONDS
            ensure_scheduler(workspace)
        time.sleep(TICK_SECONDS)


def main() -> None:
    """Serve the workspace that CONVDECK_HOME names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    workspace = Workspace.from_environment().ensure()
    with Store(workspace) as store:
        serve_sweeps(workspace, Searcher(store), store)


if __name__ == "__main__":
    main()
