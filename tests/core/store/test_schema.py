import contextlib
import json
import sqlite3

import pytest

from core.epoch import EpochRow
from core.errors import ConvDeckError
from core.store.records import RunRequest
from core.store.schema import UPGRADES, upgrade, wal_is_safe
from core.store.states import RunState
from core.store.store import Store
from tests.core.conftest import known_data
from tests.core.scheduling.fakes import CONFIG


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False), ((3, 50, 6), False),
        ((3, 50, 7), True), ((3, 51, 0), False), ((3, 51, 2), False), ((3, 51, 3), True), ((3, 52, 0), True),
    ],
)  # fmt: skip
def test_wal_is_used_where_it_is_mended(version, safe):
    assert wal_is_safe(version) is safe


def connect(path):
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


def test_a_newer_workspace_is_refused_in_words(workspace):
    Store(workspace).close()
    with connect(workspace.database) as connection:
        connection.execute(f"PRAGMA user_version = {len(UPGRADES) + 4}")
    with pytest.raises(ConvDeckError, match="written by a newer ConvDeck"):
        Store(workspace)


def test_an_older_workspace_is_copied_then_upgraded(workspace):
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(CONFIG))
    version = len(UPGRADES)
    step = ("ALTER TABLE runs ADD COLUMN colour TEXT", "UPDATE runs SET colour = 'green'")
    with connect(workspace.database) as connection:
        upgrade(connection, workspace.database, (*UPGRADES, step))
        assert connection.execute("SELECT id, colour FROM runs").fetchall() == [(run.id, "green")]
        assert connection.execute("PRAGMA user_version").fetchone() == (version + 1,)
    with connect(f"{workspace.database}.version-{version}") as connection:
        assert connection.execute("SELECT id FROM runs").fetchall() == [(run.id,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)


def test_a_workspace_from_before_runs_knew_their_data_opens(workspace):
    before = UPGRADES[:3]
    with connect(workspace.database) as connection:
        upgrade(connection, workspace.database, before)
        columns = "id, queue_number, name, state, config, config_id, dataset, created_at, total_epochs"
        values = ("abcdefghjk", 1, "old", "STOPPED", CONFIG.to_json(), CONFIG.config_id, "cifar10", 5.0, 10)
        connection.execute(f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * len(values))})", values)
    with Store(workspace) as store:
        (old,) = store.list_runs()
        assert (old.name, old.dataset_digest, old.class_names, old.data) == ("old", None, None, None)
        assert store.queue_run(RunRequest(CONFIG, data=known_data("d"))).data == known_data("d")


def test_runs_from_before_get_the_balanced_accuracy_of_their_best_epoch(workspace):
    # By hand: (8 / 8 + 1 / 2) / 2 at the best epoch, the second; class 3 has no pictures. 5 and 6 are even.
    for count, right, balanced, uneven in (
        ([8, 2, 0], [8, 1, 0], 0.75, True),
        ([5, 6, 0], [5, 3, 0], 0.75, False),
        ([15, 10, 0], [15, 5, 0], 0.75, False),
        ([20, 10, 0], [20, 5, 0], 0.75, True),
        ([9, 0, 0], [3, 0, 0], 1 / 3, False),
    ):
        workspace.database.unlink(missing_ok=True)
        with connect(workspace.database) as connection:
            upgrade(connection, workspace.database, UPGRADES[:5])
            columns = "id, queue_number, name, state, config, config_id, dataset, created_at, total_epochs, best_epoch"
            values = (
                "abcdefghjk",
                1,
                "old",
                "STOPPED",
                CONFIG.to_json(),
                CONFIG.config_id,
                "leaves",
                5.0,
                10,
                2,
            )
            connection.execute(
                f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * len(values))})", values
            )
            for epoch, found in ((1, [0, 0, 0]), (2, right)):
                details = json.dumps({"validation": {"count": count, "right": found}})
                connection.execute("INSERT INTO epoch_details VALUES (1, ?, 1, ?)", (epoch, details))
        with Store(workspace) as store:
            (old,) = store.list_runs()
            assert (old.balanced_accuracy, old.uneven_classes) == (pytest.approx(balanced), uneven)


def test_a_worker_from_before_balanced_accuracy_leaves_none_of_another_epoch(workspace):
    def row(epoch, accuracy):
        return EpochRow(
            epoch, val_accuracy=accuracy, details={"validation": {"count": [8, 2], "right": [8, 1]}}
        )

    with Store(workspace) as store:
        run = store.queue_run(RunRequest(CONFIG))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 9, 5, 0)
        store.record_epoch(run.id, 1, row(1, 0.5))
        assert store.get_run(run.id).balanced_accuracy == pytest.approx(0.75)
        old = """
            UPDATE runs SET
                best_val_accuracy = (SELECT max(val_accuracy) FROM epochs WHERE run_number = number),
                best_epoch = (
                    SELECT epoch FROM epochs WHERE run_number = number AND val_accuracy IS NOT NULL
                    ORDER BY val_accuracy DESC, epoch LIMIT 1
                )
            WHERE number = 1
        """
        for epoch, accuracy, balanced in ((2, 0.4, 0.75), (3, 0.6, None)):
            with connect(workspace.database) as connection:
                connection.execute(
                    "INSERT INTO epochs (run_number, epoch, attempt, val_accuracy) VALUES (1, ?, 1, ?)",
                    (epoch, accuracy),
                )
                connection.execute(old)
            found = store.get_run(run.id)
            assert (found.best_epoch, found.balanced_accuracy) == (1 if balanced else 3, balanced)
            assert found.balanced_where_uneven == balanced
        store.record_epoch(run.id, 1, row(4, 0.7))
        assert store.get_run(run.id).balanced_where_uneven == pytest.approx(0.75)


def test_visitors_from_before_classes_were_told_apart_stay(workspace):
    made = next(
        number for number, step in enumerate(UPGRADES) if any("current_class" in each for each in step)
    )
    with connect(workspace.database) as connection:
        upgrade(connection, workspace.database, UPGRADES[:made])
        connection.execute("INSERT INTO visitors VALUES ('a1', 'Anna', 'anna', 5.0)")
    with Store(workspace) as store:
        assert [(each.id, each.name, each.joined_at) for each in store.visitors.list_visitors()] == [
            ("a1", "Anna", 5.0)
        ]


def test_a_run_from_before_alerts_is_watched_by_a_rule_that_is_added(workspace):
    made = next(number for number, step in enumerate(UPGRADES) if any("alert_rules" in each for each in step))
    with connect(workspace.database) as connection:
        upgrade(connection, workspace.database, UPGRADES[:made])
        columns = (
            "id, queue_number, name, state, config, config_id, dataset, created_at, started_at, total_epochs"
        )
        values = (
            "abcdefghjk",
            1,
            "old",
            "PAUSED",
            CONFIG.to_json(),
            CONFIG.config_id,
            "shapes",
            5.0,
            6.0,
            10,
        )
        connection.execute(f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * len(values))})", values)
    with Store(workspace) as store:
        store.transition("abcdefghjk", RunState.RUNNING, expected=RunState.PAUSED)
        assert not store.alerts.has_work()
        store.alerts.add_rule("all", ["finished"], "http://127.0.0.1:9/", None, public_only=False)
        store.transition("abcdefghjk", RunState.FINISHED, expected=RunState.RUNNING)
        assert [(each.subject, each.id) for each in store.alerts.watched()] == [("run", "abcdefghjk")]


def test_an_upgrade_that_fails_changes_nothing(workspace):
    Store(workspace).close()
    step = ("ALTER TABLE runs ADD COLUMN colour TEXT", "INSERT INTO nowhere VALUES (1)")
    with connect(workspace.database) as connection:
        with pytest.raises(sqlite3.OperationalError):
            upgrade(connection, workspace.database, (*UPGRADES, step))
        assert "colour" not in [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(UPGRADES),)


def test_a_damaged_database_is_named(workspace):
    workspace.database.write_bytes(b"this is no database" * 1000)
    with pytest.raises(ConvDeckError, match="damaged"):
        Store(workspace)


@pytest.mark.parametrize(("mode", "kept"), [("wal", "wal"), ("truncate", "delete")])
def test_journal_mode(workspace, mode, kept):
    """A rollback journal is a connection's own choice; WAL is written into the file."""
    Store(workspace, journal_mode=mode).close()
    with connect(workspace.database) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (kept,)


def test_a_workspace_in_wal_mode_goes_back_to_a_journal(workspace):
    with Store(workspace, journal_mode="wal") as store:
        run = store.queue_run(RunRequest(CONFIG))
    with Store(workspace, journal_mode="truncate") as store:
        assert store.get_run(run.id) == run
    with connect(workspace.database) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
