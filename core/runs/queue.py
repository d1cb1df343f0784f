"""When runs that wait are about to start, from what the runs before them still have to do."""

from core.runs.pace import pictures_per_epoch, recent_runs, seconds_per_picture
from core.runs.progress import seconds_left
from core.scheduling.scheduler import num_wanted
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.system.devices import DeviceReport
from core.workspace import Workspace

# Beyond these, a forecast is a guess about guesses.
MOST_AHEAD = 50


def seconds_until_start(workspace: Workspace, store: Store, run: Run, report: DeviceReport) -> float | None:
    """Until a waiting run gets its devices, if the queue stays as it is and every run trains all of its epochs.

    None where it is not known: a run ahead is paused, or no run of its network was trained here.
    """
    free = {device.id: 0.0 for device in report.devices}
    for active in store.active_runs():
        left = _left(workspace, store, active)
        if left is None or active.state is RunState.PAUSED:
            return None
        for device in (active.device or "").split(","):
            free[device] = left
    known: list[Run] | None = None
    for ahead in store.waiting_runs()[: MOST_AHEAD + 1]:
        devices = sorted(free, key=lambda device: free[device])[: num_wanted(ahead, report.devices)]
        if not devices:
            return None
        start = free[devices[-1]]
        if ahead.id == run.id:
            return start
        known = recent_runs(store) if known is None else known
        takes = _whole(workspace, store, known, ahead)
        if takes is None:
            return None
        # The queue keeps its order: a later run never starts before this one.
        free = {device: max(start, seconds) for device, seconds in free.items()}
        free.update(dict.fromkeys(devices, start + takes))
    return None


def _left(workspace: Workspace, store: Store, run: Run) -> float | None:
    """Of a run that has a device: what its own epochs tell, and before there are any, what earlier runs do."""
    left = seconds_left(run, store.curves(run.id))
    return _whole(workspace, store, recent_runs(store), run) if left is None else left


def _whole(workspace: Workspace, store: Store, known: list[Run], run: Run) -> float | None:
    """What is left of a run's epochs, at the pace of earlier runs of its network."""
    config = run.readable_config
    if config is None:
        return None
    speed, pictures = (
        seconds_per_picture(workspace, store, known, config),
        pictures_per_epoch(workspace, config),
    )
    if speed is None or pictures is None:
        return None
    return speed * pictures * max(0, run.total_epochs - run.epoch)
