"""The tables of a workspace's database, its version, and the way from an older one."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from core.errors import ConvDeckError

# Each entry takes the database one version up; an empty file is version 0. Entries are never changed once
# released, only added.
UPGRADES: tuple[Sequence[str], ...] = (
    (
        """
        CREATE TABLE runs (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            token TEXT UNIQUE,
            queue_number INTEGER NOT NULL,
            name TEXT NOT NULL,
            state TEXT NOT NULL,
            attempt INTEGER NOT NULL DEFAULT 1,
            config TEXT NOT NULL,
            config_id TEXT NOT NULL,
            dataset TEXT NOT NULL,
            preset TEXT,
            device TEXT,
            created_at REAL NOT NULL,
            started_at REAL,
            ended_at REAL,
            error TEXT,
            next_step TEXT,
            stop_requested INTEGER NOT NULL DEFAULT 0,
            epoch INTEGER NOT NULL DEFAULT 0,
            total_epochs INTEGER NOT NULL,
            batch INTEGER NOT NULL DEFAULT 0,
            total_batches INTEGER NOT NULL DEFAULT 0,
            batch_loss REAL,
            batch_accuracy REAL,
            images_per_second REAL,
            pid INTEGER,
            pid_started REAL,
            best_epoch INTEGER,
            best_val_accuracy REAL,
            gap REAL,
            heartbeat REAL
        ) STRICT
        """,
        "CREATE INDEX runs_by_state ON runs (state, queue_number)",
        "CREATE INDEX runs_with_process ON runs (pid) WHERE pid IS NOT NULL",
        """
        CREATE TABLE epochs (
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            epoch INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            train_loss REAL,
            train_accuracy REAL,
            clean_train_loss REAL,
            clean_train_accuracy REAL,
            val_loss REAL,
            val_accuracy REAL,
            learning_rate REAL,
            seconds REAL,
            images_per_second REAL,
            PRIMARY KEY (run_number, epoch)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE log (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            time REAL NOT NULL,
            attempt INTEGER NOT NULL,
            level TEXT NOT NULL,
            text TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX log_by_run ON log (run_number, number)",
        """
        CREATE TABLE leases (
            device TEXT PRIMARY KEY,
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX leases_by_run ON leases (run_number)",
    ),
    # Forks. No reference: a parent may be deleted, and what it was is in the fork's own settings.
    ("ALTER TABLE runs ADD COLUMN parent_id TEXT",),
    (
        # What a person does to a run while it trains. `epoch` is the last finished one when it took effect.
        "ALTER TABLE runs ADD COLUMN pause_requested INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN added_epochs INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TABLE interventions (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            kind TEXT NOT NULL,
            value REAL,
            asked_at REAL NOT NULL,
            attempt INTEGER NOT NULL,
            applied_at REAL,
            epoch INTEGER,
            outcome TEXT
        ) STRICT
        """,
        "CREATE INDEX interventions_by_run ON interventions (run_number, number)",
        # What is measured in an epoch beyond its row: for each class, for corrupted labels, for followed pictures.
        """
        CREATE TABLE epoch_details (
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            epoch INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            details TEXT NOT NULL,
            PRIMARY KEY (run_number, epoch)
        ) STRICT, WITHOUT ROWID
        """,
        # Several runs that answer one question; `role` says in JSON what each is in it.
        """
        CREATE TABLE studies (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            token TEXT UNIQUE,
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            spec TEXT NOT NULL,
            created_at REAL NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE study_runs (
            study_number INTEGER NOT NULL REFERENCES studies ON DELETE CASCADE,
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            position INTEGER NOT NULL,
            role TEXT NOT NULL,
            PRIMARY KEY (study_number, run_number)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX study_runs_by_run ON study_runs (run_number)",
        # The notebook. A note outlives its runs, so it holds their ids and names and no reference.
        """
        CREATE TABLE notes (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            token TEXT UNIQUE,
            runs TEXT NOT NULL,
            expectation TEXT NOT NULL,
            outcome TEXT NOT NULL,
            created_at REAL NOT NULL,
            changed_at REAL NOT NULL
        ) STRICT
        """,
    ),
    (
        # What a run was started on, beyond the name of its data set. NULL: not known.
        "ALTER TABLE runs ADD COLUMN dataset_digest TEXT",
        "ALTER TABLE runs ADD COLUMN class_names TEXT",
        "ALTER TABLE runs ADD COLUMN data_num_train INTEGER",
        "ALTER TABLE runs ADD COLUMN data_num_validation INTEGER",
    ),
    # The gap of a run was that of its last epoch, beside a verdict with the median of the last three.
    (
        """
        UPDATE runs SET gap = CASE (
            SELECT count(*) FROM (
                SELECT epoch, clean_train_accuracy - val_accuracy AS gap FROM epochs
                WHERE run_number = number AND clean_train_accuracy IS NOT NULL AND val_accuracy IS NOT NULL
                ORDER BY epoch DESC LIMIT 3
            )
        )
        WHEN 3 THEN (
            SELECT gap FROM (
                SELECT epoch, clean_train_accuracy - val_accuracy AS gap FROM epochs
                WHERE run_number = number AND clean_train_accuracy IS NOT NULL AND val_accuracy IS NOT NULL
                ORDER BY epoch DESC LIMIT 3
            ) ORDER BY gap LIMIT 1 OFFSET 1
        )
        ELSE (
            SELECT gap FROM (
                SELECT epoch, clean_train_accuracy - val_accuracy AS gap FROM epochs
                WHERE run_number = number AND clean_train_accuracy IS NOT NULL AND val_accuracy IS NOT NULL
                ORDER BY epoch DESC LIMIT 3
            ) ORDER BY epoch DESC LIMIT 1
        )
        END
        """,
    ),
    # The trash: deleted runs stay in their table for a while. What is not about the trash reads the view.
    (
        "ALTER TABLE runs ADD COLUMN deleted_at REAL",
        "CREATE VIEW live_runs AS SELECT * FROM runs WHERE deleted_at IS NULL",
        "DROP INDEX runs_by_state",
        "CREATE INDEX runs_by_state ON runs (state, queue_number, deleted_at) WHERE deleted_at IS NULL",
        "CREATE INDEX runs_in_trash ON runs (deleted_at) WHERE deleted_at IS NOT NULL",
    ),
    (
        # The validation accuracy of the best epoch as the mean over the classes. NULL: classes were not measured.
        "ALTER TABLE runs ADD COLUMN balanced_accuracy REAL",
        # Whether the largest class has twice the validation pictures of the smallest that has any, or more.
        "ALTER TABLE runs ADD COLUMN uneven_classes INTEGER NOT NULL DEFAULT 0",
        """
        UPDATE runs SET (balanced_accuracy, uneven_classes) = (
            SELECT
                avg(1.0 * correct.value / measured.value),
                count(*) > 1 AND max(measured.value) >= 2 * min(measured.value)
            FROM epoch_details, json_each(details, '$.validation.count') AS measured
            JOIN json_each(details, '$.validation.right') AS correct ON correct.key = measured.key
            WHERE run_number = number AND epoch = best_epoch AND measured.value > 0
        )
        """,
    ),
    (
        # Tokens of requests that an identical run has answered: a run's own token is that of the request it began with.
        """
        CREATE TABLE shared_tokens (
            token TEXT PRIMARY KEY,
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX shared_tokens_by_run ON shared_tokens (run_number)",
        # A worker of an older version, which trains on through an upgrade, moves the best epoch alone. One that knows
        # of balanced accuracy sets it right after.
        """
        CREATE TRIGGER balanced_accuracy_is_of_the_best_epoch AFTER UPDATE OF best_epoch ON runs
        WHEN new.best_epoch IS NOT old.best_epoch
        BEGIN
            UPDATE runs SET balanced_accuracy = NULL WHERE number = new.number;
        END
        """,
        # A server or scheduler of an older version sees deleted runs, and would start one whose files are to go.
        """
        CREATE TRIGGER no_run_starts_from_the_trash BEFORE UPDATE OF state ON runs
        WHEN new.deleted_at IS NOT NULL AND old.deleted_at IS NOT NULL AND new.state IS NOT old.state
        BEGIN
            SELECT RAISE(ABORT, 'This run is in the trash. Restart ConvDeck, then restore the run on the Runs page.');
        END
        """,
    ),
    (
        # A search over settings. `spec` is JSON of `core.sweeps`; what it asks for is in trials, a trial's runs in
        # trial_runs. `insights` is what the searcher has worked out of them (JSON), for pages that must not load it.
        """
        CREATE TABLE sweeps (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            token TEXT UNIQUE,
            name TEXT NOT NULL,
            spec TEXT NOT NULL,
            state TEXT NOT NULL,
            planned INTEGER NOT NULL,
            concurrency INTEGER,
            created_at REAL NOT NULL,
            ended_at REAL,
            error TEXT,
            next_step TEXT,
            insights TEXT
        ) STRICT
        """,
        # `choices`: the values by path (JSON). `known`: the numbers of the trials whose results were known when it was
        # chosen (JSON), so that the choice can be made again. `pruned_at`: the epoch after which it was given up.
        """
        CREATE TABLE trials (
            sweep_number INTEGER NOT NULL REFERENCES sweeps ON DELETE CASCADE,
            trial INTEGER NOT NULL,
            origin TEXT NOT NULL,
            choices TEXT NOT NULL,
            known TEXT NOT NULL,
            created_at REAL NOT NULL,
            pruned_at INTEGER,
            error TEXT,
            PRIMARY KEY (sweep_number, trial)
        ) STRICT, WITHOUT ROWID
        """,
        # `purpose`: search, or confirm for the fresh seeds of a confirmation.
        """
        CREATE TABLE trial_runs (
            sweep_number INTEGER NOT NULL,
            trial INTEGER NOT NULL,
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            seed INTEGER NOT NULL,
            purpose TEXT NOT NULL,
            is_reused INTEGER NOT NULL,
            PRIMARY KEY (sweep_number, trial, run_number),
            FOREIGN KEY (sweep_number, trial) REFERENCES trials ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX trial_runs_by_run ON trial_runs (run_number)",
    ),
    (
        # How people keep order among many runs.
        "ALTER TABLE runs ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TABLE run_tags (
            run_number INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            tag TEXT NOT NULL,
            PRIMARY KEY (run_number, tag)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX run_tags_by_tag ON run_tags (tag)",
        # A way to look at the runs: `query` is what stands after the ? in a link to Compare.
        """
        CREATE TABLE saved_views (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL UNIQUE,
            query TEXT NOT NULL,
            created_at REAL NOT NULL
        ) STRICT
        """,
    ),
    (
        # A study that adds seeds until it is decided: how many it has added to those of its spec, how many it may have
        # in all (NULL: it adds none), and whether it still adds.
        "ALTER TABLE studies ADD COLUMN added_seeds INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE studies ADD COLUMN max_seeds INTEGER",
        "ALTER TABLE studies ADD COLUMN adds_seeds INTEGER NOT NULL DEFAULT 0",
    ),
    (
        # With how many seeds a confirmation was planned before any of its runs had finished: there its one look is.
        "ALTER TABLE sweeps ADD COLUMN confirm_seeds INTEGER",
        # Why a study adds no more seeds, where it was neither decided nor stopped: the error that ended it.
        "ALTER TABLE studies ADD COLUMN ended_by TEXT",
    ),
    (
        # Whether a person has stopped a study: it no longer wants the runs that it shares with others to go on.
        "ALTER TABLE studies ADD COLUMN is_stopped INTEGER NOT NULL DEFAULT 0",
    ),
)


def upgrade(connection: sqlite3.Connection, path: Path, upgrades: Sequence[Sequence[str]] = UPGRADES) -> None:
    """Bring the database at `path` to the newest version, all steps or none, with a copy of the old one beside it.

    Raises ConvDeckError when it was written by a newer ConvDeck.
    """
    newest = len(upgrades)
    if _version(connection) == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # another process may have been quicker
        if version > newest:
            raise ConvDeckError(
                f"This workspace was written by a newer ConvDeck (its database has version {version}, this one knows "
                f"{newest}). Update ConvDeck, or choose another folder with CONVDECK_HOME."
            )
        if 0 < version < newest:
            _back_up(path, version)
        for statements in upgrades[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite has the fix of WAL's corruption bug: 3.51.3, and backported to 3.50.7 and 3.44.6."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _back_up(path: Path, version: int) -> None:
    """Copy what is committed to `convdeck.sqlite3.version-1`; a copy that is there already is whole, and is kept."""
    target = path.with_name(f"{path.name}.version-{version}")
    if target.exists():
        return
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(path)) as source,
        contextlib.closing(sqlite3.connect(partial)) as copy,
    ):
        source.backup(copy)
    partial.replace(target)
