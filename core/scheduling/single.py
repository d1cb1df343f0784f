"""Processes of which a workspace has one each: scheduler, searcher, alerter, and what feeds sinks. A file lock keeps
each single.

The first program that needs one starts it. It outlives that program, and ends when there has been nothing to do.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import ConvDeckError
from core.sink_settings import read_sink_settings, sink_problems
from core.store.store import Store
from core.system.files import open_log
from core.system.processes import detached
from core.workspace import PROJECT_ROOT, Workspace

SPAWN_SECONDS = 1.0
# After a failure, such as at an import, the wait before the next start doubles, at most this many times.
MAX_DOUBLINGS = 6

logger = logging.getLogger(__name__)

_starting = threading.Lock()


@dataclass(frozen=True)
class Single:
    """One of these processes: its name in sentences, its command, and where its lock and its log are."""

    name: str
    command: Sequence[str]
    lock_of: Callable[[Workspace], Path]
    log_of: Callable[[Workspace], Path]
    unless_it_runs: str  # what does not happen then
    _started_at: dict[Path, float] = field(default_factory=dict)
    _complaints: dict[Path, str] = field(default_factory=dict)
    _failures: dict[Path, int] = field(default_factory=dict)  # in a row

    def is_running(self, workspace: Workspace) -> bool:
        """Whether one runs for the workspace at this moment."""
        lock = FileLock(self.lock_of(workspace))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def ensure(
        self, workspace: Workspace, is_needed: Callable[[], bool], command: Sequence[str] | None = None
    ) -> None:
        """Start it if it is needed and does not run: half a millisecond when all is well.

        When that fails, the cause goes to the log and nothing is raised: the next call tries again.
        """
        try:
            if not is_needed():
                return
            with _starting:
                # One that was started a moment ago is on its way to the lock: ten runs in a row need one scheduler.
                wait = SPAWN_SECONDS * 2 ** min(self._failures.get(workspace.root, 0), MAX_DOUBLINGS)
                recent = time.monotonic() - self._started_at.get(workspace.root, float("-inf")) < wait
                if not recent and not self.is_running(workspace):
                    self._start(workspace, self.command if command is None else command)
                    self._started_at[workspace.root] = time.monotonic()
        except (ConvDeckError, OSError) as error:
            # The server calls every two seconds; the same cause is logged once.
            if str(error) != self._complaints.get(workspace.root):
                self._complaints[workspace.root] = str(error)
                logger.warning(
                    "The %s could not be started, so %s; trying again. %s",
                    self.name,
                    self.unless_it_runs,
                    error,
                )

    def _start(self, workspace: Workspace, command: Sequence[str]) -> None:
        with open_log(self.log_of(workspace)) as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                env={**os.environ, "CONVDECK_HOME": str(workspace.root)},
                **detached(),
            )
        # Its end has to be waited for, or the dead process stays in the table for as long as this one is up.
        threading.Thread(target=self._await, args=(workspace, process), name=self.name, daemon=True).start()

    def _await(self, workspace: Workspace, process: "subprocess.Popen[bytes]") -> None:
        """One that was killed (a negative code) or has nothing more to do (0) has not failed."""
        failed = process.wait() > 0
        self._failures[workspace.root] = self._failures.get(workspace.root, 0) + 1 if failed else 0


def in_store(workspace: Workspace, question: Callable[[Store], bool]) -> Callable[[], bool]:
    """The question, asked of a store that is opened for it."""

    def ask() -> bool:
        with Store(workspace) as store:
            return question(store)

    return ask


# A command, because the searcher stands on a higher floor.
SEARCHER = Single(
    "searcher",
    (sys.executable, "-m", "core.searcher"),
    lambda workspace: workspace.searcher_lock,
    lambda workspace: workspace.searcher_log,
    "sweeps get no new trials",
)


def ensure_searcher(store: Store) -> None:
    """Start a searcher for the store's workspace if a sweep or a study wants more runs and none is running."""
    SEARCHER.ensure(store.workspace, store.needs_searcher)


SINKS = Single(
    "process that feeds the sinks",
    (sys.executable, "-m", "core.sinks"),
    lambda workspace: workspace.sinks_lock,
    lambda workspace: workspace.sinks_log,
    "they get no epochs",
)


@cache
def _say_once(problem: str) -> None:
    logger.warning(problem)


def ensure_sinks(workspace: Workspace) -> None:
    """Start the process that feeds the sinks if one is on, something is to be sent or trains, and none is running."""

    for problem in sink_problems():
        _say_once(problem)
    if settings := read_sink_settings():
        SINKS.ensure(
            workspace,
            in_store(
                workspace,
                lambda store: any(store.sinks.has_something(each.kind, each.shown) for each in settings),
            ),
        )


# It judges curves, sweeps and studies, which stand on higher floors too, and takes its time: a scheduler must not.
ALERTER = Single(
    "alerter",
    (sys.executable, "-m", "core.alerts"),
    lambda workspace: workspace.alerter_lock,
    lambda workspace: workspace.alerter_log,
    "no alerts are sent",
)


def ensure_alerter(store: Store) -> None:
    """Start an alerter for the store's workspace if there is something to look at or to send for a rule."""
    ALERTER.ensure(store.workspace, store.alerts.has_work)
