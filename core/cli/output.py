"""What commands print: one JSON document on standard output, or a table; progress on standard error."""

import datetime
import json
import sys
from collections.abc import Sequence
from typing import Any


def print_json(document: object) -> None:
    """One JSON document, in ASCII: whatever its strings hold, it can be printed. NaN is refused: it is no JSON."""
    print(json.dumps(document, indent=2, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Left-aligned columns, two spaces apart."""
    cells = [list(header), *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())


def progress_line(text: str) -> None:
    """Progress for a person who waits: on a terminal one line that is rewritten, else a line each."""
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def end_progress() -> None:
    """Leave the rewritten line standing."""
    if sys.stderr.isatty():
        print(file=sys.stderr)


def in_minutes(seconds: float) -> str:
    """Unix seconds by this machine's clock: `2026-03-07 14:05`."""
    return datetime.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _text(value: Any) -> str:
    return "–" if value is None else str(value)
