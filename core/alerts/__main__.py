"""The alerter as a process: `python -m core.alerts` serves the workspace in CONVDECK_HOME.

One per workspace (see `core.scheduling.single`). The scheduler starts it once something has happened that a rule may
be to hear of; without a rule there is never one. It ends when nothing trains and nothing is to be sent any more, and
may be killed at any moment.
"""

import logging
import time

from filelock import FileLock, Timeout

from core.alerts.sending import Sender
from core.alerts.watching import Watcher
from core.store.store import Store
from core.workspace import Workspace

TICK_SECONDS = 0.25
IDLE_SECONDS = 5.0
LOCK_SECONDS = 1.0

logger = logging.getLogger(__name__)


def serve_alerts(workspace: Workspace, store: Store) -> None:
    """Tick until there is nothing more to tell. Returns at once when another alerter runs."""
    lock = FileLock(workspace.alerter_lock)
    while True:
        try:
            lock.acquire(timeout=LOCK_SECONDS)  # one who looks whether there is one holds it for a moment
        except Timeout:
            return
        sender = Sender(store)
        try:
            _tick_until_idle(Watcher(store), sender)
        finally:
            sender.close()
            lock.release()
        # Something may have happened since, where another saw the lock taken and relies on this process.
        if not store.alerts.has_work():
            return


def _tick_until_idle(watcher: Watcher, sender: Sender) -> None:
    busy_at, complaint = time.monotonic(), ""
    while time.monotonic() - busy_at < IDLE_SECONDS:
        for tick in (watcher.tick, sender.tick):
            try:
                busy = tick()
            except Exception as error:  # such as a database that is busy for long
                busy = True
                if repr(error) != complaint:
                    complaint = repr(error)
                    logger.exception("The alerter met an error; trying again.")
            if busy:
                busy_at = time.monotonic()
        time.sleep(TICK_SECONDS)


def main() -> None:
    """Serve the workspace that CONVDECK_HOME names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    workspace = Workspace.from_environment().ensure()
    with Store(workspace) as store:
        serve_alerts(workspace, store)


if __name__ == "__main__":
    main()
