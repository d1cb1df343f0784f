"""Alerts: rules, what is to be looked at for them, what was told already, and the messages with how they went.

Triggers note what is to be looked at, whichever process changes it, and nothing at all while there is no rule.
"""

from collections.abc import Sequence

_ANY_RULE = "EXISTS (SELECT 1 FROM alert_rules)"
_WATCH = """
    INSERT INTO alert_watched (subject, id) {source} ON CONFLICT (subject, id) DO UPDATE SET revision = revision + 1;
"""


def _watch(source: str) -> str:
    return _WATCH.format(source=source)


ALERTS: Sequence[str] = (
    # `kinds` and `command` are JSON lists; either `webhook` or `command` is there. `public_only`: set from afar, so
    # that it must not lead into the network of this computer.
    """
    CREATE TABLE alert_rules (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE,
        kinds TEXT NOT NULL,
        webhook TEXT,
        command TEXT,
        public_only INTEGER NOT NULL,
        created_at REAL NOT NULL,
        CHECK ((webhook IS NULL) != (command IS NULL))
    ) STRICT
    """,
    # `subject`: run, sweep or study. `revision` tells whether it has changed since it was looked at.
    """
    CREATE TABLE alert_watched (
        subject TEXT NOT NULL,
        id TEXT NOT NULL,
        revision INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (subject, id)
    ) STRICT, WITHOUT ROWID
    """,
    # `known`: up to which epoch, or time, it was told. `attempt` is that of a run, else 0.
    """
    CREATE TABLE alert_told (
        rule_number INTEGER NOT NULL REFERENCES alert_rules ON DELETE CASCADE,
        subject TEXT NOT NULL,
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        known REAL NOT NULL,
        PRIMARY KEY (rule_number, subject, id, kind)
    ) STRICT, WITHOUT ROWID
    """,
    # `message` is what is sent (JSON), `tries` a list of times, statuses and answers (JSON). `rule` is its name, and
    # stays when the rule goes. `next_at`: when to try next, NULL once it was sent or given up.
    """
    CREATE TABLE alert_deliveries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        rule_number INTEGER REFERENCES alert_rules ON DELETE SET NULL,
        rule TEXT,
        kind TEXT NOT NULL,
        subject TEXT,
        subject_id TEXT,
        state TEXT NOT NULL,
        message TEXT NOT NULL,
        tries TEXT NOT NULL DEFAULT '[]',
        created_at REAL NOT NULL,
        next_at REAL
    ) STRICT
    """,
    "CREATE INDEX alert_deliveries_to_send ON alert_deliveries (next_at) WHERE next_at IS NOT NULL",
    f"""
    CREATE TRIGGER a_run_is_watched AFTER UPDATE OF epoch, state ON runs
    WHEN (new.epoch IS NOT old.epoch OR new.state IS NOT old.state) AND new.state NOT IN ('WAITING', 'STARTING')
        AND {_ANY_RULE}
    BEGIN
        {_watch("VALUES ('run', new.id)")}
    END
    """,
    f"""
    CREATE TRIGGER a_study_of_an_ended_run_is_watched AFTER UPDATE OF state ON runs
    WHEN new.state IN ('FINISHED', 'STOPPED', 'FAILED', 'INTERRUPTED') AND new.state IS NOT old.state AND {
        _ANY_RULE
    }
    BEGIN
        {
        _watch(
            "SELECT DISTINCT 'study', studies.id FROM studies JOIN study_runs ON study_number = studies.number "
            "WHERE run_number = new.number"
        )
    }
    END
    """,
    f"""
    CREATE TRIGGER a_study_is_watched AFTER UPDATE OF adds_seeds ON studies WHEN {_ANY_RULE}
    BEGIN
        {_watch("VALUES ('study', new.id)")}
    END
    """,
    f"""
    CREATE TRIGGER a_new_study_is_watched AFTER INSERT ON studies WHEN {_ANY_RULE}
    BEGIN
        {_watch("VALUES ('study', new.id)")}
    END
    """,
    f"""
    CREATE TRIGGER a_sweep_is_watched AFTER UPDATE OF state ON sweeps
    WHEN new.state IS NOT old.state AND new.state IN ('FINISHED', 'FAILED') AND {_ANY_RULE}
    BEGIN
        {_watch("VALUES ('sweep', new.id)")}
    END
    """,
    *(
        f"""
        CREATE TRIGGER a_deleted_{subject}_is_watched_no_more AFTER DELETE ON {table}
        BEGIN
            DELETE FROM alert_watched WHERE (subject, id) = ('{subject}', old.id);
            DELETE FROM alert_told WHERE (subject, id) = ('{subject}', old.id);
        END
        """
        for subject, table in (("run", "runs"), ("sweep", "sweeps"), ("study", "studies"))
    ),
    "CREATE INDEX alert_told_by_subject ON alert_told (subject, id)",
)
