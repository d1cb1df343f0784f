"""One study: its result so far, live while its runs are under way, and the buttons to stop, complete or delete it."""

import time
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.curves import GAP_IN_WORDS
from core.config.fields import Limits
from core.errors import ConvDeckError, StudyNotFound
from core.report.shared_page import share_name, share_study
from core.runs.progress import run_fraction
from core.runs.trouble import first_trouble
from core.server.services import Services
from core.store.states import RunState
from core.store.studies import Member, Study
from core.studies.report import StudyReport, condition_names, read_report
from core.studies.spec import MOST_SEEDS
from core.studies.start import complete_study, delete_study, stop_study
from core.visitors.person import teacher_only
from pages.components.kit import run_words, session
from pages.components.kit.destructive import destructive_button, render_confirmation
from pages.components.kit.downloads import download_made
from pages.components.kit.numbers import render_refusal
from pages.components.kit.redraw import act_and_redraw, draw_ticking, render_folded
from pages.components.kit.text import error_text, literal
from pages.components.studies.results import render_result
from pages.components.studies.words import KINDS

TICK_SECONDS = 2.0
MOST_LINKED = 50  # as many as the Runs page takes
MOST_NAMED = 5
WITH_RUNS = "delete-with-runs"


def render_study(services: Services, study_id: str) -> None:
    """Its head, buttons and result, live while one of its runs is under way. Raises StudyNotFound."""
    report = read_report(services.workspace, services.store, study_id)
    st.subheader(literal(report.study.name), anchor=False)
    _render_actions(services, report)
    ticking = bool(report.under_way) or report.study.adds_seeds
    every = TICK_SECONDS if ticking else None
    draw_ticking(_draw, services, study_id, _signature(report), every=every)


def _draw(services: Services, study_id: str, drawn: object) -> None:
    try:
        report = read_report(services.workspace, services.store, study_id)
    except StudyNotFound:
        st.rerun()  # deleted elsewhere: the page says so
    if _signature(report) != drawn:
        st.rerun()  # the buttons above follow
    _render_standing(report)
    _render_trouble(services, report)
    if report.problem:
        st.error(literal(report.problem), icon=":material/broken_image:")
    if report.result is not None and report.spec is not None:
        render_result(report, report.spec, report.result)
        with st.expander("How this is calculated", icon=":material/calculate:", key=f"reckoned-{study_id}"):
            st.markdown(KINDS[report.spec.kind].calculation)
    _render_runs(report)


def _signature(report: StudyReport) -> object:
    """What the buttons depend on."""
    runs = tuple(
        (member.run.id, member.run.state, member.run.attempt, member.run.stop_requested)
        for member in report.members
    )
    study = report.study
    return study.name, study.adds_seeds, study.is_stopped, study.max_seeds, report.is_decided, runs


def _render_actions(services: Services, report: StudyReport) -> None:
    study_id = report.study.id
    if why := teacher_only("change a study"):
        st.caption(why)
        _share(services, report.study)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        own = [
            member for member in report.under_way
            if member.may_stop and not member.run.stop_requested
        ]  # fmt: skip
        # Where all of them are wanted by others too, it stops wanting them.
        shares = any(not member.is_alone for member in report.under_way) and not report.study.is_stopped
        if (own or shares or report.study.adds_seeds) and st.button(
            f"Stop all {len(own)}" if len(own) > 1 else "Stop", key="stop-study", icon=":material/stop:",
            help="Stops the runs of this study and keeps their weights. Reused runs, and runs that another study waits "
            "for, continue.",
        ):  # fmt: skip
            act_and_redraw(lambda: stop_study(services.workspace, study_id))
        missing = len(report.failed) + len(report.holes)
        if missing and st.button(
            f"Queue {missing} missing runs again" if missing > 1 else "Queue the missing run again",
            key="complete-study", icon=":material/replay:", type="primary",
            help="Failed and stopped runs resume from their last finished epoch; deleted runs are trained again.",
        ):  # fmt: skip
            act_and_redraw(lambda: complete_study(services.workspace, study_id))
        if not missing and report.continuing and st.button(
            "Resume", key="resume-study", icon=":material/play_arrow:",
            help="The study wants its runs again. They then continue also when the others that want them are stopped.",
        ):  # fmt: skip
            act_and_redraw(lambda: complete_study(services.workspace, study_id))
        if not missing and report.can_add:
            _render_more_seeds(services, report)
        ids = [member.run.id for member in report.members][:MOST_LINKED]
        if ids:
            st.page_link(
                "runs.py", label="Show curves", icon=":material/monitoring:", width="content",
                query_params={"run": ",".join(ids)},
            )  # fmt: skip
        _share(services, report.study)
        if destructive_button("Delete", "delete-study"):
            _delete_dialog(services, report)


def _share(services: Services, study: Study) -> None:
    download_made(
        "Share as HTML", lambda: share_study(services.workspace, services.store, study.id, time.time()),
        share_name(study), "text/html", key="share-study", icon=":material/share:",
        help="One HTML file that opens offline in any browser: verdict, curves to explore, and tables to sort. No "
        "weights, no names of visitors, nothing about this computer.",
    )  # fmt: skip


def _render_more_seeds(services: Services, report: StudyReport) -> None:
    """Let a study that is not decided add more seeds than it was allowed, or continue after it was stopped."""
    assert report.spec is not None and report.spec.max_seeds is not None
    has = len(report.spec.seeds)
    if has >= MOST_SEEDS:
        return
    usual = max(has + 1, report.spec.max_seeds)
    more = report.decision.forecast.more if report.decision and report.decision.forecast else None
    if has >= report.spec.max_seeds and more is not None:
        usual = min(MOST_SEEDS, has + more)
    with st.popover("Add more seeds", icon=":material/add:"):
        most = st.number_input(
            "Seeds at most", value=usual, step=1, key=f"more-seeds-{report.study.id}-{has}"
        )
        is_refused = render_refusal(most, Limits(has + 1, MOST_SEEDS, whole=True))
        if st.button(
            "Continue", key="more-seeds", type="primary", icon=":material/play_arrow:", disabled=is_refused
        ):
            act_and_redraw(lambda: complete_study(services.workspace, report.study.id, int(most)))


@st.dialog("Delete the study?", icon=":material/delete:")
def _delete_dialog(services: Services, report: StudyReport) -> None:
    own = [member for member in report.members if not (member.is_reused or member.is_shared)]
    st.write(
        f"This deletes “{literal(report.study.name)}”, its question and its result, permanently. Its runs stay, with "
        "curves and weights."
    )
    if own and report.under_way:
        st.caption("To delete its runs as well, stop them first.")
    elif own:
        st.checkbox(f"Also delete the {len(own)} runs that it started", key=WITH_RUNS)
    render_confirmation(
        "Delete", "really-delete-study", on_click=_delete_now, args=(services, report.study.id)
    )


def _delete_now(services: Services, study_id: str) -> None:
    st.query_params.clear()
    try:
        kept = delete_study(services.workspace, study_id, with_runs=bool(session.widget_value(WITH_RUNS)))
    except ConvDeckError as error:
        kept = [error_text(error)]
    for sentence in kept:
        session.flash(literal(sentence))


def _render_standing(report: StudyReport) -> None:
    if report.is_partial:
        done = sum(
            1.0 if member.run.state.is_finished else run_fraction(member.run) for member in report.members
        )
        st.progress(min(1.0, done / max(1, report.num_planned)), report.standing)
    reused = sum(member.is_reused for member in report.members)
    parts = []
    if report.num_finished and not report.is_partial:
        all_runs = "Both" if report.num_planned == 2 else f"All {report.num_planned}"
        parts.append(f"{all_runs} runs have finished.")
    if reused:
        verb = "was" if reused == 1 else "were"
        parts.append(f"{reused} of its runs {verb} reused, not trained again.")
    parts += [
        sentence for sentence in (report.seeds_note, report.stopped, report.adding) if sentence is not None
    ]
    if parts:
        st.caption(" ".join(parts))


def _render_trouble(services: Services, report: StudyReport) -> None:
    """What is missing, by name, and what to do about it."""
    if problem := first_trouble(services.workspace, (member.run for member in report.members)):
        st.error(literal(problem), icon=run_words.TROUBLE_ICON)
    for member in report.failed[:MOST_NAMED]:
        run = member.run
        what = run.error or f"It was {run.state.lower()} after {run.epoch} of {run.total_epochs} epochs"
        step = f" {literal(run.next_step)}" if run.next_step else ""
        icon = run_words.LOOKS[run.state].icon
        text = f"**{literal(run.name)}** is not counted: {literal(what.rstrip('.'))}.{step}"
        (st.warning if run.state is RunState.STOPPED else st.error)(text, icon=icon)
    if len(report.failed) > MOST_NAMED:
        st.caption(f"And {len(report.failed) - MOST_NAMED} more that did not finish.")
    if report.holes:
        named = ", ".join(f"“{literal(hole.name)}”" for hole in report.holes[:MOST_NAMED])
        more = f" and {len(report.holes) - MOST_NAMED} more" if len(report.holes) > MOST_NAMED else ""
        verb = "was" if len(report.holes) == 1 else "were"
        st.warning(
            f"{named}{more} {verb} deleted and {'is' if len(report.holes) == 1 else 'are'} missing here.",
            icon=":material/data_array:",
        )
    changed = [member for member in report.members if member.is_changed]
    if changed:
        named = ", ".join(f"“{literal(member.run.name)}”" for member in changed[:MOST_NAMED])
        st.warning(
            f"{named} {'was' if len(changed) == 1 else 'were'} changed by hand during training, so this is "
            "no longer the comparison that was planned.",
            icon=":material/touch_app:",
        )


def _render_runs(report: StudyReport) -> None:
    render_folded(
        "Runs in this study", f"runs-{report.study.id}", lambda: _render_table(report), icon=":material/list:"
    )


def _render_table(report: StudyReport) -> None:
    if not report.members:
        st.caption("All of its runs were deleted.")
        return
    st.dataframe(
        _run_rows(report.members, condition_names(report)), hide_index=True, placeholder="–",
        alt="The runs of the study: condition, seed, status, best validation accuracy, gap and epochs",
        column_config={
            "best": st.column_config.NumberColumn("Best validation", format="%.1f %%"),
            "balanced": st.column_config.NumberColumn(
                "Balanced", format="%.1f %%", help="The mean of the classes' validation accuracies at the best epoch.",
            ),
            "gap": st.column_config.NumberColumn("Gap", format="%.1f", help=GAP_IN_WORDS),
            "condition": "Condition", "seed": "Seed", "status": "Status", "epochs": "Epochs",
            "name": "Name", "there": st.column_config.CheckboxColumn("Reused"), "id": "Id",
        },
    )  # fmt: skip


def _run_rows(members: Sequence[Member], names: dict[str, str]) -> pd.DataFrame:
    rows = [
        {
            "condition": ", ".join(names.get(condition, condition) for condition in member.role["arms"]),
            "seed": member.role["seed"],
            "status": run_words.LOOKS[member.run.state].label,
            "best": None if member.run.best_val_accuracy is None else 100 * member.run.best_val_accuracy,
            "balanced": None if (balanced := member.run.balanced_where_uneven) is None else 100 * balanced,
            "gap": None if member.run.gap is None else 100 * member.run.gap,
            "epochs": f"{member.run.epoch} of {member.run.total_epochs}",
            "there": member.is_reused,
            "name": member.run.name,
            "id": member.run.id,
        }
        for member in members
    ]
    table = pd.DataFrame(rows)
    return table.drop(columns="balanced") if table["balanced"].isna().all() else table
