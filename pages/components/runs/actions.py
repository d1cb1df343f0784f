"""What can be done with the chosen runs: pause, stop, resume, change, rename, delete, download, try, copy."""

import time
from collections.abc import Sequence

import streamlit as st

from core.comparison.conditions import ONE_OF, Condition
from core.comparison.query import Query
from core.formatting import file_stem, rough_duration
from core.report.shared_page import share_name, share_run
from core.runs import control
from core.runs.documents import curves_csv, settings_json, summaries_csv
from core.runs.starting_weights import can_be_source
from core.server.services import Services
from core.store.records import MAX_NAME_CHARACTERS, Run
from core.store.trash import KEPT_SECONDS
from pages.components.kit import session, session_exports
from pages.components.kit.destructive import destructive_button, render_confirmation
from pages.components.kit.downloads import download_made
from pages.components.kit.person import own_of
from pages.components.kit.text import literal
from pages.components.runs.controls import act_and_draw, act_on, counted, render_changes, render_pause
from pages.components.runs.epoch_weights import render_epoch_weights
from pages.components.runs.export import export_dialog
from pages.components.runs.selection import write_selection

# Names in the dialog that need no scrolling, and the height of more.
SHORT_LIST, LIST_PIXELS = 6, 220


def render_actions(services: Services, runs: Sequence[Run]) -> None:
    """A row of buttons for one run or several."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        render_pause(services, runs)
        _stop_and_resume(services, runs)
        if len(runs) == 1:
            render_changes(services, runs[0])
            _links(runs[0])
            _rename(services, runs[0])
        _compare(runs)
        _signal_or_noise(runs)
        _downloads(services, runs)
        _delete(services, runs)


def _stop_and_resume(services: Services, runs: Sequence[Run]) -> None:
    stoppable = [run for run in runs if run.state.can_stop]
    if stoppable:
        asked = all(run.stop_requested for run in stoppable)
        own, why = own_of(services, stoppable, "stop")
        if st.button(
            "Stopping…" if asked else counted("Stop", own or stoppable, runs),
            key="stop-runs",
            icon=":material/stop:",
            disabled=asked or why is not None,
            help=why or "Stops after the current batch and keeps what was learned. The run can be resumed.",
        ):
            act_and_draw(own, lambda run: control.stop_run(services.workspace, run.id))
    resumable = [run for run in runs if run.can_resume]
    own, why = own_of(services, resumable, "resume")
    if resumable and st.button(
        counted("Resume", own or resumable, runs),
        key="resume-runs",
        icon=":material/play_arrow:",
        type="primary",
        disabled=why is not None,
        help=why or "Continues from the last finished epoch.",
    ):
        act_and_draw(own, lambda run: control.resume_run(services.workspace, run.id))


def _links(run: Run) -> None:
    st.page_link(
        "inspect_run.py",
        label="Inspect",
        icon=":material/troubleshoot:",
        query_params={"run": run.id},
        disabled=not run.has_weights,
        help="See what this run gets wrong, and how good it really is.",
        width="content",
    )
    st.page_link(
        "classify.py",
        label="Classify",
        icon=":material/image_search:",
        query_params={"run": run.id},
        disabled=not run.has_weights,
        help="Try this run's best weights on your own pictures.",
        width="content",
    )
    st.page_link(
        "design.py",
        label="Copy",
        icon=":material/content_copy:",
        query_params={"from": run.id},
        disabled=run.recorded_by is not None,
        help="Open this run's settings in Design, to change something and start another run.",
        width="content",
    )
    if can_be_source(run):
        st.page_link(
            "design.py",
            label="Build on it",
            icon=":material/move_up:",
            query_params={"from": run.id, "weights": run.id},
            help="Open this run's settings in Design with its weights as the start: choose other pictures there, and "
            "what it has learned helps with them (transfer learning).",
            width="content",
        )


def _compare(runs: Sequence[Run]) -> None:
    """One run is pinned there, and all others are held against it; several are shown alone, against their parent."""
    parents = {run.parent_id for run in runs}
    parent = next((run.id for run in runs if run.id in parents), None)
    alone = Query(where=(Condition("id", ONE_OF, tuple(run.id for run in runs)),), baseline=parent)
    query = Query(baseline=runs[0].id) if len(runs) == 1 else alone
    st.page_link(
        "compare.py",
        label="Compare",
        icon=":material/stacked_line_chart:",
        query_params=query.to_parameters(),
        help="Hold all other runs against this one." if len(runs) == 1 else "Only these, side by side.",
        width="content",
    )


def _signal_or_noise(runs: Sequence[Run]) -> None:
    if len(runs) == 1 and (config := runs[0].readable_config) and config.model.start_from is not None:
        st.page_link(
            "studies.py",
            label="Worth it?",
            icon=":material/balance:",
            query_params={"kind": "seeds", "runs": runs[0].id, "against": "scratch"},
            help="Train this run with several seeds, with and without the weights that it started from.",
            width="content",
        )
    if len(runs) <= 2 and all(run.readable_config is not None for run in runs):
        st.page_link(
            "studies.py",
            label="Signal or noise?",
            icon=":material/query_stats:",
            query_params={"kind": "seeds", "runs": ",".join(run.id for run in runs)},
            help="Train with several seeds to see which differences are more than chance.",
            width="content",
        )


def _rename(services: Services, run: Run) -> None:
    # A form, because a field on its own sends its text as it is left for the button, and the page that is drawn for
    # that swallows the click. A new name, also one given elsewhere, draws all of it again: closed, and with that name.
    key = f"{run.id}-{run.name}"
    _, why = own_of(services, [run], "rename")
    with (
        st.popover("Rename", icon=":material/edit:", key=f"rename-{key}", disabled=why is not None, help=why),
        st.form(f"name-form-{run.id}", border=False),
    ):
        name = st.text_input("Name", run.name, key=f"name-{key}", max_chars=MAX_NAME_CHARACTERS)
        if st.form_submit_button("Save name", key=f"save-name-{run.id}"):
            act_and_draw([run], lambda run: control.rename_run(services.workspace, run.id, name))


def _downloads(services: Services, runs: Sequence[Run]) -> None:
    file_name = _stem(runs[0]) if len(runs) == 1 else "runs"
    # Under another key after each dialog, so that it is drawn closed: an open one would lie above the dialog.
    with st.popover(
        "Download", icon=":material/download:", key=f"download-{session_exports.exports_opened()}"
    ):
        download_made(
            "Curves as CSV",
            lambda: curves_csv([(run, services.store.curves(run.id)) for run in runs]),
            f"{file_name}-curves.csv",
            "text/csv",
            key="curves-csv",
            icon=":material/table_view:",
            width="stretch",
        )
        download_made(
            "Summary as CSV",
            lambda: summaries_csv(services.store.get_runs([run.id for run in runs])),
            f"{file_name}-summary.csv",
            "text/csv",
            key="summary-csv",
            icon=":material/table:",
            width="stretch",
        )
        st.download_button(
            "Settings as JSON",
            settings_json(runs),
            file_name=f"{file_name}-config.json",
            mime="application/json",
            icon=":material/data_object:",
            on_click="ignore",
            width="stretch",
        )
        if len(runs) == 1:
            _share(services, runs[0])
        if len(runs) == 1 and st.button(
            "Model or script as a file",
            key="export-model",
            icon=":material/network_node:",
            disabled=not runs[0].has_weights,
            width="stretch",
            on_click=session_exports.export_opened,
        ):
            export_dialog(services, runs[0])


def _share(services: Services, run: Run) -> None:
    download_made(
        "Share as HTML",
        lambda: share_run(services.workspace, services.store, run, time.time()),
        share_name(run),
        "text/html",
        key="share-run",
        icon=":material/share:",
        width="stretch",
        help="One file that opens offline in any browser: curves to explore, verdict, settings, note and tags. No "
        "weights, no names of visitors, nothing about this computer.",
    )


def _stem(run: Run) -> str:
    return file_stem(run.name, run.id)


def _delete(services: Services, runs: Sequence[Run]) -> None:
    busy = [run for run in runs if not run.state.can_delete]
    own, why = own_of(services, runs, "delete")
    if why is None and len(own) < len(runs):
        why = "Some of these runs are not yours. Tick your own alone."
    if busy and why is None:
        why = "An active run cannot be deleted: stop it first."
    if destructive_button(counted("Delete", runs, runs), "delete-runs", disabled=why is not None, help=why):
        _delete_dialog(services, runs)


@st.dialog("Delete runs?", icon=":material/delete:")
def _delete_dialog(services: Services, runs: Sequence[Run]) -> None:
    one = len(runs) == 1
    what = f"“{literal(runs[0].name)}”" if one else f"{len(runs)} runs"
    st.write(
        f"{what} with curves, weights and log. For {rough_duration(KEPT_SECONDS).removeprefix('about ')}, "
        f"{'it' if one else 'they'} can be restored under Recently deleted."
    )
    if elsewhere := session.num_not_in_table([run.id for run in runs]):
        which = "It is" if one else "1 of them is" if elsewhere == 1 else f"{elsewhere} of them are"
        st.warning(f"{which} not among the rows that the table shows.", icon=":material/visibility_off:")
    if not one:
        names = "\n".join(f"- {literal(run.name)}" for run in runs)
        with st.container(height=LIST_PIXELS if len(runs) > SHORT_LIST else "content", border=True):
            st.markdown(names)
    render_epoch_weights(services, runs)
    render_confirmation("Delete", "really-delete", on_click=_delete_now, args=(services, tuple(runs)))


def _delete_now(services: Services, runs: Sequence[Run]) -> None:
    deleted = []
    act_on(runs, lambda run: deleted.append(control.delete_run(services.workspace, run.id).run.id))
    session.set_deleted_runs(tuple(deleted))
    write_selection([run.id for run in runs if run.id not in deleted])
