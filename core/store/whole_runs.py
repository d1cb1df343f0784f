"""Runs as a whole: read to be packed into a bundle, and added from one, all of it in one transaction."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from core.config import ExperimentConfig
from core.config.dataset import NOT_KNOWN
from core.epoch import CURVE_KEYS, EpochRow
from core.errors import IllegalTransition
from core.store import rights, run_tables
from core.store.database import Database, reading
from core.store.notes import Notes
from core.store.records import Origin, RecordedRun, Run, check_name, new_run_id
from core.store.run_record import (
    MAX_LOG_LINES,
    Data,
    Ended,
    EpochRecord,
    InterventionRecord,
    LineRecord,
    NamedRun,
    NoteRecord,
    RunRecord,
    Source,
    WholeRun,
    as_plain,
)
from core.store.states import RunState
from core.visitors.person import acting_person

_NOT_CARRIED_OUT = "The run was exported before it was carried out."


class WholeRuns:
    """The part of the store that gives and takes whole runs."""

    def __init__(self, database: Database, clock: Callable[[], float], notes: Notes) -> None:
        self._database = database
        self._clock = clock
        self._notes = notes

    def read(self, run_id: str, machine: str | None) -> WholeRun:
        """All that is kept of a run that has ended, at one moment; `machine` is this computer's processor.

        Raises RunNotFound; IllegalTransition for a run that has not ended; RunError where its settings cannot be read.
        """
        with self._database.reading() as connection:
            number, run = run_tables.get(connection, run_id)
            if not run.state.is_finished:
                raise IllegalTransition(
                    f"“{run.name}” is {run.state.lower()}. A bundle is of a run that has ended: stop it, or wait."
                )
            config = run.config
            with reading("a run"):
                return _read(connection, number, run, config, machine)

    def add(self, whole: WholeRun, run_id: str, source: Source, before_commit: Callable[[], None]) -> Run:
        """A run under a new id, of the acting person. `whole` has been checked; `before_commit` brings its files.

        Where that raises, or the process ends before all is done, the store is as it was. Raises NotAllowed for one of
        whom the class knows nothing.
        """
        with self._database.writing(visitors=True) as connection:
            rights.check_joined()
            number = _add(connection, self._clock(), whole, run_id, source)
            if (note := whole.record.note) is not None:
                self._notes.take_over(
                    connection, run_id, note.expectation, note.outcome, note.created_at, note.changed_at
                )
            before_commit()
            return run_tables.get_numbered(connection, number)

    def add_recorded(self, recorded: Sequence[RecordedRun]) -> list[Run]:
        """Finished runs of the acting person, with the curves that another tool has recorded; all of them or none.

        Raises RunError for a name; NotAllowed for one of whom the class knows nothing.
        """
        values = [run_tables.curve_values(each.epochs) for each in recorded]
        with self._database.writing(visitors=True) as connection:
            rights.check_joined()
            numbers = [
                _add_recorded(connection, self._clock(), each, curves)
                for each, curves in zip(recorded, values, strict=True)
            ]
            return [run_tables.get_numbered(connection, number) for number in numbers]

    def is_known(self, run_id: str) -> bool:
        """Whether there is such a run, also in the trash."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone() is not None

    def parent_of(self, run: Run) -> NamedRun | None:
        """The run that one was forked from, with its name where that is known."""
        with self._database.reading() as connection:
            return _parent(connection, run)

    def free_id(self) -> str:
        """An id that no run has."""
        while self.is_known(run_id := new_run_id()):
            pass
        return run_id


def _read(
    connection: sqlite3.Connection, number: int, run: Run, config: ExperimentConfig, machine: str | None
) -> WholeRun:
    tags = connection.execute("SELECT tag FROM run_tags WHERE run_number = ? ORDER BY tag", (number,))
    record = RunRecord(
        name=run.name, state=cast(Ended, run.state.value), attempt=run.attempt, config=config.to_dict(),
        preset=run.preset, device=run.device, machine=machine if run.origin is None else run.origin.machine,
        parent=_parent(connection, run), created_at=run.created_at, started_at=run.started_at, ended_at=run.ended_at,
        error=run.error, next_step=run.next_step, total_epochs=run.total_epochs, added_epochs=run.added_epochs,
        total_batches=run.total_batches, images_per_second=run.images_per_second,
        data=None if run.data is None else Data(
            run.data.digest, list(run.data.class_names), run.data.num_train, run.data.num_validation
        ),
        tags=[tag for (tag,) in tags], note=_note(connection, run.id), interventions=_interventions(connection, number),
    )  # fmt: skip
    details = dict(
        connection.execute(
            "SELECT epoch, details FROM epoch_details WHERE run_number = ?", (number,)
        ).fetchall()
    )
    query = f"SELECT attempt, {', '.join(CURVE_KEYS)} FROM epochs WHERE run_number = ? ORDER BY epoch"
    epochs = [
        {
            "attempt": attempt, **dict(zip(CURVE_KEYS, values, strict=True)),
            "details": json.loads(details[values[0]]) if values[0] in details else None,
        }
        for attempt, *values in connection.execute(query, (number,))
    ]  # fmt: skip
    query = f"""
        SELECT time, attempt, level, text FROM
            (SELECT * FROM log WHERE run_number = ? ORDER BY number DESC LIMIT {MAX_LOG_LINES})
        ORDER BY number
    """
    log = tuple(LineRecord(*row) for row in connection.execute(query, (number,)))
    return WholeRun(record, msgspec.convert(epochs, tuple[EpochRecord, ...]), log)


def _parent(connection: sqlite3.Connection, run: Run) -> NamedRun | None:
    if run.parent_id is None:
        return None
    row = connection.execute("SELECT name FROM runs WHERE id = ?", (run.parent_id,)).fetchone()
    named = None if run.origin is None else run.origin.parent_name
    return NamedRun(run.parent_id, named if row is None else row[0])


def _note(connection: sqlite3.Connection, run_id: str) -> NoteRecord | None:
    query = "SELECT expectation, outcome, created_at, changed_at FROM notes WHERE token = ?"
    row = connection.execute(query, (run_id,)).fetchone()
    return None if row is None else NoteRecord(*row)


def _interventions(connection: sqlite3.Connection, number: int) -> list[InterventionRecord]:
    query = """
        SELECT kind, value, asked_at, attempt, applied_at, epoch, coalesce(outcome, ?) FROM interventions
        WHERE run_number = ? ORDER BY number
    """
    return [InterventionRecord(*row) for row in connection.execute(query, (_NOT_CARRIED_OUT, number))]


def _add(connection: sqlite3.Connection, now: float, whole: WholeRun, run_id: str, source: Source) -> int:
    record = whole.record
    config = record.read_config()
    parent_id, parent = None, record.parent
    if parent is not None:
        # A parent that was imported too has another id here.
        query = """
            SELECT id FROM live_runs WHERE id = :parent OR json_extract(origin, '$.run') = :parent
            ORDER BY id <> :parent, number DESC LIMIT 1
        """
        row = connection.execute(query, {"parent": parent.id}).fetchone()
        parent_id = parent.id if row is None else row[0]
    origin = Origin(
        source.run, source.exported_at, now, source.convdeck, record.machine,
        None if parent is None else parent.id, None if parent is None else parent.name,
    )  # fmt: skip
    run_tables.insert(
        connection, id=run_id, queue_number=run_tables.next_in_queue(connection), name=record.name.strip(),
        state=record.state, attempt=record.attempt, config=config.to_json(), config_id=config.config_id,
        dataset=config.dataset.id, preset=record.preset, parent_id=parent_id, visitor=acting_person().id,
        device=record.device, created_at=record.created_at, started_at=record.started_at, ended_at=record.ended_at,
        error=record.error, next_step=record.next_step, total_epochs=record.total_epochs,
        added_epochs=record.added_epochs, total_batches=record.total_batches,
        images_per_second=record.images_per_second, origin=origin.to_json(),
        **({} if (data := record.data) is None else {
            "dataset_digest": data.digest, "class_names": json.dumps(data.class_names),
            "data_num_train": data.num_train, "data_num_validation": data.num_validation,
        }),
    )  # fmt: skip
    number, _ = run_tables.get(connection, run_id)
    for each in whole.epochs:
        details = None if each.details is None else as_plain(each.details)
        row = EpochRow(**{key: getattr(each, key) for key in CURVE_KEYS}, details=details)
        run_tables.insert_epoch(connection, number, each.attempt, row)
    run_tables.summarise(connection, number)
    for line in whole.log:
        run_tables.append_log(connection, number, line.time, line.attempt, line.level, line.text)
    query = "INSERT INTO run_tags (run_number, tag) VALUES (?, ?)"
    connection.executemany(query, [(number, tag.strip()) for tag in record.tags])
    query = """
        INSERT INTO interventions (kind, value, asked_at, attempt, applied_at, epoch, outcome, run_number)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    """
    connection.executemany(query, [(*msgspec.structs.astuple(each), number) for each in record.interventions])
    return number


def _add_recorded(
    connection: sqlite3.Connection,
    now: float,
    recorded: RecordedRun,
    values: Sequence[tuple[float | None, ...]],
) -> int:
    """Its settings are null, which no ConvDeck reads as some; its id of a config is that of no other run."""
    run_id = new_run_id()
    origin = Origin(None, None, now, None, tool=recorded.tool)
    broken = recorded.nan_epoch
    error = None if broken is None else f"The loss became NaN in epoch {broken}."
    run_tables.insert(
        connection, id=run_id, queue_number=run_tables.next_in_queue(connection), name=check_name(recorded.name),
        state=RunState.FAILED if error else RunState.FINISHED, config="null",
        config_id=hashlib.sha256(run_id.encode()).hexdigest(),
        dataset=NOT_KNOWN, visitor=acting_person().id, created_at=now, ended_at=now,
        total_epochs=max(row.epoch for row in recorded.epochs), origin=origin.to_json(),
        data_num_validation=recorded.num_validation, error=error,
        next_step=error and "Train it again where it was trained, with a lower learning rate.",
    )  # fmt: skip
    number, _ = run_tables.get(connection, run_id)
    run_tables.insert_curves(connection, number, 1, values)
    run_tables.summarise(connection, number)
    for line in recorded.log:
        run_tables.append_log(connection, number, now, 1, "info", line)
    return number
