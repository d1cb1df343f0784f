"""A note with the facts of its runs: what the page shows and what is exported."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import RunNotFound
from core.notebook.facts import RunFacts, compare, facts_of
from core.store.notes import Note
from core.store.store import Store


@dataclass(frozen=True)
class Entry:
    """One note. `is_open` while its expectation can still be written; `comparison` says how several runs differ."""

    note: Note
    runs: tuple[RunFacts, ...]
    comparison: tuple[str, ...]
    is_open: bool

    @property
    def title(self) -> str:
        return " · ".join(run.shown_name for run in self.runs)

    def facts(self) -> list[str]:
        """What came of the runs, a sentence each; with several, each after its run's name."""
        if len(self.runs) == 1:
            return [self.runs[0].sentence()]
        return [*(f"“{run.shown_name}”: {run.sentence()}" for run in self.runs), *self.comparison]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "id": self.note.id,
            "runs": [run.to_dict() for run in self.runs],
            "expectation": self.note.expectation,
            "outcome": self.note.outcome,
            "created_at": self.note.created_at,
            "changed_at": self.note.changed_at,
            "is_open": self.is_open,
            "facts": self.facts(),
        }


def find_notes(store: Store, text: str = "") -> list[Note]:
    """Newest first; those alone that hold each word of `text` in what was written or in the names of their runs."""
    words = text.casefold().split()
    return [note for note in store.notes.list_notes() if _holds(note, words)]


def all_entries(store: Store) -> list[Entry]:
    """Every note with its facts, newest first."""
    return [entry_of(store, note) for note in store.notes.list_notes()]


def entry_of(store: Store, note: Note) -> Entry:
    """A note with what is known of its runs now."""
    runs = tuple(_facts(store, run.id, run.name) for run in note.runs)
    return Entry(note, runs, compare(runs), store.notes.is_open(note.run_ids))


def _facts(store: Store, run_id: str, name: str) -> RunFacts:
    try:
        return facts_of(store, store.get_run(run_id), store.curves(run_id))
    except RunNotFound:
        return RunFacts(run_id, name, deleted=True)


def _holds(note: Note, words: Sequence[str]) -> bool:
    names = " ".join(f"{run.name} {run.id}" for run in note.runs)
    text = f"{names}\n{note.expectation}\n{note.outcome}".casefold()
    return all(word in text for word in words)
