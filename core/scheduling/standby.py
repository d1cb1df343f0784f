"""The worker that waits for a run: what is started for it, and how a run is handed over."""

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
# One that ended by itself will do so again; then runs are started as ever.
RETRY_SECONDS = 60.0
# The one variable that may differ between a worker that waits and its run: nothing reads it while loading.
LATE_VARIABLES = {"CONVDECK_DEVICE"}
_NOTE = "handed-over.json"

logger = logging.getLogger(__name__)


class Standby:
    """At most one process that waits for a run. Whatever goes wrong with it, a run can be started without it."""

    def __init__(self, workspace: Workspace, command: Sequence[str] = STANDBY_COMMAND) -> None:
        self._workspace = workspace
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._fits: object = None
        self._not_before = float("-inf")

    @property
    def pid(self) -> int | None:
        """Of the process that waits, or is loading; None when there is none."""
        return None if self._process is None else self._process.pid

    def keep(self, environment: Mapping[str, str]) -> None:
        """See to it that one waits for a run in this environment. One that ended is begun anew a minute later."""
        if self._process is not None and self._process.poll() is not None:
            logger.warning("The standby worker ended, exit code %s.", self._process.returncode)
            self._not_before = time.monotonic() + RETRY_SECONDS
            self._drop()
        if self._process is None and time.monotonic() >= self._not_before:
            self._start(environment)

    def hand_over(
        self, run: Run, arguments: Sequence[str], environment: Mapping[str, str], log_path: Path
    ) -> "subprocess.Popen[bytes] | None":
        """The process that waited, the run's from now on; None when none waits that would do as a new one would."""
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
            # First the note: whoever takes over from a scheduler that dies right here finds the process by it.
            _note(log_path.parent, run.attempt, process.pid, started)
            assert process.stdin is not None
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.close()
        except OSError:
            self.end()
            return None
        self._process = None
        return process

    def end(self) -> None:
        """Nobody waits any more."""
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
    """Another one as soon as any Python file in `folder` was changed. Takes 3 ms for the core."""
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
        note = json.loads((folder / _NOTE).read_bytes())
        return (int(note["pid"]), float(note["started"])) if note["attempt"] == attempt else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _note(folder: Path, attempt: int, pid: int, started: float) -> None:
    write_bytes(folder / _NOTE, json.dumps({"attempt": attempt, "pid": pid, "started": started}).encode())
