"""Pieces of Python text: lines of a readable width, comments, and strings that hold any name."""

import json
import textwrap
from collections.abc import Iterable

WIDTH = 110  # as this project's own code


def quoted(text: str) -> str:
    """A text as a Python string in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def in_docstring(text: str) -> str:
    """A text, without control characters, that may stand in a line of a docstring."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def docstring_lines(
    text: str, first: str = "", others: str = "", *, break_long_words: bool = True
) -> list[str]:
    """A text as lines of a docstring, which begin with `first` and `others`."""
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=break_long_words
    )
    # Not before they are lines: a break within an escape could leave three quotes that end the docstring.
    return [in_docstring(line) for line in lines]


def comment(text: str, indent: int = 0) -> list[str]:
    """A sentence as lines of a comment."""
    start = f"{' ' * indent}# "
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=start, break_long_words=False)


def bullets(sentences: Iterable[str]) -> list[str]:
    """Sentences as a list in a docstring."""
    return [
        line
        for sentence in sentences
        for line in docstring_lines(sentence, "- ", "  ", break_long_words=False)
    ]


def indented(lines: Iterable[str], by: int = 4) -> list[str]:
    """The same lines further to the right; empty ones stay empty."""
    return [f"{' ' * by}{line}" if line else "" for line in lines]


def call(function: str, arguments: list[str], start: str) -> list[str]:
    """`start` and a call in one line, or with an argument per line where it would be too long."""
    line = f"{start}{function}({', '.join(arguments)})"
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(start) - len(start.lstrip()))
    inside = f"{indent}    {', '.join(arguments)}"
    if len(inside) <= WIDTH:
        return [f"{start}{function}(", inside, f"{indent})"]
    return [f"{start}{function}(", *(f"{indent}    {each}," for each in arguments), f"{indent})"]
