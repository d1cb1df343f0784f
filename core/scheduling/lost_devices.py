"""GPUs that are lost while runs are on them: they are out of use, and their runs go on elsewhere."""

import logging
from collections.abc import Mapping

from core.store.devices import LossCode
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.system.devices import Device, DeviceReport

logger = logging.getLogger(__name__)


class LostDevices:
    """What a scheduler has seen of the GPUs, to notice the one that is missing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[str, Device] = {}  # by UUID; one without cannot be told from others
        self._aside: set[str] = set()

    def look(self, report: DeviceReport) -> DeviceReport:
        """Take out of use what is lost, and interrupt its runs. Returns the report without what is out of use.

        Where NVML stops answering at all, runs go on: their processes may do well. But nothing new starts then.
        """
        runs = {run.id: run for run in (*self._store.active_runs(), *self._store.runs_with_process())}
        held = {run.id: self._store.devices.keys_of(run) for run in runs.values()}
        aside = {each.key: each for each in self._store.devices.aside()}
        for key in self._aside - aside.keys():
            self._seen.pop(
                key, None
            )  # a person has said so: from here on it is as if it had never been there
        known = {
            key: _unseen(run, key) for run in runs.values() for key in held[run.id] if _is_uuid(key)
        } | self._seen
        for key, (code, detail) in _missing(report, known).items():
            if key not in aside:
                logger.warning("%s (%s) is out of use: %s %s", known[key].id, key, code, detail or "")
                self._store.devices.set_aside(known[key], code, detail)
        aside = {each.key: each for each in self._store.devices.aside()}
        for run in runs.values():
            lost = [aside[key] for key in held[run.id] if key in aside and aside[key].code != "no_answer"]
            if lost and (run.state.is_active or run.state is RunState.FAILED):
                cause = f"{lost[0].title} was lost while the run trained on it: {lost[0].reason}."
                again = self._store.devices.lose(run.id, run.attempt, cause)
                logger.warning("run %s: its GPU was lost; queued again: %s", run.id, again)
        self._aside = set(aside)
        self._seen |= {device.key: device for device in report.devices if device.uuid}
        return report.without(aside)


def _missing(report: DeviceReport, known: Mapping[str, Device]) -> dict[str, tuple[LossCode, str | None]]:
    """Why each of the known GPUs is missing; those that answer are left out."""
    found: dict[str, tuple[LossCode, str | None]] = {}
    for key, device in known.items():
        if key in report.lost:
            found[key] = "gpu_is_lost", report.lost[key]
        elif report.present is None:
            # One that cannot be read for another reason leaves the others as they are.
            if not report.has_gpu:
                found[key] = "no_answer", None
        elif key not in report.present:
            said = report.lost.get(device.id)
            found[key] = ("gone", None) if said is None else ("gpu_is_lost", said)
    return found


def _is_uuid(key: str) -> bool:
    return not key.startswith(("cpu", "gpu:"))


def _unseen(run: Run, key: str) -> Device:
    """One that only an earlier scheduler has seen, by what its run says of it."""
    ids = (run.device or "").split(",")
    return Device(ids[0] if len(ids) == 1 else "gpu", "GPU", "gpu", None, None, None, None, 1, key)
