"""Alerts: rules, what is to be looked at for them, what was told already, and the log of their messages."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import AlertNotFound, UserError
from core.formatting import printable
from core.store import run_tables
from core.store.database import Database, reading

Subject = Literal["run", "sweep", "study"]
DeliveryState = Literal["pending", "sent", "failed"]

KINDS = (
    "overfitting", "diverged", "plateau", "finished", "failed", "sweep_decided", "study_finished",
)  # fmt: skip
TEST, GIVEN_UP = "test", "given_up"
MOST_RULES = 20
MOST_LOGGED = 500
MOST_WAITING = 200  # of one rule
MAX_LOOKS = 5

_RULE = "SELECT id, name, kinds, webhook, command, public_only, created_at FROM alert_rules"
_COLUMNS = "id, rule, kind, subject, subject_id, state, message, tries, created_at, next_at"
_DELIVERY = f"SELECT {_COLUMNS} FROM alert_deliveries"


@dataclass(frozen=True)
class AlertRule:
    """What is told (`kinds`) and where: to a `webhook`, or to a `command`, which is a path and arguments.

    `public_only`: it was set from another computer, so its messages go to public addresses alone. Unix seconds.
    """

    id: str
    name: str
    kinds: tuple[str, ...]
    webhook: str | None
    command: tuple[str, ...] | None
    public_only: bool
    created_at: float


@dataclass(frozen=True)
class Watched:
    """A run, sweep or study that has changed since it was looked at; `failures`: how often that went wrong."""

    subject: Subject
    id: str
    revision: int
    failures: int


@dataclass(frozen=True)
class NewFact:
    """What became true of a subject, at `time` (unix seconds; None: just now), with the message about it.

    `since` is the epoch, or the time, from which on it is true, `known` up to where it was looked at. It is told again
    only where it is true since after what was known before, and of a run only in another `attempt` (None: no run).
    """

    kind: str
    since: float
    known: float
    attempt: int | None
    time: float | None
    message: Mapping[str, Any]


@dataclass(frozen=True)
class Try:
    """An attempt to send: when, whether it went well, and the answer; `status` is that of HTTP, or of a process."""

    time: float
    ok: bool
    status: int | None
    answer: str


@dataclass(frozen=True)
class Delivery:
    """A message and how it went. `rule` is the name that its rule has or had; None for what no rule is about."""

    id: str
    rule: str | None
    kind: str
    subject: Subject | None
    subject_id: str | None
    state: DeliveryState
    message: dict[str, Any]
    tries: tuple[Try, ...]
    created_at: float
    next_at: float | None


class Alerts:
    """The part of the store that keeps them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    # Rules

    def list_rules(self) -> list[AlertRule]:
        """In the order of their names."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_RULE} ORDER BY name COLLATE NOCASE, name").fetchall()
            return [_rule(*row) for row in rows]

    def get_rule(self, name: str) -> AlertRule:
        """Raises AlertNotFound."""
        with self._database.reading() as connection:
            return _rule(*_find(connection, name)[1:])

    def add_rule(
        self,
        name: str,
        kinds: Sequence[str],
        webhook: str | None,
        command: Sequence[str] | None,
        *,
        public_only: bool,
    ) -> AlertRule:
        """A new rule, as `core.alerts.rules` has checked it. It is told what happens from now on.

        Raises UserError where there is one of that name, or too many.
        """
        with self._database.writing() as connection:
            if connection.execute("SELECT count(*) FROM alert_rules").fetchone()[0] >= MOST_RULES:
                raise UserError(f"There are {MOST_RULES} alerts, which is the most. Remove one first.")
            told = None if command is None else json.dumps(list(command))
            values = (
                secrets.token_hex(8), name, json.dumps(list(kinds)), webhook, told, public_only, self._clock(),
            )  # fmt: skip
            try:
                connection.execute(
                    "INSERT INTO alert_rules (id, name, kinds, webhook, command, public_only, created_at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    values,
                )
            except sqlite3.IntegrityError:
                raise UserError(
                    f"There is an alert “{name}” already. Remove it first, or choose another name."
                ) from None
            # What is under way may have come to something already.
            connection.execute(
                "INSERT OR IGNORE INTO alert_watched (subject, id) SELECT 'run', id FROM live_runs "
                "WHERE state IN ('RUNNING', 'PAUSED')"
            )
            return _rule(*_find(connection, name)[1:])

    def remove_rule(self, name: str) -> AlertRule:
        """Its messages that were not sent yet are not sent any more; its log stays. Raises AlertNotFound."""
        with self._database.writing() as connection:
            number, *row = _find(connection, name)
            query = (
                "UPDATE alert_deliveries SET state = 'failed', next_at = NULL "
                "WHERE rule_number = ? AND next_at IS NOT NULL"
            )
            connection.execute(query, (number,))
            connection.execute("DELETE FROM alert_rules WHERE number = ?", (number,))
            connection.execute("DELETE FROM alert_watched WHERE NOT EXISTS (SELECT 1 FROM alert_rules)")
            return _rule(*row)

    def has_rules(self) -> bool:
        with self._database.reading() as connection:
            return bool(connection.execute("SELECT EXISTS (SELECT 1 FROM alert_rules)").fetchone()[0])

    # What is to be looked at

    def has_work(self) -> bool:
        """Whether something is to be looked at or to be sent: then a process is needed that does it."""
        query = """
            SELECT EXISTS (SELECT 1 FROM alert_watched)
                OR EXISTS (SELECT 1 FROM alert_deliveries WHERE next_at IS NOT NULL)
        """
        with self._database.reading() as connection:
            return bool(connection.execute(query).fetchone()[0])

    def watched(self) -> list[Watched]:
        """What has changed since it was looked at, but for what was given up."""
        query = "SELECT subject, id, revision, failures FROM alert_watched"
        with self._database.reading() as connection:
            return [Watched(*row) for row in connection.execute(query).fetchall()]

    def is_one_of_several(self, run_id: str) -> bool:
        """Whether a sweep or a study has started a run."""
        query = f"SELECT 1 FROM live_runs AS runs WHERE id = ? AND {run_tables.STARTED_AS_ONE_OF_SEVERAL}"
        with self._database.reading() as connection:
            return connection.execute(query, (run_id,)).fetchone() is not None

    def tell(self, watched: Watched, facts: Sequence[NewFact]) -> int:
        """Note a message for each rule that is to hear of each fact and has not, and that it was looked at: all of it
        or nothing. Returns how many messages there are now to be sent.
        """
        with self._database.writing() as connection:
            count = 0
            rules = connection.execute("SELECT number, name, kinds, created_at FROM alert_rules").fetchall()
            for number, name, kinds, created_at in rules:
                for fact in facts:
                    is_news = fact.time is None or fact.time >= created_at
                    if (
                        is_news
                        and fact.kind in json.loads(kinds)
                        and _mark(connection, number, watched, fact)
                    ):
                        message = {**fact.message, "rule": name}
                        _insert(
                            connection, self._clock(), number, name, fact.kind, message,
                            (watched.subject, watched.id), "pending", (),
                        )  # fmt: skip
                        count += 1
                _give_up_oldest(connection, self._clock(), number)
            query = "DELETE FROM alert_watched WHERE (subject, id, revision) = (?, ?, ?)"
            connection.execute(query, (watched.subject, watched.id, watched.revision))
            query = "UPDATE alert_watched SET failures = 0 WHERE (subject, id) = (?, ?)"
            connection.execute(query, (watched.subject, watched.id))
            return count

    def forget(self, watched: Watched) -> None:
        """It is gone, or nothing is told of it one by one."""
        with self._database.writing() as connection:
            query = "DELETE FROM alert_watched WHERE (subject, id, revision) = (?, ?, ?)"
            connection.execute(query, (watched.subject, watched.id, watched.revision))

    def note_failure(self, watched: Watched, error: str) -> bool:
        """Looking at it went wrong. Returns whether it is given up, after MAX_LOOKS times, until it changes again.

        The log says so the first time.
        """
        with self._database.writing() as connection:
            query = "UPDATE alert_watched SET failures = failures + 1 WHERE (subject, id) = (?, ?) RETURNING failures"
            row = connection.execute(query, (watched.subject, watched.id)).fetchone()
            if row is None or row[0] != MAX_LOOKS:
                return False
            now = self._clock()
            where = (watched.subject, watched.id)
            connection.execute(
                "DELETE FROM alert_watched WHERE (subject, id, revision) = (?, ?, ?)",
                (*where, watched.revision),
            )
            connection.execute("UPDATE alert_watched SET failures = 0 WHERE (subject, id) = (?, ?)", where)
            query = "SELECT 1 FROM alert_deliveries WHERE (kind, subject, subject_id) = (?, ?, ?)"
            if connection.execute(query, (GIVEN_UP, *where)).fetchone() is None:
                _insert(
                    connection, now, None, None, GIVEN_UP, {}, where, "failed", [Try(now, False, None, error)]
                )
            return True

    # What is to be sent, and how it went

    def to_send(self, now: float, but: Collection[str] = ()) -> list[tuple[AlertRule, Delivery]]:
        """Of each rule the oldest message that is due, but for the rules whose ids are in `but`."""
        query = f"{_DELIVERY} WHERE next_at <= ? AND rule_number = ? ORDER BY number LIMIT 1"
        found = []
        with self._database.reading() as connection:
            for number, *row in connection.execute(_RULE.replace("SELECT", "SELECT number,", 1)).fetchall():
                rule = _rule(*row)
                due = None if rule.id in but else connection.execute(query, (now, number)).fetchone()
                if due is not None:
                    found.append((rule, _delivery(*due)))
        return found

    def has_unsent(self) -> bool:
        """Whether a message waits to be sent, now or later."""
        query = "SELECT EXISTS (SELECT 1 FROM alert_deliveries WHERE next_at IS NOT NULL)"
        with self._database.reading() as connection:
            return bool(connection.execute(query).fetchone()[0])

    def record_try(self, delivery_id: str, tried: Try, next_at: float | None) -> None:
        """How sending went, and when to try again: None where it arrived or was given up."""
        with self._database.writing() as connection:
            query = "SELECT tries FROM alert_deliveries WHERE id = ?"
            row = connection.execute(query, (delivery_id,)).fetchone()
            if row is None:
                return
            state = "sent" if tried.ok else "failed" if next_at is None else "pending"
            tries = json.dumps([*json.loads(row[0]), _plain(tried)])
            query = "UPDATE alert_deliveries SET state = ?, tries = ?, next_at = ? WHERE id = ?"
            connection.execute(query, (state, tries, None if tried.ok else next_at, delivery_id))

    def log_test(self, rule: AlertRule, message: Mapping[str, Any], tried: Try) -> Delivery:
        """A message that was sent to try a rule."""
        with self._database.writing() as connection:
            made = _insert(
                connection, self._clock(), None, rule.name, TEST, message, (None, None),
                "sent" if tried.ok else "failed", [tried],
            )  # fmt: skip
            return _delivery(*connection.execute(f"{_DELIVERY} WHERE id = ?", (made,)).fetchone())

    def log(self, limit: int = MOST_LOGGED) -> list[Delivery]:
        """The messages, newest first: those that wait, and MOST_LOGGED others."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_DELIVERY} ORDER BY number DESC LIMIT ?", (limit,)).fetchall()
            return [_delivery(*row) for row in rows]


def _find(connection: sqlite3.Connection, name: str) -> tuple[Any, ...]:
    """The row of a rule, with its number before it. Raises AlertNotFound."""
    query = f"{_RULE.replace('SELECT', 'SELECT number,', 1)} WHERE name = ?"
    row: tuple[Any, ...] | None = connection.execute(query, (name,)).fetchone()
    if row is None:
        raise AlertNotFound(f"There is no alert “{printable(str(name), 40)}”. It may have been removed.")
    return row


def _mark(connection: sqlite3.Connection, rule: int, watched: Watched, fact: NewFact) -> bool:
    """Note that a rule hears of a fact. Returns whether it has not before."""
    key = (rule, watched.subject, watched.id, fact.kind)
    query = "SELECT attempt, known FROM alert_told WHERE (rule_number, subject, id, kind) = (?, ?, ?, ?)"
    told = connection.execute(query, key).fetchone()
    if told is not None:
        is_later = fact.attempt is None or fact.attempt > told[0]
        if not is_later or fact.since <= told[1]:
            query = "UPDATE alert_told SET known = max(known, ?) WHERE (rule_number, subject, id, kind) = (?, ?, ?, ?)"
            connection.execute(query, (fact.known, *key))
            return False
    columns = "rule_number, subject, id, kind, attempt, known"
    query = f"INSERT OR REPLACE INTO alert_told ({columns}) VALUES (?, ?, ?, ?, ?, ?)"
    connection.execute(query, (*key, fact.attempt or 0, fact.known))
    return True


def _insert(
    connection: sqlite3.Connection, now: float, rule_number: int | None, rule: str | None, kind: str,
    message: Mapping[str, Any], subject: tuple[str | None, str | None], state: DeliveryState, tries: Sequence[Try],
) -> str:  # fmt: skip
    """Add a row of the log, without the oldest ones beyond MOST_LOGGED. Returns its id, which the message has too."""
    delivery_id = secrets.token_hex(8)
    connection.execute(
        "INSERT INTO alert_deliveries (id, rule_number, rule, kind, subject, subject_id, state, message, tries, "
        "created_at, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            delivery_id, rule_number, rule, kind, *subject, state,
            json.dumps({"id": delivery_id, **message} if message else {}, allow_nan=False),
            json.dumps([_plain(each) for each in tries]), now, now if state == "pending" else None,
        ),
    )  # fmt: skip
    connection.execute(
        "DELETE FROM alert_deliveries WHERE next_at IS NULL AND number <= "
        "(SELECT max(number) FROM alert_deliveries) - ?",
        (MOST_LOGGED,),
    )
    return delivery_id


def _give_up_oldest(connection: sqlite3.Connection, now: float, rule_number: int) -> None:
    """A receiver that is gone for days would have all that it missed at once: it gets the newest MOST_WAITING."""
    query = (
        "SELECT id, tries FROM alert_deliveries WHERE rule_number = ? AND next_at IS NOT NULL "
        "ORDER BY number DESC LIMIT -1 OFFSET ?"
    )
    told = _plain(Try(now, False, None, f"given up, because {MOST_WAITING} newer messages wait"))
    for delivery_id, tries in connection.execute(query, (rule_number, MOST_WAITING)).fetchall():
        query = "UPDATE alert_deliveries SET state = 'failed', next_at = NULL, tries = ? WHERE id = ?"
        connection.execute(query, (json.dumps([*json.loads(tries), told]), delivery_id))


def _plain(tried: Try) -> dict[str, Any]:
    return {"time": tried.time, "ok": tried.ok, "status": tried.status, "answer": tried.answer}


def _rule(*row: Any) -> AlertRule:
    with reading("an alert"):
        rule_id, name, kinds, webhook, command, public_only, created_at = row
        told = None if command is None else tuple(json.loads(command))
        return AlertRule(
            rule_id, name, tuple(json.loads(kinds)), webhook, told, bool(public_only), created_at
        )


def _delivery(*row: Any) -> Delivery:
    with reading("a message of an alert"):
        delivery_id, rule, kind, subject, subject_id, state, message, tries, created_at, next_at = row
        tried = tuple(Try(**each) for each in json.loads(tries))
        told = json.loads(message)
        return Delivery(delivery_id, rule, kind, subject, subject_id, state, told, tried, created_at, next_at)
