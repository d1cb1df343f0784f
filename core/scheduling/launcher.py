"""How the scheduler starts a worker process, checks whether it still runs, and ends it."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from core.scheduling.standby import STANDBY_COMMAND, Standby, handed_over_to
from core.scheduling.standby_request import is_standby_off
from core.scheduling.worker_log import attempt_header, last_words
from core.scheduling.worker_process import WorkerProcess
from core.store.records import Run
from core.system.devices import Device
from core.system.processes import Signal, is_alive, is_suspended, process_started, signal_group
from core.workspace import Workspace

WORKER_COMMAND = (sys.executable, "-m", "core.worker")


@dataclass(frozen=True)
class Exit:
    """How a worker ended: `code` as in subprocess (negative: a signal), None when it is unknown.

    `last_words` is the last line it printed, if it printed any.
    """

    code: int | None
    last_words: str | None = None

    @property
    def killed(self) -> bool:
        return self.code == -getattr(signal, "SIGKILL", 9)

    @property
    def gave_up(self) -> bool:
        """It ended by itself, with an error."""
        return self.code is not None and self.code > 0

    def describe(self, *, had_begun: bool) -> str:
        """One sentence on how the process ended, and when."""
        when = "" if had_begun else " before the training began"
        if self.code is not None and self.code < 0:
            return f"The training process was killed{when} (signal {-self.code})."
        ended = f"The training process ended{when}"
        if self.code is not None:
            ended += f" with exit code {self.code}"
        return f"{ended}: {self.last_words}" if self.last_words else f"{ended}."


class Worker(Protocol):
    """A worker process that was launched. `started` tells it from a later process with the same pid."""

    @property
    def pid(self) -> int: ...

    @property
    def started(self) -> float: ...

    def poll(self) -> Exit | None:
        """None while it runs. Once it has ended, nothing of it is left, unless its process waits for another run."""

    def is_suspended(self) -> bool:
        """Whether it was stopped (SIGSTOP), so that it does nothing until it gets the signal `continue`."""

    def signal(self, kind: Signal) -> None:
        """Send a signal to it and to the processes that it started."""


class Launcher(Protocol):
    """Where workers run: on this computer, or elsewhere."""

    def launch(self, run: Run, devices: Sequence[Device]) -> Worker:
        """Start the worker of the run's current attempt. Raises OSError when that cannot be done."""

    def keep_ready(self, devices: Sequence[Device]) -> None:
        """Have a standby worker wait for a run on any one of these devices; without devices, none is requested.

        One that has just had a run waits for some seconds in any case. Returns at once, and fails silently: a run
        starts without one too.
        """

    def close(self) -> None:
        """End those that wait."""

    def adopt(self, run: Run) -> Worker | None:
        """The worker of the run's current attempt, launched by an earlier scheduler, which may have ended since.

        None when no process can be found.
        """


class LocalLauncher:
    """Workers as processes of this computer, each the leader of a group of its own, so that none outlives its run."""

    def __init__(
        self,
        workspace: Workspace,
        command: Sequence[str] = WORKER_COMMAND,
        standby_command: Sequence[str] = STANDBY_COMMAND,
    ) -> None:
        """`command` gets the run's id and `--attempt N` as its last arguments, `standby_command` on its input."""
        self._workspace = workspace
        self._command = tuple(command)
        self._standby = Standby(workspace, standby_command)

    def launch(self, run: Run, devices: Sequence[Device]) -> Worker:
        folder = self._workspace.run_folder(run.id)
        folder.mkdir(parents=True, exist_ok=True)
        log_path = folder / "worker.log"
        environment = worker_environment(self._workspace, devices, os.environ)
        with log_path.open("ab") as log:
            log.write(attempt_header(run.attempt))
            log.flush()
            process = self._standby.hand_over(run, _arguments(run), environment, log_path)
            if process is None:
                # A process on a GPU would keep the memory that it has taken there.
                stays = _are_cpus(devices) and not is_standby_off()
                process = WorkerProcess(self._command, environment, log, _arguments(run), stays=stays)
                self._standby.lend(process, run, environment)
        return _OwnWorker(process, self._standby, log_path, run.attempt)

    def keep_ready(self, devices: Sequence[Device]) -> None:
        # A standby worker on a GPU was never tried.
        if devices and _are_cpus(devices):
            self._standby.keep(worker_environment(self._workspace, devices[:1], os.environ), len(devices))
        else:
            self._standby.dismiss()

    def close(self) -> None:
        self._standby.close()

    def adopt(self, run: Run) -> Worker | None:
        folder = self._workspace.run_folder(run.id)
        log_path = folder / "worker.log"
        if run.pid is not None and run.pid_started is not None:
            return _AdoptedWorker(run.pid, run.pid_started, log_path, run.attempt)
        # The scheduler died between the launch and the note of the process. A standby worker was recorded before it
        # was handed the run; any other has the run in its arguments.
        handed = handed_over_to(folder, run.attempt)
        if handed is not None and is_alive(*handed):
            return _AdoptedWorker(*handed, log_path, run.attempt)
        arguments = _arguments(run)
        for process in psutil.process_iter(["cmdline"]):
            if (process.info["cmdline"] or [])[-len(arguments) :] == arguments:
                started = process_started(process.pid)
                if started is not None and is_alive(process.pid, started):
                    return _AdoptedWorker(process.pid, started, log_path, run.attempt)
        return None


def worker_environment(
    workspace: Workspace, devices: Sequence[Device], environment: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a worker: its workspace, the devices it may see, and how many threads it should use."""
    gpus = [device for device in devices if device.kind == "gpu"]
    # By UUID, because a GPU that falls off the bus shifts the numbers of the others. CUDA does not take both together.
    by_uuid = all(device.uuid for device in gpus)
    visible = [(device.uuid or "") if by_uuid else device.id.partition(":")[2] for device in gpus]
    return {
        **environment,
        "CONVDECK_HOME": str(workspace.root),
        "CONVDECK_DEVICE": ",".join(device.id for device in devices),
        "CONVDECK_THREADS": str(sum(device.threads for device in devices)),
        # NVML counts GPUs in the order of the bus; CUDA does so only when told to, else the fastest is 0.
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        # -1 and not an empty value, which Windows takes for unset.
        "CUDA_VISIBLE_DEVICES": ",".join(visible) or "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "PYTHONUNBUFFERED": "1",
    }


class _OwnWorker:
    """A run's time in a child of this process, whose exit code is available."""

    def __init__(self, process: WorkerProcess, standby: Standby, log_path: Path, attempt: int) -> None:
        self._process = process
        self._standby = standby
        self._log_path = log_path
        self._attempt = attempt
        self._exit: Exit | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def started(self) -> float:
        return self._process.started

    def poll(self) -> Exit | None:
        if self._exit is None:
            if self._process.waits_again():
                self._standby.take_back(self._process)
                self._exit = Exit(0)
            elif (code := self._process.poll()) is not None:
                self._exit = Exit(code, last_words(self._log_path, self._attempt))
        return self._exit

    def is_suspended(self) -> bool:
        return self._exit is None and is_suspended(self.pid)

    def signal(self, kind: Signal) -> None:
        if self._exit is None:  # afterwards it is another run's
            self._process.signal(kind)


class _AdoptedWorker:
    """A process that an earlier scheduler launched."""

    def __init__(self, pid: int, started: float, log_path: Path, attempt: int) -> None:
        self._pid = pid
        self._started = started
        self._log_path = log_path
        self._attempt = attempt

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def started(self) -> float:
        return self._started

    def poll(self) -> Exit | None:
        if is_alive(self._pid, self._started):
            return None
        return Exit(None, last_words(self._log_path, self._attempt))

    def is_suspended(self) -> bool:
        return is_suspended(self._pid)

    def signal(self, kind: Signal) -> None:
        if is_alive(self._pid, self._started):
            signal_group(self._pid, kind)


def _are_cpus(devices: Sequence[Device]) -> bool:
    return all(device.kind == "cpu" for device in devices)


def _arguments(run: Run) -> list[str]:
    return [run.id, "--attempt", str(run.attempt)]
