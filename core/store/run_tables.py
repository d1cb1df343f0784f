"""The SQL on each table, as functions to be called inside a transaction that the store has opened."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from core.epoch import CURVE_KEYS, Curves, EpochRow
from core.errors import IllegalTransition, RunNotFound, StaleAttempt
from core.store.class_accuracy import class_counts
from core.store.database import reading
from core.store.records import (
    RUN_COLUMNS,
    RUN_ID,
    FinishedRun,
    LogLine,
    Run,
    RunData,
    RunRequest,
    check_name,
    finite,
    new_run_id,
    run_from_row,
)
from core.store.rights import check_room_in_queue, check_run
from core.store.states import ACTIVE, FINAL, TRANSITIONS, RunState
from core.visitors.person import acting_person

MAX_LOG_CHARACTERS = 4000

# Without those in the trash, as everything here but names and numbers that are in use.
SELECT_RUN = f"SELECT {', '.join(RUN_COLUMNS)} FROM live_runs"
FINAL_STATES = ", ".join(f"'{state}'" for state in sorted(FINAL))
# By a study or a sweep, as one of several.
STARTED_AS_ONE_OF_SEVERAL = """(
    EXISTS (SELECT 1 FROM study_runs WHERE run_number = number AND NOT json_extract(role, '$.reused'))
    OR EXISTS (SELECT 1 FROM trial_runs WHERE run_number = number AND NOT is_reused)
)"""
ACTIVE_STATES = ", ".join(f"'{state}'" for state in sorted(ACTIVE))

_LAST_GAPS = """
    SELECT epoch, clean_train_accuracy - val_accuracy AS gap FROM epochs
    WHERE run_number = number AND clean_train_accuracy IS NOT NULL AND val_accuracy IS NOT NULL
    ORDER BY epoch DESC LIMIT 3
"""
_HAS_CLEAN = "EXISTS (SELECT 1 FROM epochs WHERE run_number = number AND clean_train_accuracy IS NOT NULL)"
# Of a run that another tool has recorded, which knows no clean accuracies.
_LAST_RECORDED_GAPS = """
    SELECT epoch, train_accuracy - val_accuracy AS gap FROM epochs
    WHERE run_number = number AND train_accuracy IS NOT NULL AND val_accuracy IS NOT NULL
    ORDER BY epoch DESC LIMIT 3
"""
# Derived from the rows each time, so that they cannot drift from them: 0.1 ms with 200 epochs. The gap is the one that
# `core.analysis.signals.gaps_of` ends with, so that a list needs no curves.
_SUMMARISE = f"""
    UPDATE runs SET
        epoch = coalesce((SELECT max(epoch) FROM epochs WHERE run_number = number), 0),
        best_val_accuracy = (SELECT max(val_accuracy) FROM epochs WHERE run_number = number),
        best_epoch = (
            SELECT epoch FROM epochs WHERE run_number = number AND val_accuracy IS NOT NULL
            ORDER BY val_accuracy DESC, epoch LIMIT 1
        ),
        gap = CASE
            WHEN NOT {_HAS_CLEAN} AND (SELECT count(*) FROM ({_LAST_RECORDED_GAPS})) = 3
                THEN (SELECT min(gap) FROM ({_LAST_RECORDED_GAPS}))
            WHEN NOT {_HAS_CLEAN} THEN (SELECT gap FROM ({_LAST_RECORDED_GAPS}) ORDER BY epoch DESC LIMIT 1)
            WHEN (SELECT count(*) FROM ({_LAST_GAPS})) = 3
                THEN (SELECT gap FROM ({_LAST_GAPS}) ORDER BY gap LIMIT 1 OFFSET 1)
            ELSE (SELECT gap FROM ({_LAST_GAPS}) ORDER BY epoch DESC LIMIT 1)
        END
    WHERE number = ?
"""
_MARKS = ", ".join("?" * (len(CURVE_KEYS) + 2))
_INSERT_EPOCH = (
    f"INSERT OR REPLACE INTO epochs (run_number, attempt, {', '.join(CURVE_KEYS)}) VALUES ({_MARKS})"
)
_BEST_VALIDATION = """
    SELECT json_extract(details, '$.validation') FROM epoch_details JOIN runs ON run_number = number
    WHERE number = ? AND epoch_details.epoch = best_epoch
"""


def get(connection: sqlite3.Connection, run_id: str) -> tuple[int, Run]:
    """(row number, run). Raises RunNotFound."""
    row = None
    if isinstance(run_id, str) and RUN_ID.fullmatch(run_id):
        query = f"SELECT number, {', '.join(RUN_COLUMNS)} FROM live_runs WHERE id = ?"
        row = connection.execute(query, (run_id,)).fetchone()
    if row is None:
        raise _missing(connection, run_id)
    return row[0], run_from_row(row[1:])


def _missing(connection: sqlite3.Connection, run_id: object) -> RunNotFound:
    row = None
    if isinstance(run_id, str) and RUN_ID.fullmatch(run_id):
        # 0 once its files are being deleted.
        query = "SELECT name FROM runs WHERE id = ? AND deleted_at > 0"
        row = connection.execute(query, (run_id,)).fetchone()
    if row is None:
        return RunNotFound(f"There is no run with the id {str(run_id)[:40]!r}.")
    return RunNotFound(
        f"“{row[0]}” ({run_id}) is in the trash. Restore it on the Runs page, or with python -m core restore {run_id}."
    )


def get_numbered(connection: sqlite3.Connection, number: int) -> Run:
    """The run in a row that is known to be there, or in the trash."""
    query = f"SELECT {', '.join(RUN_COLUMNS)} FROM runs WHERE number = ?"
    return run_from_row(connection.execute(query, (number,)).fetchone())


def get_current(
    connection: sqlite3.Connection, run_id: str, attempt: int, states: Collection[RunState] | None = ACTIVE
) -> tuple[int, Run]:
    """(row number, run) of an attempt that is the current one, in one of `states` (None: any)."""
    try:
        number, run = get(connection, run_id)
    except RunNotFound:
        raise StaleAttempt(f"Run {run_id} was deleted.") from None
    if run.attempt != attempt:
        raise StaleAttempt(f"Attempt {attempt} of run {run_id} is over; {run.attempt} is the current one.")
    if states is not None and run.state not in states:
        raise StaleAttempt(f"Attempt {attempt} of run {run_id} is over: the run is {run.state.lower()}.")
    return number, run


def update(connection: sqlite3.Connection, number: int, changes: Mapping[str, object]) -> None:
    """Set columns of a run."""
    assignments = ", ".join(f"{column} = ?" for column in changes)
    connection.execute(f"UPDATE runs SET {assignments} WHERE number = ?", (*changes.values(), number))


def enter(
    connection: sqlite3.Connection,
    now: float,
    number: int,
    run: Run,
    to: RunState,
    fields: Mapping[str, object],
) -> None:
    """Change the state of a run, and with it what cannot outlive the former one. Raises IllegalTransition."""
    if to not in TRANSITIONS[run.state]:
        raise IllegalTransition(f"A run cannot go from {run.state} to {to}.")
    changes: dict[str, object] = {"state": to}
    if to is RunState.WAITING:
        # A process that is still ending holds the former device, which a new scheduler must be able to see.
        device = run.device if run.pid is not None else None
        changes |= {
            "attempt": run.attempt + 1, "queue_number": next_in_queue(connection), "device": device,
            "started_at": None, "ended_at": None, "error": None, "next_step": None, "heartbeat": None,
        }  # fmt: skip
    elif to.is_finished:
        began = run.created_at if run.started_at is None else run.started_at
        changes |= {
            "ended_at": max(began, now),  # the clock may have been set back meanwhile
            "stop_requested": False, "pause_requested": False,
            "batch": 0, "batch_loss": None, "batch_accuracy": None,
        }  # fmt: skip
        connection.execute("DELETE FROM leases WHERE run_number = ?", (number,))
        close_open_requests(connection, number, to)
    elif run.state is RunState.STARTING:
        changes |= {"started_at": max(run.created_at, now)}
    update(connection, number, changes | dict(fields))


def request_stop(connection: sqlite3.Connection, now: float, run_id: str) -> None:
    """A waiting run is STOPPED at once; an active one at its next batch. Raises RunNotFound, IllegalTransition."""
    number, run = get(connection, run_id)
    check_run(connection, run, "stop")
    if run.state is RunState.WAITING:
        enter(connection, now, number, run, RunState.STOPPED, {})
    elif run.state.is_active:
        update(connection, number, {"stop_requested": True})
    else:
        raise IllegalTransition(f"“{run.name}” is {run.state.lower()} already; there is nothing to stop.")


def resume(connection: sqlite3.Connection, now: float, run_id: str) -> None:
    """Put a run that has not finished in the queue again. Raises RunNotFound, NotAllowed, IllegalTransition; RunError
    where too many of its visitor wait.
    """
    number, run = get(connection, run_id)
    check_run(connection, run, "resume")
    if run.state.can_resume and not run.can_resume:
        raise IllegalTransition(without_checkpoints(run))
    if not run.state.can_resume:
        reason = "has finished" if run.state.is_finished else f"is {run.state.lower()}"
        raise IllegalTransition(
            f"“{run.name}” {reason}; only a stopped, interrupted or failed run can be resumed."
        )
    check_room_in_queue(connection)
    enter(connection, now, number, run, RunState.WAITING, {})


def without_checkpoints(run: Run) -> str:
    """Why an imported run cannot go on, in a sentence."""
    if (tool := run.recorded_by) is not None:
        return f"“{run.name}” was imported from {tool}: ConvDeck has its curves alone, so it cannot be trained here."
    return f"“{run.name}” was imported, and a bundle has no checkpoints to continue from. Fork it instead."


def close_open_requests(connection: sqlite3.Connection, number: int, ended_in: RunState) -> None:
    """Answer the requests that can no longer be carried out. A learning rate waits for a run that can be resumed."""
    kept = "" if ended_in is RunState.FINISHED else "AND kind <> 'learning_rate'"
    # Only a step takes effect some time before it has an outcome.
    outcome = "CASE WHEN applied_at IS NULL THEN ? ELSE ? END"
    query = f"UPDATE interventions SET outcome = {outcome} WHERE run_number = ? AND outcome IS NULL {kept}"
    connection.execute(query, ("The run ended first.", "Resumed, and then the run ended.", number))


def insert(connection: sqlite3.Connection, **values: object) -> None:
    """Add a run."""
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO runs ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


def add_run(connection: sqlite3.Connection, now: float, request: RunRequest) -> int:
    """Add a run at the end of the queue. `request` has been checked. Returns its row number."""
    config = request.config
    insert(
        connection,
        id=new_run_id(),
        token=request.token,
        queue_number=next_in_queue(connection),
        name=request.name or numbered_name(connection, request.preset or config.dataset.id),
        state=RunState.WAITING,
        config=config.to_json(),
        config_id=config.config_id,
        dataset=config.dataset.id,
        preset=request.preset,
        parent_id=request.parent_id,
        visitor=acting_person().id,
        created_at=now,
        total_epochs=config.training.epochs,
        **({} if request.data is None else data_columns(request.data)),
    )
    return int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])


def data_columns(data: RunData) -> dict[str, object]:
    """The columns that say what a run was started on."""
    return {
        "dataset_digest": data.digest,
        "class_names": json.dumps(list(data.class_names)),
        "data_num_train": data.num_train,
        "data_num_validation": data.num_validation,
    }


def count_by_state(connection: sqlite3.Connection) -> dict[RunState, int]:
    """How many runs are in each state, 0 included."""
    counts = dict.fromkeys(RunState, 0)
    for state, count in connection.execute("SELECT state, count(*) FROM live_runs GROUP BY state"):
        with reading("a run"):
            counts[RunState(state)] = count
    return counts


def has_work(connection: sqlite3.Connection) -> bool:
    """Whether a run waits, is active, or has a process that is not known to be gone."""
    states = f"'WAITING', {ACTIVE_STATES}"
    query = f"SELECT EXISTS (SELECT 1 FROM live_runs WHERE state IN ({states}) OR pid IS NOT NULL)"
    return bool(connection.execute(query).fetchone()[0])


def never_had_runs(connection: sqlite3.Connection) -> bool:
    """Whether no run was ever added, not even one that was deleted since."""
    query = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'runs')"
    return bool(connection.execute(query).fetchone()[0])


def insert_finished(connection: sqlite3.Connection, run: FinishedRun, time: float) -> None:
    """Add a run that was trained elsewhere. It has no start and no device here."""
    insert(
        connection, id=run.id, queue_number=next_in_queue(connection), name=check_name(run.name),
        state=RunState.FINISHED, config=run.config.to_json(), config_id=run.config.config_id,
        dataset=run.config.dataset.id, preset=run.preset, created_at=time, ended_at=time,
        total_epochs=run.config.training.epochs,
    )  # fmt: skip
    number, _ = get(connection, run.id)
    for row in run.epochs:
        write_epoch(connection, number, 1, row)
    append_log(connection, number, time, 1, "info", run.log)


def next_in_queue(connection: sqlite3.Connection) -> int:
    """The number behind all others in the queue."""
    return int(connection.execute("SELECT coalesce(max(queue_number), 0) + 1 FROM runs").fetchone()[0])


def numbered_name(connection: sqlite3.Connection, base: str) -> str:
    """The base and the first number after those in use: `cifar10 3`."""
    base = check_name(base[:100])
    query = "SELECT name FROM runs WHERE substr(name, 1, ?) = ?"
    taken = (name[len(base) + 1 :] for (name,) in connection.execute(query, (len(base) + 1, f"{base} ")))
    return f"{base} {max((int(end) for end in taken if end.isascii() and end.isdigit()), default=0) + 1}"


def read_curves(connection: sqlite3.Connection, number: int) -> Curves:
    """Equal-length lists under CURVE_KEYS, in the order of the epochs."""
    query = f"SELECT {', '.join(CURVE_KEYS)} FROM epochs WHERE run_number = ? ORDER BY epoch"
    rows = connection.execute(query, (number,)).fetchall()
    columns = zip(*rows, strict=True) if rows else ([] for _ in CURVE_KEYS)
    return {key: list(column) for key, column in zip(CURVE_KEYS, columns, strict=True)}


def last_val_accuracies(
    connection: sqlite3.Connection, run_ids: Collection[str], count: int
) -> dict[str, list[float | None]]:
    """Those of the last `count` epochs of each run, oldest first; empty for a run that does not exist."""
    found: dict[str, list[float | None]] = {run_id: [] for run_id in run_ids}
    query = """
        SELECT runs.id, val_accuracy FROM live_runs AS runs JOIN epochs ON run_number = number
        WHERE runs.id IN (SELECT value FROM json_each(?)) AND epochs.epoch > runs.epoch - ?
        ORDER BY number, epochs.epoch
    """
    for run_id, value in connection.execute(query, (json.dumps(list(found)), count)):
        found[run_id].append(value)
    return found


def write_epoch(connection: sqlite3.Connection, number: int, attempt: int, row: EpochRow) -> None:
    """With its details, in place of the former row of that epoch, if there is one."""
    insert_epoch(connection, number, attempt, row)
    summarise(connection, number)


def insert_epoch(connection: sqlite3.Connection, number: int, attempt: int, row: EpochRow) -> None:
    """`write_epoch` of one of several: `summarise` has to follow."""
    epoch = row.epoch
    connection.execute(_INSERT_EPOCH, (number, attempt, *_values(row)))
    if row.details is None:
        connection.execute("DELETE FROM epoch_details WHERE run_number = ? AND epoch = ?", (number, epoch))
    else:
        query = (
            "INSERT OR REPLACE INTO epoch_details (run_number, epoch, attempt, details) VALUES (?, ?, ?, ?)"
        )
        text = json.dumps(row.details, separators=(",", ":"))
        connection.execute(query, (number, epoch, attempt, text))


def curve_values(rows: Sequence[EpochRow]) -> list[tuple[float | None, ...]]:
    """What `insert_curves` writes, made before its transaction begins."""
    return [_values(row) for row in rows]


def insert_curves(
    connection: sqlite3.Connection, number: int, attempt: int, values: Sequence[tuple[float | None, ...]]
) -> None:
    """All epochs of a run that has none yet and no details; `summarise` has to follow."""
    connection.executemany(_INSERT_EPOCH, ((number, attempt, *each) for each in values))


def _values(row: EpochRow) -> tuple[float | None, ...]:
    """In the order of CURVE_KEYS."""
    return (row.epoch, *(finite(getattr(row, key)) for key in CURVE_KEYS[1:]))


def forget_epochs(connection: sqlite3.Connection, number: int, after: int) -> None:
    """Remove the epochs above `after`, and their details."""
    connection.execute("DELETE FROM epochs WHERE run_number = ? AND epoch > ?", (number, after))
    connection.execute("DELETE FROM epoch_details WHERE run_number = ? AND epoch > ?", (number, after))
    summarise(connection, number)


def summarise(connection: sqlite3.Connection, number: int) -> None:
    """What is derived of the epochs of a run: best epoch, gap, balanced accuracy."""
    connection.execute(_SUMMARISE, (number,))
    # Not in SQL: there, to pair the numbers of 1,000 classes took 0.1 s.
    row = connection.execute(_BEST_VALIDATION, (number,)).fetchone()
    classes = class_counts([json.loads(row[0])]) if row and row[0] else None
    known = classes is not None and bool(classes.count.any())
    update(
        connection,
        number,
        {
            "balanced_accuracy": float(classes.balanced_accuracy[-1]) if classes and known else None,
            "uneven_classes": bool(classes and classes.is_uneven),
        },
    )


def read_log(connection: sqlite3.Connection, number: int, after: int) -> list[LogLine]:
    """The lines with a number above `after`, in order."""
    query = (
        "SELECT number, time, attempt, level, text FROM log WHERE run_number = ? AND number > ? ORDER BY 1"
    )
    return [LogLine(*row) for row in connection.execute(query, (number, after))]


def append_log(
    connection: sqlite3.Connection, number: int, time: float, attempt: int, level: str, text: str
) -> None:
    """Add a line, cut to MAX_LOG_CHARACTERS."""
    # Surrogates, which come from file names in odd encodings, cannot be stored as text.
    clean = text.encode("utf-8", "replace").decode()[:MAX_LOG_CHARACTERS]
    query = "INSERT INTO log (run_number, time, attempt, level, text) VALUES (?, ?, ?, ?, ?)"
    connection.execute(query, (number, time, attempt, level, clean))
