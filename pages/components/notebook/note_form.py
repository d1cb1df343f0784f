"""What a person expects of a run before its start, and the outcome: the fields to write them down."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.errors import ConvDeckError, RunNotFound
from core.notebook import Entry
from core.notebook.facts import compare, facts_of
from core.notebook.markdown_export import NOTHING_EXPECTED
from core.server.services import Services
from core.store.notes import MAX_NOTE_CHARACTERS, MAX_NOTE_RUNS, Note
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.cache import VersionedCache, epoch_version
from pages.components.kit.person import own_of
from pages.components.kit.redraw import draw_ticking, render_folded
from pages.components.kit.text import EXPECTATION_EXAMPLE, error_text, literal
from pages.components.runs.curves import curves_of

FIELD_HEIGHT = 100
FACTS_TICK_SECONDS = 2.0
LOCKED = "Written before the first epoch had ended, and unchanged since."
TOO_LATE = "The first epoch had ended before this was saved, so it is not kept as an expectation."


def render_run_note(services: Services, runs: Sequence[Run]) -> None:
    """On Runs, for the chosen run or comparison: what was expected, the outcome, and the facts beside them."""
    if len(runs) > MAX_NOTE_RUNS:
        return
    ids = [run.id for run in runs]
    note = services.store.notes.find(ids)

    def render() -> None:
        is_open = services.store.notes.is_open(ids)
        growing = any(not run.state.is_finished for run in runs)
        render_note_form(
            services, "-".join(ids), note, is_open=is_open, facts=_facts(services, ids), ids=ids,
            read_again=(lambda: _facts(services, ids)) if growing else None,
        )  # fmt: skip

    key, written = f"notebook-{'-'.join(ids)}", note is not None
    render_folded("Notebook", key, render, icon=":material/menu_book:", expanded=written, keep=True)


def render_note_form(
    services: Services, name: str, note: Note | None, *, is_open: bool, facts: Sequence[str], ids: Sequence[str] = (),
    read_again: Callable[[], Sequence[str]] | None = None,
) -> None:  # fmt: skip
    """The texts of a note, to be edited; without a note yet, one about the runs `ids` is made.

    With `read_again` the facts are drawn again while the page is open, because the curves beside them grow.
    """
    expectation, outcome = (note.expectation, note.outcome) if note else ("", "")
    expected_key = f"expected-{name}-{hash(expectation)}"
    left, right = st.columns([3, 2], gap="large")
    with right:
        st.caption("What the numbers say")
        if read_again is not None:
            draw_ticking(_render_facts, read_again, every=FACTS_TICK_SECONDS)
        else:
            _render_facts(lambda: facts)
    with left:
        if not is_open:
            render_words("Expected", expectation, NOTHING_EXPECTED)
            if expectation:
                st.caption(LOCKED)
            # Sent in this very moment by a page that was drawn before the first epoch ended.
            late = session.widget_text(expected_key).strip()
            if late and late != expectation:
                st.warning(f"{TOO_LATE} You wrote: {literal(late)}", icon=":material/schedule:")
        # A form, because a field on its own sends its text as it is left for the button, and the page that is drawn
        # for that swallows the click. The stored text is part of the key: changed elsewhere, it is shown.
        # The same form when an expectation comes too late, so that what is typed into the other field stays there.
        with st.form(f"note-{name}", border=False):
            expected = expectation
            if is_open:
                expected = st.text_area(
                    "What do you expect?", expectation, key=expected_key,
                    max_chars=MAX_NOTE_CHARACTERS, placeholder=EXPECTATION_EXAMPLE, height=FIELD_HEIGHT,
                    help="You can change this until the first epoch has ended.",
                )  # fmt: skip
            came = st.text_area(
                "Outcome", outcome, key=f"outcome-{name}-{hash(outcome)}", max_chars=MAX_NOTE_CHARACTERS,
                placeholder="In your own words: was it as expected, and why?", height=FIELD_HEIGHT,
            )  # fmt: skip
            why = _why_not(services, note, ids)
            with st.container(horizontal=True):
                saved = st.form_submit_button(
                    "Save",
                    key=f"save-note-{name}",
                    icon=":material/save:",
                    disabled=why is not None,
                    help=why,
                )
                suggested = not outcome and st.form_submit_button(
                    "Save with the numbers", key=f"suggest-note-{name}", disabled=why is not None,
                    help=why or "Adds what the numbers say below your text.",
                )  # fmt: skip
        if saved or suggested:
            words = "\n\n".join([came, "\n".join(facts)]) if suggested else came
            _save(services, note, ids, expected if is_open else None, words)


def _why_not(services: Services, note: Note | None, ids: Sequence[str]) -> str | None:
    """Why the person who looks cannot save this note, if so."""
    if note is not None:
        return services.store.visitors.refusal(note.visitor, "change", "note")
    return own_of(services, services.store.get_runs(ids), "write a note on")[1]


def _render_facts(read: Callable[[], Sequence[str]]) -> None:
    for fact in read():
        st.markdown(f":small[{literal(fact)}]")


def render_words(label: str, text: str, instead: str) -> None:
    """A person's words as they were typed, line by line; `instead` where there are none."""
    st.caption(label)
    if not text:
        st.markdown(f":small[*{literal(instead)}*]")
        return
    # Two spaces and a line feed are a line break in Markdown.
    st.markdown("  \n".join(_line(line) for line in text.split("\n")))


def _line(line: str) -> str:
    # Markdown drops the spaces before a line and takes an empty one for the end of a paragraph.
    words = line.lstrip(" \t")
    indent = len(line[: len(line) - len(words)].expandtabs(4))
    return "\u00a0" * indent + literal(words) or "\u00a0"


_kept_facts: VersionedCache[list[str]] = VersionedCache(64)


def _facts(services: Services, ids: Sequence[str]) -> list[str]:
    try:
        runs = [services.store.get_run(run_id) for run_id in ids]
    except RunNotFound:
        return []  # deleted elsewhere in this moment: the curves' own tick says so
    version = tuple((run.name, run.total_epochs, run.state, epoch_version(run)) for run in runs)
    return _kept_facts.get((services, tuple(ids)), version, lambda: _read_facts(services, runs))


def _read_facts(services: Services, runs: Sequence[Run]) -> list[str]:
    known = tuple(facts_of(services.store, run, curves_of(services.store, run)) for run in runs)
    unwritten = Note("", (), "", "", 0.0, 0.0)
    return Entry(unwritten, known, compare(known), is_open=False).facts()


def _save(
    services: Services, note: Note | None, ids: Sequence[str], expectation: str | None, outcome: str
) -> None:
    notes = services.store.notes
    try:
        if note is None:
            notes.write(ids, expectation=expectation, outcome=outcome)
        else:
            notes.edit(note.id, expectation=expectation, outcome=outcome)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    session.flash("Saved in the notebook.")
    st.rerun()
