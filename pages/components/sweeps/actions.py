"""What can be done with a sweep: pause, resume, stop, more trials, how many at once, by hand, copy, rename, delete."""

import streamlit as st

from core.config.fields import Limits
from core.errors import ConvDeckError, UserError
from core.formatting import count_of
from core.server.services import Services
from core.store.records import MAX_NAME_CHARACTERS
from core.store.states import SweepState
from core.store.sweeps import Sweep
from core.sweeps.control import (
    delete_sweep,
    more_trials,
    pause_sweep,
    rename_sweep,
    resume_sweep,
    set_concurrency,
    stop_sweep,
)
from core.sweeps.report import SweepReport
from core.sweeps.spec import MAX_CONCURRENCY, MAX_RUNS, SweepSpec
from core.visitors.person import teacher_only
from pages.components.kit import session
from pages.components.kit.destructive import destructive_button, render_confirmation
from pages.components.kit.numbers import render_refusal
from pages.components.kit.redraw import act_and_redraw, stays_drawn
from pages.components.kit.text import error_text, literal
from pages.components.kit.widget_values import first_value
from pages.components.sweeps.address import close
from pages.components.sweeps.base import read_file, replace_form
from pages.components.sweeps.by_hand import render_by_hand

USUAL_MORE = 10
WITH_RUNS = "delete-sweep-with-runs"
STARTABLE = {SweepState.PAUSED, SweepState.STOPPED, SweepState.FAILED}


def has_ended_early(report: SweepReport) -> bool:
    """Whether a search that is over has runs that ended early and were added to it: a confirmation, or a trial by hand.

    `core.sweeps.control.resume_sweep` queues them again.
    """
    if report.sweep.state is not SweepState.FINISHED or report.sweep.num_under_way:
        return False
    added = [
        each.run
        for trial in report.trials
        for each in (trial.runs if trial.origin == "hand" else trial.confirm_runs)
    ]
    return any(run.state.can_resume for run in added)


def render_actions(services: Services, report: SweepReport) -> None:
    """A row of buttons."""
    sweep, workspace = report.sweep, services.workspace
    if why := teacher_only("change a sweep"):
        st.caption(why)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if sweep.state is SweepState.RUNNING and st.button(
            "Pause", key="pause-sweep", icon=":material/pause:",
            help="No new trials begin; those under way are trained to their end.",
        ):  # fmt: skip
            act_and_redraw(lambda: pause_sweep(workspace, sweep.id))
        if (sweep.state in STARTABLE or has_ended_early(report)) and st.button(
            "Resume", key="resume-sweep", icon=":material/play_arrow:", type="primary",
            help="Continues the search; runs that were stopped continue from their last finished epoch.",
        ):  # fmt: skip
            act_and_redraw(lambda: resume_sweep(workspace, sweep.id))
        if (not sweep.state.is_finished or sweep.num_under_way) and st.button(
            "Stop", key="stop-sweep", icon=":material/stop:",
            help="No new trials, and the runs of this sweep end. It can be resumed.",
        ):  # fmt: skip
            act_and_redraw(lambda: stop_sweep(workspace, sweep.id))
        if report.spec is not None:
            _render_more(services, report)
            _render_concurrency(services, report)
            render_by_hand(services, report, report.spec)
            if st.button(
                "Copy as new sweep", key="copy-sweep", icon=":material/content_copy:",
                help="Fills the form with the settings of this sweep, to change something and start another.",
            ):  # fmt: skip
                _copy(services, report.spec)
        _render_rename(services, sweep)
        if destructive_button("Delete", "delete-sweep"):
            _delete_dialog(services, report)


def _render_more(services: Services, report: SweepReport) -> None:
    sweep, spec = report.sweep, report.spec
    assert spec is not None
    most = min(MAX_RUNS // spec.num_seeds, spec.space.num_combinations or MAX_RUNS)
    if sweep.planned >= most:
        return  # every combination is planned
    # Another plan, also one made elsewhere, draws it closed and with that number.
    key = f"{sweep.id}-{sweep.planned}-{sweep.state}"
    # Drawn when it is opened: a number that is set before its field is in the browser does not reach it.
    popover = st.popover("More trials", icon=":material/add:", key=f"more-{key}", on_change="rerun")
    if not stays_drawn(f"more-{key}", is_open=popover.open):
        return
    with popover:
        first_value(f"more-trials-{key}", min(USUAL_MORE, most - sweep.planned))
        more = st.number_input(
            "How many more", value=None, step=1, key=f"more-trials-{key}",
            help=f"Up to {most - sweep.planned:,} more. A number below 0 plans fewer, down to those that have begun.",
        )  # fmt: skip
        total = sweep.planned + int(more or 0)
        sign = "-" if total < sweep.planned else "+"
        st.caption(
            f"{sweep.planned:,} {sign} {abs(total - sweep.planned):,} = {count_of(total, 'trial')} in all."
        )
        # Counted from what the sentence above says, so that what is planned elsewhere meanwhile is not added to.
        if st.button("Plan them", key=f"set-trials-{key}") and not render_refusal(
            total, Limits(1, most, whole=True), "That is the number in all; nothing was changed."
        ):
            act_and_redraw(lambda: more_trials(services.workspace, sweep.id, total))


def _render_concurrency(services: Services, report: SweepReport) -> None:
    sweep = report.sweep
    if sweep.state.is_finished:
        return
    key = f"{sweep.id}-{sweep.concurrency}"
    popover = st.popover(
        "Trials at once", icon=":material/view_week:", key=f"at-once-{key}", on_change="rerun"
    )
    if not stays_drawn(f"at-once-{key}", is_open=popover.open):
        return
    with (
        popover,
        st.form(f"at-once-form-{key}", border=False),
    ):
        first_value(f"concurrency-{key}", sweep.concurrency)
        number = st.number_input(
            "Trials at once", value=None, step=1, key=f"concurrency-{key}", placeholder="one per device"
        )
        place = st.container()
        if st.form_submit_button("Set", key=f"set-concurrency-{key}"):
            with place:
                is_refused = render_refusal(
                    number, Limits(1, MAX_CONCURRENCY, whole=True), "Nothing was changed."
                )
            if not is_refused:
                act_and_redraw(
                    lambda: set_concurrency(
                        services.workspace, sweep.id, None if number is None else int(number)
                    )
                )


def _render_rename(services: Services, sweep: Sweep) -> None:
    # Another name, also one given elsewhere, draws it closed and with that name.
    key = f"{sweep.id}-{sweep.name}"
    with (
        st.popover("Rename", icon=":material/edit:", key=f"rename-{key}"),
        st.form(f"rename-form-{key}", border=False),
    ):
        name = st.text_input("Name", sweep.name, key=f"name-{key}", max_chars=MAX_NAME_CHARACTERS)
        st.caption("Runs keep their names.")
        if st.form_submit_button("Save name", key=f"save-name-{key}"):
            act_and_redraw(lambda: rename_sweep(services.workspace, sweep.id, name))


def _copy(services: Services, spec: SweepSpec) -> None:
    try:
        form = read_file(services, spec.to_dict())
    except UserError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    replace_form(form)
    close()
    st.rerun()


@st.dialog("Delete the sweep?", icon=":material/delete:")
def _delete_dialog(services: Services, report: SweepReport) -> None:
    own = {each.run.id for trial in report.trials for each in trial.runs if each.is_own}
    st.write(
        f"This deletes “{literal(report.sweep.name)}”, its trials and what was found, permanently. Its runs stay, with "
        "curves and weights."
    )
    if report.sweep.num_under_way:
        st.caption("Runs that are under way are stopped.")
    if own:
        runs = "the run" if len(own) == 1 else f"the {len(own)} runs"
        st.checkbox(f"Also delete {runs} that it started", key=WITH_RUNS)
    render_confirmation(
        "Delete", "really-delete-sweep", on_click=_delete_now, args=(services, report.sweep.id)
    )


def _delete_now(services: Services, sweep_id: str) -> None:
    try:
        kept = delete_sweep(services.workspace, sweep_id, with_runs=bool(session.widget_value(WITH_RUNS)))
    except ConvDeckError as error:
        kept = [error_text(error)]
    if not kept:
        close()  # with runs left, the sweep is still there
    for sentence in kept:
        session.flash(literal(sentence))
