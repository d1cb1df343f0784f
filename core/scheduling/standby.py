"""The standby workers: processes that wait for a run, and how one is handed over to them."""

import contextlib
import hashlib
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.scheduling.worker_process import WorkerProcess
from core.store.records import Run
from core.system.files import open_log, write_bytes
from core.workspace import PROJECT_ROOT, Workspace

STANDBY_COMMAND = (sys.executable, "-m", "core.worker.standby")
# One that ended by itself would end again; until then, runs start without it.
RETRY_SECONDS = 60.0
# A search asks for its next run only once the last one has ended; so does a script that starts one run after another.
LINGER_SECONDS = 10.0
# The one variable that may differ between a standby worker and its run: nothing reads it while loading.
LATE_VARIABLES = {"CONVDECK_DEVICE"}
HANDOVER_FILE = "handed-over.json"

logger = logging.getLogger(__name__)


@dataclass
class _Warm:
    """A process with what it was loaded for, and with the settings of its runs once it has had one."""

    process: WorkerProcess
    fits: object
    settings: object = None
    since: float = 0.0


class Standby:
    """The processes that wait for a run, new ones and those that have had one. If they fail, runs start without them.

    `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        workspace: Workspace,
        command: Sequence[str] = STANDBY_COMMAND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace = workspace
        self._command = tuple(command)
        self._clock = clock
        self._waiting: list[_Warm] = []
        self._at_work: list[_Warm] = []
        self._not_before = float("-inf")

    @property
    def pid(self) -> int | None:
        """The pid of a process that loads or waits; None when there is none."""
        return self._waiting[0].process.pid if self._waiting else None

    def keep(self, environment: Mapping[str, str], slots: int) -> None:
        """Have one wait for a run in this environment. One that ended is started again a minute later.

        While `slots` runs are trained by processes that come back, the next run waits for one of these.
        """
        self._drop_ended()
        self._end_unused(self._waiting[1:])
        if not self._waiting and len(self._at_work) < slots and self._clock() >= self._not_before:
            self._start(environment)

    def dismiss(self) -> None:
        """None is requested: end those that wait, except for some seconds those that have had a run."""
        self._drop_ended()
        self._end_unused(self._waiting)

    def close(self) -> None:
        """End all that wait."""
        for each in list(self._waiting):
            self._end(each)

    def hand_over(
        self, run: Run, arguments: Sequence[str], environment: Mapping[str, str], log_path: Path
    ) -> WorkerProcess | None:
        """Give the run to a process that waits and return it; None where none waits, or not one that fits the run."""
        fits, settings = _fit(environment), _settings_of(run)
        for each in list(self._waiting):
            if each.process.poll() is not None or each.fits != fits:
                self._end(each)
        ready = next((each for each in self._waiting if each.settings in (None, settings)), None)
        if ready is None:
            return None
        process = ready.process
        late = {name: environment[name] for name in LATE_VARIABLES if name in environment}
        try:
            # Recorded first: if the scheduler dies right here, the next one finds the process by it.
            _record_handover(log_path.parent, run.attempt, process.pid, process.started)
            process.send({"arguments": list(arguments), "environment": late, "log": str(log_path)})
        except OSError:
            self._end(ready)
            return None
        self._waiting.remove(ready)
        self._lend(_Warm(process, fits, settings))
        return process

    def lend(self, process: WorkerProcess, run: Run, environment: Mapping[str, str]) -> None:
        """`process` was started with a run, and may come back after it."""
        self._lend(_Warm(process, _fit(environment), _settings_of(run)))

    def take_back(self, process: WorkerProcess) -> None:
        """The run that `process` was given has ended in order, and it waits."""
        for each in list(self._at_work):
            if each.process is process:
                self._at_work.remove(each)
                each.since = self._clock()
                self._waiting.append(each)

    def _end_unused(self, waiting: Sequence[_Warm]) -> None:
        for each in list(waiting):
            if each.settings is None or self._clock() - each.since >= LINGER_SECONDS:
                self._end(each)

    def _lend(self, warm: _Warm) -> None:
        if warm.process.stays:
            self._at_work.append(warm)

    def _drop_ended(self) -> None:
        self._at_work = [each for each in self._at_work if each.process.poll() is None]
        for each in list(self._waiting):
            code = each.process.poll()
            if code is not None:
                logger.warning("The standby worker ended, exit code %s.", code)
                self._not_before = self._clock() + RETRY_SECONDS
                self._end(each)

    def _start(self, environment: Mapping[str, str]) -> None:
        try:
            with open_log(self._workspace.standby_log) as log:
                process = WorkerProcess(self._command, environment, log)
        except OSError as error:
            self._not_before = self._clock() + RETRY_SECONDS
            logger.warning("The standby worker could not be started: %s", error)
            return
        self._waiting.append(_Warm(process, _fit(environment)))

    def _end(self, warm: _Warm) -> None:
        self._waiting.remove(warm)
        warm.process.end()


def _settings_of(run: Run) -> object:
    """What TensorFlow takes only before its first operation, so that it is the same for all runs of a process."""
    config = run.readable_config
    return None if config is None else (config.training.num_gpus, config.training.deterministic)


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
