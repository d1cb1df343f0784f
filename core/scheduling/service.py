"""The scheduler as a process, and how pages, commands and REST start it.

One process per workspace (see `core.scheduling.single`). While a sweep or a study wants more runs, it keeps the
searcher running, and the searcher it. It starts the alerter where a rule is to hear of something.

    python -m core.scheduling.service        serves the workspace in CONVDECK_HOME
"""

import logging
import os
import sys
import time
from collections.abc import Sequence

from filelock import FileLock, Timeout

from core.scheduling import single
from core.scheduling.launcher import LocalLauncher
from core.scheduling.scheduler import Scheduler
from core.scheduling.single import Single, ensure_alerter, ensure_searcher, ensure_sinks, in_store
from core.scheduling.standby_request import is_standby_requested
from core.store.store import Store
from core.workspace import Workspace

TICK_SECONDS = 0.1
IDLE_SECONDS = 30.0
LOCK_SECONDS = 1.0
SEARCHER_CHECK_SECONDS = 1.0
# Less than others wait for the database: while it is locked, only the scheduler's `_continue_suspended` can help them.
BUSY_SECONDS = 5.0

logger = logging.getLogger(__name__)


def serve_queue(workspace: Workspace, scheduler: Scheduler, store: Store, idle_seconds: float) -> None:
    """Tick until there has been nothing to do for `idle_seconds`. Returns at once when another scheduler runs."""
    lock = FileLock(workspace.scheduler_lock)
    while True:
        try:
            lock.acquire(timeout=LOCK_SECONDS)  # `is_served` holds it for a moment
        except Timeout:
            return
        try:
            _tick_until_idle(scheduler, store, idle_seconds)
        finally:
            scheduler.close()
            lock.release()
        # A run may have been queued between the last look and the release, by a program that saw the lock taken and
        # relies on this process.
        if not store.has_work():
            return


def _tick_until_idle(scheduler: Scheduler, store: Store, idle_seconds: float) -> None:
    busy_at, complaint, searcher_due = time.monotonic(), "", float("-inf")
    while time.monotonic() - busy_at < idle_seconds:
        try:
            busy = scheduler.tick()
            if time.monotonic() >= searcher_due:
                searcher_due = time.monotonic() + SEARCHER_CHECK_SECONDS
                ensure_searcher(store)
                ensure_sinks(store.workspace)
                ensure_alerter(store)
        except Exception as error:  # one run's error must not keep the others from being served
            busy = True
            if repr(error) != complaint:  # once is enough: a full disk stays full for many ticks
                complaint = repr(error)
                logger.exception("The scheduler met an error; trying again.")
        if busy:
            busy_at = time.monotonic()
        time.sleep(TICK_SECONDS)


SCHEDULER = Single(
    "scheduler",
    (sys.executable, "-m", "core.scheduling.service"),
    lambda workspace: workspace.scheduler_lock,
    lambda workspace: workspace.scheduler_log,
    "runs wait",
)


def ensure_scheduler(workspace: Workspace, command: Sequence[str] | None = None) -> None:
    """Start a scheduler for the workspace if none runs and there are runs to serve or a standby worker is requested.

    Likewise searcher, alerter and what feeds sinks: a scheduler of an older version that still runs would not start
    them. Call it after a run was queued, and now and then while one waits: it takes a millisecond when all is well.
    When it fails, the cause goes to the log and nothing is raised: what was queued stays queued, and the next call
    tries again.
    """

    SCHEDULER.ensure(
        workspace,
        in_store(workspace, lambda store: store.has_work() or is_standby_requested(workspace)),
        command,
    )
    if command is None:
        single.SEARCHER.ensure(workspace, in_store(workspace, Store.needs_searcher))
        ensure_sinks(workspace)
        single.ALERTER.ensure(workspace, in_store(workspace, lambda store: store.alerts.has_work()))


def is_served(workspace: Workspace) -> bool:
    """Whether a scheduler runs for the workspace at this moment."""
    return SCHEDULER.is_running(workspace)


def main() -> None:
    """Serve the workspace that CONVDECK_HOME names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    workspace = Workspace.from_environment().ensure()
    idle_seconds = float(os.environ.get("CONVDECK_SCHEDULER_IDLE_SECONDS", IDLE_SECONDS))
    with Store(workspace, busy_seconds=BUSY_SECONDS) as store:
        launcher = LocalLauncher(workspace)
        scheduler = Scheduler(store, launcher, standby_requested=lambda: is_standby_requested(workspace))
        serve_queue(workspace, scheduler, store, idle_seconds)


if __name__ == "__main__":
    main()
