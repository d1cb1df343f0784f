"""The notebook: notes on runs, with the facts of these runs beside them, and its exports."""

from core.notebook.entries import Entry, all_entries, entry_of, find_notes
from core.notebook.facts import RunFacts, facts_of
from core.notebook.html_export import render_html
from core.notebook.markdown_export import render_markdown

__all__ = [
    "Entry", "RunFacts", "all_entries", "entry_of", "facts_of", "find_notes", "render_html", "render_markdown",
]  # fmt: skip
