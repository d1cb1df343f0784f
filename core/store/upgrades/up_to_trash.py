"""Versions 1 to 5: runs, epochs, logs, devices, changes in mid-run, studies, notes."""

from collections.abc import Sequence

# Each entry takes the database one version up.
UP_TO_TRASH: tuple[Sequence[str], ...] = (
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
)
