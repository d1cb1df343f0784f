"""Workers that are no processes, entering by the same door as real ones."""

from collections.abc import Sequence

from core.config import ExperimentConfig
from core.scheduling.launcher import Exit, Worker
from core.store.records import Run
from core.store.store import Store
from core.system.devices import Device, DeviceReport
from core.system.processes import Signal

CONFIG = ExperimentConfig()


class Clock:
    """A clock that moves when told."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakeWorker:
    """Lives until `exit` is set; `kill` ends it at once, anything else it only takes note of."""

    def __init__(self, pid: int, devices: Sequence[str]) -> None:
        self.pid = pid
        self.started = pid / 100
        self.devices = tuple(devices)
        self.exit: Exit | None = None
        self.signals: list[Signal] = []
        self.suspended = False

    def poll(self) -> Exit | None:
        return self.exit

    def is_suspended(self) -> bool:
        return self.suspended

    def signal(self, kind: Signal) -> None:
        self.signals.append(kind)
        if kind == "kill":
            self.exit = Exit(-9)


class FakeLauncher:
    """A computer: its workers outlive the scheduler that launched them. Refuses what must never happen."""

    def __init__(self) -> None:
        self.workers: dict[tuple[str, int], FakeWorker] = {}
        self.error: OSError | None = None
        self.ready_for: tuple[str, ...] | None = None

    def launch(self, run: Run, devices: Sequence[Device]) -> Worker:
        if self.error is not None:
            raise self.error
        assert (run.id, run.attempt) not in self.workers, "an attempt was launched twice"
        assert not any(key[0] == run.id for key in self.live()), "two processes of one run"
        taken = {device for worker in self.live().values() for device in worker.devices}
        assert not taken & {device.id for device in devices}, "two processes on one device"
        worker = FakeWorker(5000 + len(self.workers), [device.id for device in devices])
        self.workers[run.id, run.attempt] = worker
        return worker

    def keep_ready(self, devices: Sequence[Device]) -> None:
        self.ready_for = tuple(device.id for device in devices)

    def close(self) -> None:
        self.ready_for = ()

    def adopt(self, run: Run) -> Worker | None:
        known = (worker for worker in self.workers.values() if worker.pid == run.pid)
        return next(known, None) if run.pid is not None else self.workers.get((run.id, run.attempt))

    def live(self) -> dict[tuple[str, int], FakeWorker]:
        return {key: worker for key, worker in self.workers.items() if worker.exit is None}


def gpu(index: int, used_mib: int = 0, utilization: float = 0.0) -> Device:
    return Device(f"gpu:{index}", "H200", "gpu", 140_000, used_mib, utilization, 40.0, 8)


def cpu(index: int = 0) -> Device:
    return Device(f"cpu:{index}", "x86_64", "cpu", 16_000, 4_000, 10.0, None, 2)


def report(*devices: Device) -> DeviceReport:
    return DeviceReport(devices)


def states(store: Store, *run_ids: str) -> list[str]:
    """The states of these runs, in words."""
    return [str(store.get_run(run_id).state) for run_id in run_ids]


def begin(store: Store, run_id: str, attempt: int = 1) -> None:
    """A worker says that it has begun."""
    store.record_started(run_id, attempt, 10, 100, 0)
