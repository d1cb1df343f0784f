"""Logs that helper processes write: of a bounded size, and never emptied under another process that writes there."""

from pathlib import Path
from typing import BinaryIO

MAX_LOG_BYTES = 1_000_000


def open_log(path: Path) -> BinaryIO:
    """Open for appending; a log above 1 MB is moved aside first, to `NAME.old.log`. Raises OSError."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab")
