"""The scheduler as a process, and how pages, commands and REST start it.

One process per workspace, kept single by a file lock. The first program that needs it starts it; it outlives that
program and ends when there has been nothing to do for a while.

    python -m core.scheduling.service        serves the workspace in CONVDECK_HOME
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import ConvDeckError
from core.scheduling.launcher import LocalLauncher
from core.scheduling.scheduler import Scheduler
from core.scheduling.standby_request import is_standby_requested
from core.store.store import Store
from core.system.files import open_log
from core.system.processes import detached
from core.workspace import PROJECT_ROOT, Workspace

TICK_SECONDS = 0.1
IDLE_SECONDS = 30.0
LOCK_SECONDS = 1.0
SPAWN_SECONDS = 1.0
# Less than others wait for the database: while it is locked, only the scheduler's `_continue_suspended` can help them.
BUSY_SECONDS = 5.0
SCHEDULER_COMMAND = (sys.executable, "-m", "core.scheduling.service")

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
            _tick_until_idle(scheduler, idle_seconds)
        finally:
            scheduler.close()
            lock.release()
        # A run may have been queued between the last look and the release, by a program that saw the lock taken and
        # relies on this process.
        if not store.has_work():
            return


def _tick_until_idle(scheduler: Scheduler, idle_seconds: float) -> None:
    busy_at, complaint = time.monotonic(), ""
    while time.monotonic() - busy_at < idle_seconds:
        try:
            busy = scheduler.tick()
        except Exception as error:  # one run's error must not keep the others from being served
            busy = True
            if repr(error) != complaint:  # once is enough: a full disk stays full for many ticks
                complaint = repr(error)
                logger.exception("The scheduler met an error; trying again.")
        if busy:
            busy_at = time.monotonic()
        time.sleep(TICK_SECONDS)


_spawning = threading.Lock()


_spawned_at: dict[Path, float] = {}


_complaints: dict[Path, str] = {}


def ensure_scheduler(workspace: Workspace, command: Sequence[str] = SCHEDULER_COMMAND) -> None:
    """Start a scheduler for the workspace if none runs and there are runs to serve or a standby worker is requested.

    Call it after a run was queued, and now and then while one waits: it takes half a millisecond when all is well.
    When it fails, the cause goes to the log and nothing is raised: what was queued stays queued, and the next call
    tries again.
    """
    try:
        with Store(workspace) as store:
            if not store.has_work() and not is_standby_requested(workspace):
                return
        with _spawning:
            # One that was started a moment ago is on its way to the lock: ten runs in a row need one scheduler.
            recent = time.monotonic() - _spawned_at.get(workspace.root, float("-inf")) < SPAWN_SECONDS
            if not recent and not is_served(workspace):
                _spawn(workspace, command)
                _spawned_at[workspace.root] = time.monotonic()
    except (ConvDeckError, OSError) as error:
        # The server calls every two seconds; the same cause is logged once.
        if str(error) != _complaints.get(workspace.root):
            _complaints[workspace.root] = str(error)
            logger.warning("The scheduler could not be started, so runs wait; trying again. %s", error)


def is_served(workspace: Workspace) -> bool:
    """Whether a scheduler runs for the workspace at this moment."""
    lock = FileLock(workspace.scheduler_lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _spawn(workspace: Workspace, command: Sequence[str]) -> None:
    with open_log(workspace.scheduler_log) as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_ROOT,
            env={**os.environ, "CONVDECK_HOME": str(workspace.root)},
            **detached(),
        )
    # Its end has to be waited for, or the dead process stays in the table for as long as the server is up.
    threading.Thread(target=process.wait, name="scheduler", daemon=True).start()


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
