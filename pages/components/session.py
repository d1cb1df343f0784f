"""Every key of `st.session_state`, behind functions with names."""

import streamlit as st

from core.services import Services, get_services


def services() -> Services:
    """The collaborators of this process."""
    return get_services()


def chosen_runs() -> tuple[str, ...] | None:
    """The runs that this visitor looked at last; None on a first visit."""
    return st.session_state.get("chosen_runs")


def set_chosen_runs(ids: tuple[str, ...]) -> None:
    """Remember the runs that are looked at, for coming back to the page."""
    st.session_state["chosen_runs"] = ids


def run_table_key(ids: tuple[str, ...], chosen: tuple[str, ...]) -> str:
    """The widget key of the table with these rows and ticks.

    It stays while the visitor ticks. It is a new one when the rows changed, so that a late click on old rows cannot
    tick a wrong run, and when the choice came from elsewhere, so that the table shows it.
    """
    number, known_ids, known_chosen = st.session_state.get("run_table", (0, (), ()))
    if number == 0 or (known_ids, known_chosen) != (ids, chosen):
        number += 1
        st.session_state["run_table"] = (number, ids, chosen)
    return f"run-table-{number}"


def note_ticked_runs(chosen: tuple[str, ...]) -> None:
    """The table itself changed the choice: it stays the same table."""
    number, ids, _ = st.session_state["run_table"]
    st.session_state["run_table"] = (number, ids, chosen)


def flash(message: str) -> None:
    """Have a message shown once, after the next rerun."""
    st.session_state.setdefault("flashes", []).append(message)


def take_flashes() -> list[str]:
    """The messages to show now; they are given out once."""
    return st.session_state.pop("flashes", [])
