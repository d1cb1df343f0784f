"""The tables of a workspace's database, its version, and the way from an older one."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from core.errors import ConvDeckError
from core.store.upgrades.since_trash import SINCE_TRASH
from core.store.upgrades.up_to_trash import UP_TO_TRASH

# Each entry takes the database one version up; an empty file is version 0.
UPGRADES: tuple[Sequence[str], ...] = (*UP_TO_TRASH, *SINCE_TRASH)


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
