"""Which devices runs hold and held, by their keys, and which are out of use because they were lost."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from core.errors import RunError, RunNotFound, UserError
from core.store import run_tables
from core.store.database import Database, reading
from core.store.records import Run
from core.store.states import RunState
from core.system.devices import Device, DeviceReport

# Once: a run that loses its GPU again may be what brings them down.
MOST_LOSSES = 1

LossCode = Literal["gpu_is_lost", "gone", "no_answer"]
_WORDS: dict[LossCode, str] = {
    "gpu_is_lost": "NVIDIA's driver says that it is lost",
    "gone": "it is no longer among the GPUs of NVIDIA's driver",
    "no_answer": "NVIDIA's driver does not answer any more",
}


@dataclass(frozen=True)
class DeviceAside:
    """A GPU that no run is given. `device` is its id when it was lost, `detail` what the driver said, if anything;
    `since` in unix seconds.
    """

    key: str
    device: str
    name: str
    code: LossCode
    detail: str | None
    since: float

    @property
    def title(self) -> str:
        """`GPU 1 (NVIDIA H200)`."""
        return f"GPU {self.device.partition(':')[2]} ({self.name})"

    @property
    def reason(self) -> str:
        """Why it is out of use, without a full stop."""
        return _WORDS[self.code] + (f" ({self.detail})" if self.detail else "")


class Devices:
    """The part of the store that keeps them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def keys_of(self, run: Run) -> tuple[str, ...]:
        """The keys of the devices that a run holds, or that its former process does; ids, of a run from before."""
        if run.device is None:
            return ()
        query = "SELECT keys FROM run_devices JOIN live_runs ON number = run_number WHERE id = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (run.id,)).fetchone()
        return tuple((row[0] if row else run.device).split(","))

    def aside(self) -> list[DeviceAside]:
        """Those that are out of use, the longest first."""
        query = "SELECT key, device, name, code, detail, since FROM devices_aside ORDER BY since, device"
        with self._database.reading() as connection, reading("a device that is out of use"):
            found = [DeviceAside(*row) for row in connection.execute(query)]
            if any(each.code not in get_args(LossCode) for each in found):
                raise ValueError("an unknown code")
            return found

    def set_aside(self, device: Device, code: LossCode, detail: str | None = None) -> None:
        """Until `bring_back`. What is known of one that is out of use already stays."""
        with self._database.writing() as connection:
            query = "INSERT OR IGNORE INTO devices_aside VALUES (?, ?, ?, ?, ?, ?)"
            values = (device.key, device.id, device.name, code, detail, self._clock())
            connection.execute(query, values)

    def bring_back(self, which: str, present: Collection[str] | None) -> DeviceAside:
        """Let runs have a device again; `which` is its key or its id, `present` the keys that NVML answers for.

        Raises UserError where none of that name is out of use, and where the driver does not answer for it.
        """
        found = next((each for each in self.aside() if which in (each.key, each.device)), None)
        if found is None:
            raise UserError(
                f"No device {which[:60]!r} is out of use. `python -m core devices` lists those that are."
            )
        if found.key not in (present or ()):
            raise UserError(
                f"{found.title} does not answer yet. Restart the computer, or look at it with nvidia-smi, then try "
                "again."
            )
        with self._database.writing() as connection:
            connection.execute("DELETE FROM devices_aside WHERE key = ?", (found.key,))
        return found

    def waits_for_gpu(self, report: DeviceReport) -> str | None:
        """Why no run starts where every GPU was lost, and what to do, in sentences; None where runs can start."""
        aside = self.aside()
        if not aside or report.without({each.key for each in aside}).has_gpu:
            return None
        return (
            f"No GPU is left: {aside[0].title} is out of use, because {aside[0].reason}. Runs wait and do not move to "
            "the CPU. Once the GPU answers, bring it back with `python -m core devices --back` and its id. To train on "
            "the CPU, start the dashboard again with CUDA_VISIBLE_DEVICES=-1."
        )

    def usable(self, report: DeviceReport) -> DeviceReport:
        """What runs can be given: nothing where every GPU was lost, with `note` saying why."""
        if (waits := self.waits_for_gpu(report)) is not None:
            return replace(report, devices=(), note=waits)
        return report.without({each.key for each in self.aside()})

    def forget_aside(self) -> None:
        """A person has started ConvDeck anew: what answers now is what there is."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM devices_aside")

    def lose(self, run_id: str, attempt: int, cause: str) -> bool:
        """One of an attempt's GPUs was lost, `cause` says so in a sentence: the run is INTERRUPTED and queued again,
        but no more than MOST_LOSSES times in all. Returns whether it was queued again.

        A run that its worker has recorded as FAILED because of that is queued again too. Nothing happens to any other
        that has ended, nor to a later attempt.
        """
        with self._database.writing() as connection:
            try:
                number, run = run_tables.get(connection, run_id)
            except RunNotFound:
                return False
            if run.attempt != attempt or not (run.state.is_active or run.state is RunState.FAILED):
                return False
            if run.stop_requested:
                run_tables.enter(connection, self._clock(), number, run, RunState.STOPPED, {})
                return False
            row = connection.execute(
                "SELECT losses FROM run_devices WHERE run_number = ?", (number,)
            ).fetchone()
            losses = row[0] if row else 0
            if run.state.is_active:
                hint = "Resume continues from the last finished epoch, on another GPU."
                if losses >= MOST_LOSSES:
                    hint += " It lost a GPU before: look at the GPUs on System first."
                fields = {"error": cause, "next_step": hint}
                run_tables.enter(connection, self._clock(), number, run, RunState.INTERRUPTED, fields)
            if losses >= MOST_LOSSES:
                return False
            query = """
                INSERT INTO run_devices (run_number, keys, losses) VALUES (?, ?, 1)
                ON CONFLICT (run_number) DO UPDATE SET losses = losses + 1
            """
            connection.execute(query, (number, run.device or ""))
            text = f"{cause} The run was queued again, to continue on another GPU. This happens once."
            run_tables.append_log(connection, number, self._clock(), attempt, "warning", text)
            _, ended = run_tables.get(connection, run_id)
            run_tables.enter(connection, self._clock(), number, ended, RunState.WAITING, {})
            return True


def lease(connection: sqlite3.Connection, number: int, devices: Sequence[str], keys: Sequence[str]) -> None:
    """Give devices to a run, inside a transaction. Raises RunError when one belongs to another run."""
    try:
        query = "INSERT INTO leases (device, run_number) VALUES (?, ?)"
        connection.executemany(query, [(key, number) for key in keys])
    except sqlite3.IntegrityError:
        raise RunError(f"{', '.join(devices)}: in use by another run.") from None
    query = """
        INSERT INTO run_devices (run_number, keys) VALUES (?, ?)
        ON CONFLICT (run_number) DO UPDATE SET keys = excluded.keys
    """
    connection.execute(query, (number, ",".join(keys)))
