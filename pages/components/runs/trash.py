"""Runs that were deleted: the notice with Undo right after it, and the list of those that can be restored."""

import time
from collections.abc import Sequence

import streamlit as st

from core.errors import ConvDeckError
from core.runs.trash import purge_run, restore_run
from core.server.services import Services
from core.store.trash import TrashedRun
from pages.components.kit import session
from pages.components.kit.destructive import destructive_button, render_confirmation
from pages.components.kit.person import own_of
from pages.components.kit.redraw import render_folded, some_of
from pages.components.kit.text import error_text, literal, local_time
from pages.components.runs.selection import write_selection

NOTICE_SECONDS = 600.0
ROWS_PER_PAGE = 10


def render_notice(services: Services, trashed: Sequence[TrashedRun]) -> None:
    """What this visitor deleted last, for some minutes, while it can be undone."""
    ids = session.deleted_runs()
    last = [each for each in trashed if each.run.id in ids and time.time() - each.deleted_at < NOTICE_SECONDS]
    if not last:
        return
    what = f"“{literal(last[0].run.name)}” deleted." if len(last) == 1 else f"{len(last)} runs deleted."
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="small", key="deleted-notice"
    ):
        st.markdown(what, width="content")
        st.button(
            "Undo", key="undo-delete", icon=":material/undo:", on_click=_restore,
            args=(services, tuple(each.run.id for each in last)),
        )  # fmt: skip
        until = local_time(min(each.kept_until for each in last))
        st.caption(f"Kept under Recently deleted until {until}.", width="stretch")
        st.button(
            "",
            key="dismiss-delete",
            icon=":material/close:",
            type="tertiary",
            help="Close",
            on_click=_dismiss,
        )


def warn_of_unknown(run_ids: Sequence[str], trashed: Sequence[TrashedRun]) -> None:
    """Say of the runs that a link asks for and that are not here whether they can come back."""
    deleted = {each.run.id: each.run.name for each in trashed}
    if gone := [run_id for run_id in run_ids if run_id not in deleted]:
        names = ", ".join(f"“{literal(run_id[:40])}”" for run_id in gone[:5])
        st.warning(f"There is no run {names} here. It may have been deleted.", icon=":material/link_off:")
    # The notice above says it of what this visitor deleted.
    if found := [run_id for run_id in run_ids if run_id in deleted and run_id not in session.deleted_runs()]:
        names = ", ".join(f"“{literal(deleted[run_id])}”" for run_id in found[:5])
        verb = "was" if len(found) == 1 else "were"
        st.warning(
            f"{names} {verb} deleted. Restore under Recently deleted.", icon=":material/restore_from_trash:"
        )


def render_trash(services: Services, trashed: Sequence[TrashedRun]) -> None:
    """All that can be restored, folded; nothing where there is none."""
    if trashed:
        render_folded(
            "Recently deleted", "recently-deleted", lambda: _render_rows(services, trashed),
            icon=":material/restore_from_trash:",
        )  # fmt: skip


def _render_rows(services: Services, trashed: Sequence[TrashedRun]) -> None:
    for each in some_of(trashed, ROWS_PER_PAGE, "trash-page"):
        run = each.run
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(literal(run.name), width="stretch")
            st.caption(
                f"deleted {local_time(each.deleted_at)}, kept until {local_time(each.kept_until)}",
                width="content",
            )
            _, why = own_of(services, [run], "restore")
            st.button(
                "Restore", key=f"restore-{run.id}", icon=":material/undo:", on_click=_restore,
                args=(services, (run.id,)), disabled=why is not None, help=why,
            )  # fmt: skip
            if why is None and destructive_button("Delete now", f"purge-{run.id}", type="tertiary"):
                _purge_dialog(services, each)


@st.dialog("Delete permanently?", icon=":material/delete:")
def _purge_dialog(services: Services, trashed: TrashedRun) -> None:
    st.write(f"“{literal(trashed.run.name)}” with curves, weights and log. This cannot be undone.")
    render_confirmation("Delete", "really-delete-now", on_click=_purge, args=(services, trashed.run.id))


def _restore(services: Services, run_ids: tuple[str, ...]) -> None:
    restored = []
    for run_id in run_ids:
        try:
            restored.append(restore_run(services.workspace, run_id).id)
        except ConvDeckError as error:
            session.flash(literal(error_text(error)))
    if restored:
        write_selection(restored)
        session.flash("Restored." if len(restored) == 1 else f"{len(restored)} runs restored.")


def _purge(services: Services, run_id: str) -> None:
    try:
        purge_run(services.workspace, run_id)
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))


def _dismiss() -> None:
    session.set_deleted_runs(())
