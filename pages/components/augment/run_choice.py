"""The run that Augment asks: kept in the address (`?run=ID`), so that a link or a reload finds it again."""

from collections.abc import Sequence

import streamlit as st

from core.formatting import percent
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.text import literal

PARAMETER = "run"
VIEW = "view"
CHOICE = "augment-run"


def choose_run(
    runs: Sequence[Run], label: str, *, otherwise: str | None = None, help: str | None = None
) -> Run | None:
    """One of `runs`, at least one: that of the address, or else the first.

    `otherwise` adds a first option with this label that stands for no run.
    """
    by_id = {run.id: run for run in runs}
    options = ([""] if otherwise else []) + list(by_id)
    asked = st.query_params.get(PARAMETER)
    session.set_widget(CHOICE, asked if asked in by_id else options[0])
    chosen = st.selectbox(
        label, options, key=CHOICE, help=help, on_change=_note_choice,
        format_func=lambda run_id: describe_run(by_id[run_id]) if run_id else str(otherwise),
    )  # fmt: skip
    return by_id.get(str(chosen))


def warn_of_run(runs: Sequence[Run], needs_weights: bool) -> None:
    """Say so where the address asks for a run that is not here, or that has no weights where these are needed."""
    asked = st.query_params.get(PARAMETER)
    if asked is None:
        return
    found = next((run for run in runs if run.id == asked), None)
    if found is None:
        st.warning(f"There is no run “{literal(asked[:40])}” here.", icon=":material/link_off:")
    elif needs_weights and found.best_epoch is None:
        st.warning(
            f"“{literal(found.name)}” has no weights yet, so it cannot classify pictures.",
            icon=":material/link_off:",
        )


def describe_run(run: Run) -> str:
    """A run in a list of runs. Plain text: a selectbox shows no Markdown."""
    return f"{run.name} ({run.dataset}, {percent(run.best_val_accuracy)})"


def _note_choice() -> None:
    chosen = session.widget_value(CHOICE)
    if chosen:
        st.query_params[PARAMETER] = chosen
    else:
        st.query_params.pop(PARAMETER, None)
