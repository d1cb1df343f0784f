"""One SQLite file shared by threads and processes: connections, transactions, and errors in words."""

import contextlib
import shutil
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from core.errors import CannotWrite, ConvDeckError
from core.formatting import reason
from core.store.schema import upgrade, wal_is_safe
from core.visitors.person import check_not_visitor

BUSY_SECONDS = 20.0
MAX_IDLE_CONNECTIONS = 8
# Less than SQLite's log grows by at a time.
FULL_BYTES = 65_536


class DamagedRow(Exception):
    """A row holds what was never written into it. Where a connection is borrowed, it becomes a ConvDeckError."""


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """What goes wrong where values of rows become `what`, as a DamagedRow. Nothing else belongs in here."""
    try:
        yield
    except DamagedRow:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise DamagedRow(f"{what} cannot be read ({reason(error)})") from error


class Database:
    """Hands out connections from a small pool.

    Streamlit runs each script in a thread of its own, so a connection per thread would be opened and left behind
    at every rerun; a pooled one is reused (reading one run: 0.04 ms, against 0.5 ms with a connection per call).
    """

    def __init__(
        self, path: Path, journal_mode: str | None = None, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        """`journal_mode` None: WAL where SQLite has the fix, otherwise a rollback journal.

        While others write, a transaction waits its turn for `busy_seconds` before it fails.
        """
        self._path = path
        self._busy_seconds = busy_seconds
        self._journal_mode = journal_mode or (
            "wal" if wal_is_safe(sqlite3.sqlite_version_info) else "truncate"
        )
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        weakref.finalize(self, _close_all, self._idle)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._borrowed() as connection:
            upgrade(connection, path)

    def close(self) -> None:
        """Close the idle connections. The database can still be used: it opens new ones."""
        with self._lock:
            _close_all(self._idle)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection whose reads all see one moment."""
        with self._borrowed() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def writing(self, *, visitors: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction that no other writer can come between: all of it is kept, or none.

        Raises NotAllowed for a visitor of a class, but with `visitors`: then what uses it checks what is whose, see
        `core.store.rights`.
        """
        if not visitors:
            check_not_visitor("change this in a class")
        # A plain BEGIN that reads and then writes lost 92 % of the rows of 16 writers (BEGIN IMMEDIATE: none).
        with self._borrowed() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def is_locked(self) -> bool:
        """Whether no process can write, because one has been reading or writing for a second, or was stopped then."""
        # By a connection of its own: while another process commits, a pooled one cannot even be set up. And
        # exclusively: beside a reader that was stopped, others can begin to write with a journal, but never finish.
        with contextlib.closing(sqlite3.connect(self._path, timeout=1.0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
                connection.execute("ROLLBACK")
            except sqlite3.DatabaseError as error:
                return "locked" in str(error)
        return False

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        with _errors_in_words(self._path, self._busy_seconds):
            connection = connection or self._open()
            try:
                yield connection
            except sqlite3.Error:
                connection.close()
                raise
            except BaseException:
                self._give_back(connection)
                raise
            self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(
                "PRAGMA synchronous = FULL"
            )  # a row that was acknowledged survives a power cut
            current = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
            if current != self._journal_mode:
                # Between WAL and a journal the file itself changes, while no other process may have it open. The first
                # process does it; when others are there, the mode that they use will do.
                connection.execute("PRAGMA busy_timeout = 200")
                with contextlib.suppress(sqlite3.OperationalError):
                    connection.execute(f"PRAGMA journal_mode = {self._journal_mode}")
                connection.execute(f"PRAGMA busy_timeout = {self._busy_seconds * 1000:.0f}")
        except BaseException:
            connection.close()
            raise
        return connection


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


@contextlib.contextmanager
def _errors_in_words(path: Path, busy_seconds: float) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except DamagedRow as error:
        raise ConvDeckError(_damaged(path, str(error))) from error
    except sqlite3.DatabaseError as error:
        said, kind = str(error), getattr(error, "sqlite_errorcode", 0) & 0xFF
        if "locked" in said or "busy" in said:
            message = f"The database was busy for more than {busy_seconds:.0f} seconds. Try again."
        elif kind == sqlite3.SQLITE_FULL or (kind == sqlite3.SQLITE_IOERR and _is_full(path)):
            # A full disk is also an "I/O error", where the log or its index cannot grow.
            message = f"The disk that holds {path.parent} is full. Free some space and try again."
            raise CannotWrite(message) from error
        elif any(words in said for words in ("malformed", "not a database", "decode to UTF-8")):
            message = _damaged(path, said)
        elif "unable to open" in said or "readonly" in said:
            message = f"The database {path} cannot be written. Check its folder's permissions."
            raise CannotWrite(message) from error
        else:
            message = f"The database {path} could not be used: {said}."
        raise ConvDeckError(message) from error


def _is_full(path: Path) -> bool:
    return shutil.disk_usage(path.parent).free < FULL_BYTES


def _damaged(path: Path, what: str) -> str:
    kept = sorted(path.parent.glob(f"{path.name}.version-*"))
    copy = f" (there is {kept[-1].name}, from before an upgrade)" if kept else ""
    return (
        f"The database {path} is damaged: {what}. End ConvDeck and put a copy of the file in its place{copy}, or set "
        "CONVDECK_HOME to another folder."
    )
