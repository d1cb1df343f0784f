"""Runs that a button starts: the reason on the page where a start is refused, and where to go when it went through."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from core.analysis.suggestions import Suggestion
from core.errors import UserError
from core.runs.start import fork_experiment, fork_name
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.text import error_text, literal

Started = TypeVar("Started")


def try_to_start(
    start: Callable[[], Started], in_words: Callable[[UserError], str] = error_text
) -> Started | None:
    """What `start` returns. None where it is refused, with the reason, as `in_words` gives it, on the page.

    `start` passes on `session.idempotency_token`, which is used up by a start that went through.
    """
    try:
        started = start()
    except UserError as error:
        st.error(literal(in_words(error)), icon=":material/block:")
        return None
    session.use_token()
    return started


def start_fork(services: Services, run: Run, suggestion: Suggestion) -> Run | None:
    """A fork of the run with the changes of a suggestion; None, with the reason on the page, where it is refused."""

    def start() -> Run:
        token = session.idempotency_token(run.config.with_values(suggestion.changes), run.id)
        name = fork_name(run.name, suggestion.title)
        return fork_experiment(services.workspace, run.id, suggestion.changes, name, token)

    return try_to_start(start)


def open_runs(*runs: Run) -> None:
    """Leave this page for the curves of these runs."""
    ids = tuple(run.id for run in runs)
    session.set_chosen_runs(ids)
    # A page of its own, so that the address holds them all.
    st.switch_page("runs.py", query_params={"run": ",".join(ids)})
