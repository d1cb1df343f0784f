"""The notebook as Markdown (CommonMark)."""

import datetime
import re
from collections.abc import Sequence

from core.notebook.entries import Entry

# CommonMark lets a backslash take the meaning from any ASCII punctuation. These mean something anywhere: emphasis,
# links, HTML, tables, maths. The rest does so only in the places that the second pattern finds: headings, lists and
# rules at a line's beginning, the addresses that GitHub makes links of, its :signs:. Escaped everywhere, text would
# be hard to read in the file itself.
_ANYWHERE = r"[\\`*_\[\]<>&|~$^@#]"
_SOMEWHERE = r"^[-+=]|(?<=www)\.|:(?=\S)"
_SPECIAL = re.compile(f"{_ANYWHERE}|{_SOMEWHERE}", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d+)([.)])")
NOTHING_EXPECTED = "No expectation was written before the first epoch ended."
NOTHING_YET = "Not written yet."


def render_markdown(entries: Sequence[Entry], now: float) -> str:
    """A document with a section for each entry. `now` is unix seconds, for its date."""
    parts = ["# Notebook", f"{_count(len(entries))}, {day(now)}"]
    for entry in entries:
        parts += _section(entry)
    return "\n\n".join(parts) + "\n"


def _section(entry: Entry) -> list[str]:
    note = entry.note
    runs = ", ".join(f"`{run.id}`" for run in entry.runs)
    parts = [
        f"## {escape_markdown(entry.title)}",
        f"{day(note.created_at)}, {'run' if len(entry.runs) == 1 else 'runs'} {runs}",
        "**Expected**",
        quoted(note.expectation) or f"*{NOTHING_EXPECTED}*",
        "**Outcome**",
        quoted(note.outcome) or f"*{NOTHING_YET}*",
        "**Facts**",
        "\n".join(f"- {escape_markdown(line)}" for line in entry.facts()),
    ]
    return parts


def quoted(text: str) -> str:
    """Somebody's words as a quotation: every character as it was typed, every line break kept."""
    if not text:
        return ""
    lines = text.split("\n")
    quoted_lines = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        hard_break = "\\" if line.strip() and following.strip() else ""
        quoted_lines.append(f"> {_indented(line)}{hard_break}".rstrip())
    return "\n".join(quoted_lines)


def escape_markdown(text: str) -> str:
    """One line of text that Markdown takes for nothing else."""
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\g<0>", text))


def _indented(line: str) -> str:
    # Four spaces would begin a block of code, and fewer are dropped: as characters of their own they stay.
    text = line.lstrip(" \t")
    width = len(line[: len(line) - len(text)].expandtabs(4))
    return "&nbsp;" * width + escape_markdown(text)


def day(time: float) -> str:
    """`24 November 2026`, in UTC."""
    moment = datetime.datetime.fromtimestamp(time, datetime.UTC)
    return f"{moment.day} {moment:%B %Y}"


def _count(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"
