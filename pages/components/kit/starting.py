"""Runs that a button starts: the reason on the page where a start is refused, and where to go when it went through.

An identical run that waits, trains or has finished is taken instead of training the same a second time, and a notice
says so and offers to train all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import streamlit as st

from core.analysis.suggestions import Suggestion
from core.errors import UserError
from core.runs.start import fork_name, fork_or_share_experiment, start_or_share_experiments
from core.server.services import Services
from core.store.records import Run, RunRequest
from core.store.reuse import Queued
from core.store.states import RunState
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


def start_run(services: Services, request: RunRequest) -> Run | None:
    """The run that was started or taken; None, with the reason on the page, where it is refused."""
    started = start_runs(services, [request])
    return None if started is None else started[0]


def start_runs(services: Services, requests: Sequence[RunRequest]) -> list[Run] | None:
    """The same for several that belong together: all of them, or None."""
    started = try_to_start(
        lambda: start_or_share_experiments(
            services.workspace, [_with_token(request) for request in requests], reuse=True
        )
    )
    if started is None:
        return None
    return [_taken(*each) for each in zip(started, requests, strict=True)]


def start_fork(services: Services, run: Run, suggestion: Suggestion) -> Run | None:
    """A fork of the run with the changes of a suggestion, started or taken; None as for `start_run`."""
    name = fork_name(run.name, suggestion.title)

    def start() -> tuple[Queued, RunRequest]:
        config = run.config.with_values(suggestion.changes)
        request = RunRequest(config, name, run.preset, parent_id=run.id)
        token = _with_token(request).token
        queued = fork_or_share_experiment(
            services.workspace, run.id, suggestion.changes, name, token, reuse=True
        )
        return queued, request

    started = try_to_start(start)
    return None if started is None else _taken(*started)


def render_shared(services: Services, runs: Sequence[Run]) -> dict[str, Run]:
    """Say which of these runs were taken for this visitor's start, with a button that trains all the same.

    Returns the runs that the button has started, by the id of the one that was taken.
    """
    asked = session.shared_starts()
    shared = [run for run in runs if run.id in asked]
    if not shared:
        return {}
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            ":material/group: **Nothing new was started.** "
            + " ".join(_in_words(services, run) for run in shared),
            width="stretch",
        )
        again = st.button(
            "Train anyway", key=f"train-anyway-{shared[0].id}", icon=":material/play_arrow:",
            help="Trains the same once more. With the same seed the curve comes out the same.",
        )  # fmt: skip
        st.button(
            "Close", key=f"close-shared-{shared[0].id}", type="tertiary", on_click=_forget, args=(shared,)
        )
    return _train_anyway(services, shared) if again else {}


def open_runs(*runs: Run) -> None:
    """Leave this page for the curves of these runs."""
    ids = tuple(run.id for run in runs)
    session.set_chosen_runs(ids)
    # A page of its own, so that the address holds them all.
    st.switch_page("runs.py", query_params={"run": ",".join(ids)})


def _with_token(request: RunRequest) -> RunRequest:
    told = f"{request.name or ''} {request.parent_id or ''}"
    return replace(request, token=session.idempotency_token(request.config, told))


def _taken(queued: Queued, request: RunRequest) -> Run:
    session.set_shared_start(queued.run.id, request if queued.is_shared else None)
    return queued.run


def _in_words(services: Services, run: Run) -> str:
    name = f"“{literal(run.name)}” has the same settings, seed and data, and"
    if run.state is RunState.FINISHED:
        return f"{name} has been trained already."
    why = services.store.visitors.refusal(run.visitor, "stop")
    whose = "" if why is None else f" {literal(why)}"
    if run.state is RunState.WAITING:
        return f"{name} waits for its turn.{whose}"
    return f"{name} trains already.{whose}"


def _forget(runs: Sequence[Run]) -> None:
    for run in runs:
        session.set_shared_start(run.id, None)


def _train_anyway(services: Services, shared: Sequence[Run]) -> dict[str, Run]:
    asked = session.shared_starts()

    def start() -> dict[str, Run]:
        requests = [_with_token(asked[run.id]) for run in shared]
        queued = start_or_share_experiments(services.workspace, requests, reuse=False)
        return {run.id: each.run for run, each in zip(shared, queued, strict=True)}

    started = try_to_start(start)
    if started is not None:
        _forget(shared)
    return started or {}
