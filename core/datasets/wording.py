"""Text from outside, made fit to stand in a sentence or a list."""

import re

from core.errors import DatasetError


def printable(text: str, most: int) -> str:
    """`text` without what cannot be printed, on one line, at most `most` characters."""
    shown = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def reason(error: BaseException) -> str:
    """Why something failed, in the words of the library that noticed; what it quotes may come from a stranger."""
    # An OSError's own text would add its number and the whole path.
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(text, 120).rstrip(".") or type(error).__name__


def clean_class_name(name: str) -> str:
    """A class name that can be shown anywhere: printable, at most 60 characters. Raises DatasetError."""
    shown = printable(name, 60)
    if not shown:
        raise DatasetError("A class has a name without a single printable character.")
    return shown
