"""What can be done to a run while it trains: pause, resume, step; another learning rate, more epochs; the history."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from core.config import ExperimentConfig
from core.errors import ConvDeckError
from core.formatting import rate_in_words
from core.runs import control
from core.server.services import Services
from core.store.interventions import Intervention
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from pages.components.kit import session
from pages.components.kit.numbers import number_format
from pages.components.kit.person import own_of
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import error_text, literal, local_time

POPOVER_PIXELS = 440  # a phone gives it less

# How far a click takes the learning rate, and what it is called.
FACTORS = {"Double": 2.0, "Halve": 0.5, "A tenth": 0.1}
WHAT = {
    "learning_rate": "Learning rate",
    "add_epochs": "More epochs",
    "pause": "Pause",
    "resume": "Resume",
    "step": "Step one epoch",
}
NOT_YET = {
    "learning_rate": "Takes effect when the next epoch begins.",
    "pause": "Takes effect after the current batch.",
    "resume": "Takes effect in a moment.",
    "step": "Trains to the end of this epoch.",
}


def render_pause(services: Services, runs: Sequence[Run]) -> None:
    """The buttons that pause and resume runs, beside Stop."""
    at_work = [run for run in runs if run.state.is_active and not run.stop_requested]
    running = [run for run in at_work if not run.pause_requested and run.state is not RunState.PAUSED]
    held = [run for run in at_work if run.pause_requested]
    paused = [run for run in held if run.state is RunState.PAUSED]
    own, why = own_of(services, running, "pause")
    if running and st.button(
        counted("Pause", own or running, runs),
        key="pause-runs",
        icon=":material/pause:",
        disabled=why is not None,
        help=why
        or "Pauses after the current batch and keeps its device. Resume continues exactly where it stopped.",
    ):
        act_and_draw(own, lambda run: control.pause_run(services.workspace, run.id))
    own, why = own_of(services, held, "resume")
    if held and st.button(
        "Resume" if len(runs) == 1 else f"Resume {len(own or held)} paused",
        key="go-on-runs",
        icon=":material/play_arrow:",
        type="primary",
        disabled=why is not None,
        help=why or "Continues exactly where it paused.",
    ):
        act_and_draw(own, lambda run: control.resume_run(services.workspace, run.id))
    # Never “stepping”: an epoch can be over before the next tick, which would leave that label standing.
    if (
        len(runs) == 1
        and paused
        and st.button(
            "Step one epoch",
            key="step-run",
            icon=":material/skip_next:",
            disabled=why is not None,
            help=why or "Trains to the end of this epoch, then pauses again.",
        )
    ):
        act_and_draw(paused, lambda run: control.step_run(services.workspace, run.id))


def render_changes(services: Services, run: Run) -> None:
    """What can be changed of a run that trains or can be resumed. Opening it reads its numbers again."""
    if (run.state.is_finished and not run.can_resume) or run.stop_requested:
        return
    told = "Change the learning rate or the number of epochs before resuming."
    if not run.state.is_finished:
        told = "Change the learning rate or the number of epochs during training."
    _, why = own_of(services, [run], "change")
    with (
        st.popover(
            "Change",
            icon=":material/tune:",
            key=f"change-{run.id}",
            on_change="rerun",
            help=why or told,
            disabled=why is not None,
        ),
        st.container(width=POPOVER_PIXELS),
    ):
        _render_rate(services, run)
        _render_epochs(services, run)


def _render_rate(services: Services, run: Run) -> None:
    rate, told = _current_rate(services.store, run)
    st.markdown("**Learning rate**")
    st.caption(told)
    if rate is not None:
        with st.container(horizontal=True, gap="small"):
            for name, factor in FACTORS.items():
                value = _rounded(rate * factor)
                st.button(
                    f"{name}: {rate_in_words(value)}",
                    key=f"rate-{factor:g}-{run.id}",
                    on_click=_set_rate,
                    args=(services.workspace, run, value),
                )
    # A form, because a field on its own sends its text as it is left for the button, and the page that is drawn for
    # that swallows the click.
    with (
        st.form(f"rate-form-{run.id}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        value = st.number_input(
            "New rate",
            value=rate,
            step=_rounded((rate or 0.001) / 10),
            format=number_format(rate),
            key=f"rate-{run.id}-{rate or 0:g}",
        )
        if st.form_submit_button("Set", key=f"set-rate-{run.id}"):
            act_and_draw([run], lambda run: control.set_learning_rate(services.workspace, run.id, value))


def _render_epochs(services: Services, run: Run) -> None:
    st.markdown("**More epochs**")
    told = f"It trains for {run.total_epochs:,} epochs"
    if run.added_epochs:
        told += f", {run.added_epochs:,} more than its design says"
    st.caption(f"{told}.")
    with (
        st.form(f"epochs-form-{run.id}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        add = st.number_input("Epochs to add", value=max(1, run.total_epochs // 2), key=f"epochs-{run.id}")
        if st.form_submit_button("Add", key=f"add-epochs-{run.id}"):
            act_and_draw([run], lambda run: control.add_epochs(services.workspace, run.id, add))


def _set_rate(workspace: Workspace, run: Run, value: float) -> None:
    act_on([run], lambda run: control.set_learning_rate(workspace, run.id, value))


def _current_rate(store: Store, run: Run) -> tuple[float | None, str]:
    """The rate that a change begins from, None where it is not known yet; and where it is from in a sentence or two."""
    rates = [rate for rate in store.curves(run.id)["learning_rate"] if rate]
    config = run.readable_config
    rate: float | None = _rounded(rates[-1] if rates else config.optimizer.learning_rate if config else 0.001)
    told = f"Epoch {run.epoch} was trained at" if rates else "It starts at"
    told += f" {rate_in_words(rate or 0)}."
    if not rates and config and _goes_up_first(config):
        # Half of the top is far above where it begins, and it would go up from there.
        told = f"It starts low and rises to {rate_in_words(rate or 0)}; the rate appears here after the first epoch."
        rate = None
    if config and config.optimizer.schedule not in ("constant", "plateau"):
        told += " Its schedule continues from the rate that you set."
    if asked := _pending(store, run, "learning_rate"):
        rate = asked.value or rate
        told += f" **{rate_in_words(rate)} is requested** and takes effect when the next epoch begins."
    return rate, told


def render_hold(store: Store, run: Run) -> None:
    """Say that a run is paused, or about to be, and how to resume it."""
    if run.stop_requested:
        return
    if run.state is not RunState.PAUSED:
        if run.pause_requested:
            stepping = _pending(store, run, "step") is not None
            st.caption(
                ":material/pause: Pausing after this epoch…"
                if stepping
                else ":material/pause: Pausing after the current batch…"
            )
        return
    where = f"after epoch {run.epoch} of {run.total_epochs}" if run.epoch else "before its first epoch"
    if run.batch:
        where = f"in epoch {run.epoch + 1} of {run.total_epochs}"
    if not run.pause_requested:
        st.info(f"Paused {where}. Resuming…", icon=":material/play_arrow:")
        return
    st.info(
        f"**Paused {where}.** It keeps its device. To continue, use *Resume* or *Step one epoch* above, or "
        f"`python -m core resume {run.id}`.",
        icon=":material/pause:",
    )


def render_history(store: Store, run: Run) -> None:
    """What people requested of the run, when, at which epoch, and the outcome; nothing without requests."""
    history = store.interventions.history(run.id)
    if not history:
        return
    render_folded(
        "Changed during training", f"history-{run.id}", lambda: _render_table(history), icon=":material/history:"
    )  # fmt: skip


def _render_table(history: Sequence[Intervention]) -> None:
    # No st.dataframe: the sentences must wrap.
    st.table(
        history_frame(history),
        border="horizontal",
        hide_index=True,
        alt="What was changed during training: when, after which epoch, what, and the outcome",
    )


def history_frame(history: Sequence[Intervention]) -> pd.DataFrame:
    """A row for each request, the newest first."""
    rows = [
        {
            "When": local_time(each.asked_at),
            "After epoch": "–" if each.epoch is None else str(each.epoch),
            "What": describe_intervention(each),
            "Outcome": each.outcome or NOT_YET.get(each.kind, "Not yet."),
        }
        for each in reversed(history)
    ]
    return pd.DataFrame(rows, columns=["When", "After epoch", "What", "Outcome"])


def describe_intervention(intervention: Intervention) -> str:
    """`Learning rate 0.0005`, `More epochs 5`, `Pause`."""
    what = WHAT.get(intervention.kind, intervention.kind)
    if intervention.value is None:
        return what
    if intervention.kind == "learning_rate":
        return f"{what} {rate_in_words(intervention.value)}"
    return f"{what} {intervention.value:g}"


def _goes_up_first(config: ExperimentConfig) -> bool:
    optimizer = config.optimizer
    return optimizer.schedule in ("one_cycle", "triangular") or (
        optimizer.schedule == "cosine" and optimizer.warmup_epochs > 0
    )


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")


def _pending(store: Store, run: Run, kind: str) -> Intervention | None:
    history = store.interventions.history(run.id)
    return next((each for each in history if each.kind == kind and each.is_pending), None)


def act_on(runs: Sequence[Run], act: Callable[[Run], object]) -> None:
    """Act on each run. A refusal is shown when the page is drawn again, and the rest still happens."""
    for run in runs:
        try:
            act(run)
        except (ConvDeckError, OSError) as error:
            session.flash(literal(error_text(error)))


def act_and_draw(runs: Sequence[Run], act: Callable[[Run], object]) -> None:
    """The same, and the page is drawn again at once."""
    act_on(runs, act)
    st.rerun()


def counted(verb: str, affected: Sequence[Run], runs: Sequence[Run]) -> str:
    """The label of a button: with several runs, how many of them it is for."""
    return verb if len(runs) == 1 else f"{verb} {len(affected)}"
