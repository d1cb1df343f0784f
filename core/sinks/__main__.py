"""The sinks as a process: `python -m core.sinks` feeds those that the environment names, from the workspace's store.

One per workspace (see `core.scheduling.single`). The scheduler and the server start it while a sink is on and there is
something to send; it ends when there is not. It may be killed at any moment: how far each sink is, is in the store.
"""

import logging
import time

from filelock import FileLock, Timeout

from core.errors import ConvDeckError
from core.sink_settings import read_sink_settings, sink_problems
from core.sinks.feeding import Feeding, feed
from core.store.store import Store
from core.workspace import Workspace

TICK_SECONDS = 1.0
IDLE_SECONDS = 10.0
# A server that stays away: the process ends after a while in which nothing trains, and comes again with the next run
# or while the dashboard is up.
FAILING_SECONDS = 600.0
LOCK_SECONDS = 1.0

logger = logging.getLogger(__name__)


def serve_sinks(workspace: Workspace, store: Store, feedings: list[Feeding]) -> None:
    """Tick until nothing is left to send and nothing trains. Returns at once when another process does it."""
    lock = FileLock(workspace.sinks_lock)
    try:
        lock.acquire(timeout=LOCK_SECONDS)  # one who looks whether there is one holds it for a moment
    except Timeout:
        return
    try:
        store.sinks.forget_deleted()
        busy_at, complaint = time.monotonic(), ""
        while True:
            try:
                if feed(feedings) or store.active_runs():
                    busy_at = time.monotonic()
            except ConvDeckError as error:  # such as a database that is busy for long
                if str(error) != complaint:
                    complaint = str(error)
                    logger.warning("%s (Trying again.)", error)
            patience = FAILING_SECONDS if any(each.is_failing for each in feedings) else IDLE_SECONDS
            if time.monotonic() - busy_at >= patience:
                return
            time.sleep(TICK_SECONDS)
    finally:
        lock.release()


def main() -> int:
    """Feed the sinks of the environment from the workspace that CONVDECK_HOME names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for problem in sink_problems():
        logger.error(problem)
    settings = read_sink_settings()
    workspace = Workspace.from_environment().ensure()
    with Store(workspace) as store:
        serve_sinks(workspace, store, [Feeding(store, each) for each in settings])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
