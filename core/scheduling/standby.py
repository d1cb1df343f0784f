"""The standby worker: how it is started, and how a run is handed over to it."""

import contextlib
import hashlib
import json
import logging
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.store.records import Run
from core.system.files import open_log, write_bytes
from core.system.processes import detached, process_started, signal_group
from core.workspace import PROJECT_ROOT, Workspace

STANDBY_COMMAND = (sys.executable, "-m", "core.worker.standby")
# One that ended by itself would end again; until then, runs start without it.
RETRY_SECONDS = 60.0
# The one variable that may differ between a standby worker and its run: nothing reads it while loading.
LATE_VARIABLES = {"CONVDECK_DEVICE"}
HANDOVER_FILE = "handed-over.json"

logger = logging.getLogger(__name__)


class Standby:
    """At most one process that waits for a run. If it fails, runs start without it."""

    def __init__(self, workspace: Workspace, command: Sequence[str] = STANDBY_COMMAND) -> None:
        self._workspace = workspace
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._fits: object = None
        self._not_before = float("-inf")

    @property
    def pid(self) -> int | None:
        """The pid of the process, loading or waiting; None when there is none."""
        return None if self._process is None else self._process.pid

    def keep(self, environment: Mapping[str, str]) -> None:
        """Have one wait for a run in this environment. One that ended is started again a minute later."""
        if self._process is not None and self._process.poll() is not None:
            logger.warning("The standby worker ended, exit code %s.", self._process.returncode)
            self._not_before = time.monotonic() + RETRY_SECONDS
            self._drop()
        if self._process is None and time.monotonic() >= self._not_before:
            self._start(environment)

    def hand_over(
        self, run: Run, arguments: Sequence[str], environment: Mapping[str, str], log_path: Path
    ) -> "subprocess.Popen[bytes] | None":
        """Give the run to the waiting process and return it; None where none waits, or not one that fits the run."""
        process = self._process
        if process is None:
            return None
        started = process_started(process.pid)
        if process.poll() is not None or started is None or self._fits != _fit(environment):
            self.end()
            return None
        late = {name: environment[name] for name in LATE_VARIABLES if name in environment}
        order = {"arguments": list(arguments), "environment": late, "log": str(log_path)}
        try:
            # Recorded first: if the scheduler dies right here, the next one finds the process by it.
            _record_handover(log_path.parent, run.attempt, process.pid, started)
            assert process.stdin is not None
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.close()
        except OSError:
            self.end()
            return None
        self._process = None
        return process

    def end(self) -> None:
        """End the process that waits, if there is one."""
        if self._process is not None:
            if self._process.poll() is None:
                signal_group(self._process.pid, "kill")
            self._drop()

    def _start(self, environment: Mapping[str, str]) -> None:
        self._fits = _fit(environment)
        try:
            with open_log(self._workspace.standby_log) as log:
                self._process = subprocess.Popen(
                    list(self._command),
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=PROJECT_ROOT,
                    env=dict(environment),
                    **detached(),
                )
        except OSError as error:
            self._not_before = time.monotonic() + RETRY_SECONDS
            logger.warning("The standby worker could not be started: %s", error)

    def _drop(self) -> None:
        process, self._process = self._process, None
        assert process is not None and process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)


def _fit(environment: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """What must be the same for a process that has loaded everything to do what a new one would."""
    return {name: value for name, value in environment.items() if name not in LATE_VARIABLES}, code_version(
        PROJECT_ROOT / "core"
    )


def code_version(folder: Path) -> str:
    """A hash that changes when any Python file in `folder` does. Takes 3 ms for the core."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        with contextlib.suppress(OSError):
            status = path.stat()
            digest.update(f"{path}\0{status.st_mtime_ns}\0{status.st_size}\n".encode())
    return digest.hexdigest()


# Which process a run was handed to


def handed_over_to(folder: Path, attempt: int) -> tuple[int, float] | None:
    """Pid and start time of the process that this attempt of the run in `folder` was handed to, if it was."""
    try:
        note = json.loads((folder / HANDOVER_FILE).read_bytes())
        return (int(note["pid"]), float(note["started"])) if note["attempt"] == attempt else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _record_handover(folder: Path, attempt: int, pid: int, started: float) -> None:
    write_bytes(
        folder / HANDOVER_FILE, json.dumps({"attempt": attempt, "pid": pid, "started": started}).encode()
    )
