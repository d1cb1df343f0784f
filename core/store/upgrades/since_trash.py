"""From version 6 on: the trash, shared starts, sweeps, order among many runs, a class."""

from collections.abc import Sequence

from core.store.upgrades.alerts import ALERTS

# Each entry takes the database one version up.
SINCE_TRASH: tuple[Sequence[str], ...] = (
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
    (
        # What people call single test pictures: `data` is the data set's digest, `row` counts its stored test arrays.
        """
        CREATE TABLE picture_tags (
            data TEXT NOT NULL,
            row INTEGER NOT NULL,
            tag TEXT NOT NULL,
            PRIMARY KEY (data, row, tag)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    (
        # A class. `visitor` is who started a run or wrote a note; NULL: the person of the machine, or the teacher.
        # `name_key` is the same for names that people would not tell apart.
        """
        CREATE TABLE visitors (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL UNIQUE,
            joined_at REAL NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        "ALTER TABLE runs ADD COLUMN visitor TEXT",
        "ALTER TABLE notes ADD COLUMN visitor TEXT",
        # Whose run started when, as a number that grows: who started longest ago is next. '': those without visitor.
        """
        CREATE TABLE turns (
            visitor TEXT PRIMARY KEY,
            number INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
    (
        # What people guessed in lessons, a row for each try; `visitor` as for runs. `curve` and `run_ids` are
        # JSON; a run that is deleted stays in `run_ids`.
        """
        CREATE TABLE lesson_guesses (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            lesson TEXT NOT NULL,
            visitor TEXT,
            value REAL,
            curve TEXT,
            run_ids TEXT NOT NULL DEFAULT '[]',
            created_at REAL NOT NULL
        ) STRICT
        """,
        "CREATE INDEX lesson_guesses_by_lesson ON lesson_guesses (lesson, visitor, number)",
    ),
    (
        # Another key is another class, in which the names of former classes are free. '': no class has begun yet.
        "CREATE TABLE current_class (row INTEGER PRIMARY KEY CHECK (row = 1), id TEXT NOT NULL) STRICT",
        "INSERT INTO current_class VALUES (1, '')",
        """
        CREATE TABLE visitors_by_class (
            id TEXT PRIMARY KEY,
            class TEXT NOT NULL,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL,
            joined_at REAL NOT NULL,
            UNIQUE (class, name_key)
        ) STRICT, WITHOUT ROWID
        """,
        "INSERT INTO visitors_by_class SELECT id, '', name, name_key, joined_at FROM visitors",
        "DROP TABLE visitors",
        "ALTER TABLE visitors_by_class RENAME TO visitors",
    ),
    # Where a run was imported from by a bundle (JSON). NULL: it was trained here.
    ("ALTER TABLE runs ADD COLUMN origin TEXT",),
    (
        # Other programs' stores that runs and sweeps are copied into: how each is doing, and how far it has what.
        # `target` has no password. `subject` is the id of a run or a sweep, `key` what it is called there.
        """
        CREATE TABLE sinks (
            kind TEXT NOT NULL,
            target TEXT NOT NULL,
            sent_at REAL,
            failing_since REAL,
            cause TEXT,
            next_step TEXT,
            PRIMARY KEY (kind, target)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE sink_marks (
            kind TEXT NOT NULL,
            target TEXT NOT NULL,
            subject TEXT NOT NULL,
            key TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            told TEXT NOT NULL,
            refusal TEXT,
            PRIMARY KEY (kind, target, subject)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    ALERTS,
    (
        # The keys of the devices of a run's last attempt, with commas between them, and how often it was queued again
        # because one of its GPUs was lost. A run from before has none: its devices are known by `runs.device`.
        """
        CREATE TABLE run_devices (
            run_number INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
            keys TEXT NOT NULL,
            losses INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        # GPUs that no run is given until a person says so. `code`: why, see `core.store.devices`.
        """
        CREATE TABLE devices_aside (
            key TEXT PRIMARY KEY,
            device TEXT NOT NULL,
            name TEXT NOT NULL,
            code TEXT NOT NULL,
            detail TEXT,
            since REAL NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
