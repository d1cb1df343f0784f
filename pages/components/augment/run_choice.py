"""What Augment's address holds, so that a link or a reload finds it again: the run that is asked, view and code."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.formatting import percent
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.address import is_linked
from pages.components.kit.text import literal
from pages.components.kit.widget_values import if_drawn, show_value

PARAMETER, VIEW, CODE = "run", "view", "code"
IN_ADDRESS = (PARAMETER, VIEW, CODE)
CHOICE = "augment-run"


def take_link() -> None:
    """At the beginning of the page: remember what a link asks for. Later on, the address may be a click behind."""
    if is_linked():
        for name in IN_ADDRESS:
            if name in st.query_params:
                session.set_widget(_wanted(name), st.query_params[name])


def choose_part(name: str, label: str, titles: Mapping[str, str], key: str) -> str:
    """One of `titles`, which the address keeps as `name`; the first without a word."""
    options = list(titles)
    wanted = session.widget_value(_wanted(name))
    show_value(key, wanted if wanted in titles else options[0])
    chosen = st.segmented_control(
        label, options, required=True, key=key, format_func=titles.__getitem__, on_change=_note, args=(key, name),
        label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    if wanted in titles:
        _put(name, str(chosen))
    return str(chosen)


def choose_run(
    runs: Sequence[Run], label: str, *, otherwise: str | None = None, help: str | None = None
) -> Run | None:
    """One of `runs`, at least one: the one that is asked for, or else the first.

    `otherwise` adds a first option with this label that stands for no run.
    """
    by_id = {run.id: run for run in runs}
    options = ([""] if otherwise else []) + list(by_id)
    wanted = session.widget_value(_wanted(PARAMETER))
    show_value(CHOICE, wanted if wanted in by_id else options[0])
    chosen = st.selectbox(
        label, options, key=CHOICE, help=help, on_change=_note, args=(CHOICE, PARAMETER),
        format_func=lambda run_id: describe_run(by_id[run_id]) if run_id else str(otherwise),
    )  # fmt: skip
    return by_id.get(str(chosen))


def wanted_run() -> str | None:
    """The id of the run that is asked for by a link or was chosen; None without."""
    return session.widget_value(_wanted(PARAMETER)) or None


def warn_of_run(runs: Sequence[Run], needs_weights: bool) -> None:
    """Say so where a link asks for a run that is not here, or that has no weights where these are needed."""
    asked = wanted_run()
    if asked is None:
        return
    _put(PARAMETER, asked)
    found = next((run for run in runs if run.id == asked), None)
    if found is None:
        st.warning(f"There is no run “{literal(asked[:40])}” here.", icon=":material/link_off:")
    elif needs_weights and not found.has_weights:
        yet = "" if found.recorded_by else " yet"
        st.warning(
            f"“{literal(found.name)}” has no weights{yet}, so it cannot classify pictures.",
            icon=":material/link_off:",
        )


def describe_run(run: Run) -> str:
    """A run in a list of runs. Plain text: a selectbox shows no Markdown."""
    return f"{run.name} ({run.dataset}, {percent(run.best_val_accuracy)})"


@if_drawn
def _note(key: str, name: str) -> None:
    chosen = session.widget_value(key)
    session.set_widget(_wanted(name), chosen)
    if chosen:
        _put(name, chosen)
    else:
        st.query_params.pop(name, None)


def _put(name: str, value: str) -> None:
    if st.query_params.get(name) != value:
        st.query_params[name] = value


def _wanted(name: str) -> str:
    return f"augment-wanted-{name}"
