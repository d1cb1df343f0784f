"""What a damaged database leads to: a sentence with its path and what to do, whatever was read."""

import contextlib
import sqlite3
from collections.abc import Callable

import pytest

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.errors import ConvDeckError
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.store.studies import NewRun

CONFIG = PRESETS["tiny"].config


@pytest.fixture
def store(workspace) -> Store:
    """One run of a study, with an epoch and a note."""
    store = Store(workspace)
    store.studies.create("seeds", "A study", "{}", [NewRun({"condition": "base"}, RunRequest(CONFIG, "one"))])
    (run,) = store.list_runs()
    store.claim(run.id, ["cpu"])
    store.record_started(run.id, 1, 3, 10, 0)
    store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.5, details={}))
    store.notes.write([run.id], outcome="As expected.")
    return store


READINGS: dict[str, Callable[[Store], object]] = {
    "list": lambda store: store.list_runs(),
    "find": lambda store: store.find_runs(limit=5),
    "search": lambda store: store.find_runs("one", limit=5),
    "active": lambda store: store.active_runs(),
    "queue": lambda store: store.queue_run(RunRequest(CONFIG, token="t")),
    "counts": lambda store: store.count_by_state(),
    "members": lambda store: store.studies.members(store.studies.list_studies()[0].id),
    "fill": lambda store: store.studies.fill(store.studies.list_studies()[0].id, []),
    "notes": lambda store: store.notes.list_notes(),
    "breakdown": lambda store: store.breakdowns.read(one(store)),
}


def one(store: Store) -> str:
    with contextlib.closing(sqlite3.connect(store.workspace.database)) as connection:
        return connection.execute("SELECT id FROM runs").fetchone()[0]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("UPDATE runs SET state = 'STOPPEE'", {"list", "find", "search", "counts", "members"}),
        ("UPDATE runs SET state = CAST(x'ff4f' AS TEXT)", {"list", "find", "search", "counts", "members"}),
        ("UPDATE study_runs SET role = '{\"role\": '", {"members", "fill"}),
        ("UPDATE study_runs SET role = '[]'", {"members", "fill"}),
        ("UPDATE study_runs SET role = '" + 100_000 * "[" + "'", {"members", "fill"}),
        ("UPDATE notes SET runs = '[{}]'", {"notes"}),
        ("UPDATE notes SET runs = 'null'", {"notes"}),
        ("UPDATE epoch_details SET details = '{'", {"breakdown"}),
        ("UPDATE epoch_details SET details = '{\"clean\": 1}'", {"breakdown"}),
    ],
)
def test_a_damaged_row_says_how_to_restore_and_leaves_the_rest(store, change: str, names: set[str]) -> None:
    with contextlib.closing(sqlite3.connect(store.workspace.database)) as connection:
        connection.execute(change)
        connection.commit()
    for name in names:
        with pytest.raises(ConvDeckError) as caught:
            READINGS[name](store)
        assert type(caught.value) is ConvDeckError
        assert str(caught.value).startswith(f"The database {store.workspace.database} is damaged: "), name
        assert "put a copy of the file in its place, or set CONVDECK_HOME" in str(caught.value)
    others = {"notes", "counts"} - names
    for name in others:
        READINGS[name](store)
    # No connection was lost or left in a transaction.
    store.queue_run(RunRequest(CONFIG))


def test_a_value_of_another_type_is_damage_too(store, workspace) -> None:
    """As where a page of the file was overwritten: SQLite itself refuses to write it."""
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'STRICT', '') WHERE name = 'runs'")
        connection.commit()
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        connection.execute("UPDATE runs SET created_at = 'yesterday'")
        connection.commit()
    with pytest.raises(ConvDeckError, match="is damaged: a run cannot be read"):
        store.list_runs()


def test_a_copy_from_before_an_upgrade_is_named(store, workspace) -> None:
    for version in (1, 2):
        workspace.database.with_name(f"{workspace.database.name}.version-{version}").write_bytes(b"")
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        connection.execute("UPDATE runs SET state = 'x'")
        connection.commit()
    with pytest.raises(ConvDeckError, match=r"there is convdeck\.sqlite3\.version-2, from before an upgrade"):
        store.count_by_state()


def test_what_callers_raise_is_not_taken_for_damage(store) -> None:
    assert store.count_by_state()[RunState.RUNNING] == 1
    with pytest.raises(ValueError, match="mine"), store._database.reading():
        raise ValueError("mine")
