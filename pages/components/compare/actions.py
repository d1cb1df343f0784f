"""What can be done with the ticked rows: open, pin, tag, hide, delete; and the notice that undoes a deletion."""

import time
from collections.abc import Sequence

import streamlit as st

from core.comparison.comparison import Comparison
from core.comparison.facts import RunFacts
from core.comparison.groups import Group
from core.errors import ConvDeckError
from core.formatting import count_of, listed, rough_duration
from core.runs.trash import delete_runs, restore_runs
from core.server.services import Services
from core.store.marks import MAX_TAG_CHARACTERS
from core.store.records import Run
from core.store.store import Store
from core.store.trash import KEPT_SECONDS
from pages.components.compare.address import change
from pages.components.compare.table import Shown
from pages.components.kit import session
from pages.components.kit.destructive import destructive_button, render_confirmation
from pages.components.kit.person import own_of
from pages.components.kit.text import error_text, literal, local_time

# Runs opens as many at a time.
MOST_OPENED = 50
NOTICE_SECONDS = 3600.0
DISMISSED = "compare-dismissed"
DELETED_HERE = "compare-deleted-here"  # when this visitor deleted last
TICK_YOUR_OWN = "Tick your own alone."
RESTORE_YOUR_OWN = "Restore your own on Runs, under Recently deleted."
SHORT_LIST, LIST_PIXELS = 6, 220


def render_actions(services: Services, comparison: Comparison, shown: Shown) -> None:
    """A row of buttons for the ticked rows; without one, what ticking is for. What was deleted here is undone here."""
    render_notice(services, is_at_table=True)
    runs = shown.ticked_runs
    if not runs:
        st.caption("Tick rows to open, tag, hide or delete runs, or to pin one as the baseline.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{count_of(len(runs), 'run')}**", width="content")
        opened = [run.id for run in runs[:MOST_OPENED]]
        st.page_link(
            "runs.py", label="Open in Runs" if len(runs) <= MOST_OPENED else f"Open the first {MOST_OPENED} in Runs",
            icon=":material/monitoring:", query_params={"run": ",".join(opened)}, width="content",
        )  # fmt: skip
        if len(shown.ticked) == 1:
            _render_single(comparison, shown.ticked[0])
        why = _why_not(services, [run.run for run in runs], "mark", TICK_YOUR_OWN)
        _render_tags(services.store, runs, why)
        is_hidden = all(run.hidden for run in runs)
        st.button(
            "Show again" if is_hidden else "Hide", key="compare-hide",
            icon=":material/visibility:" if is_hidden else ":material/visibility_off:",
            disabled=why is not None,
            help=why or "Hidden runs are left out of lists and charts here; the page says how many there are.",
            on_click=_mark, args=(services.store, tuple(run.id for run in runs), not is_hidden),
        )  # fmt: skip
        why = _why_not(services, [run.run for run in runs], "delete", TICK_YOUR_OWN)
        busy = [run for run in runs if not run.run.state.can_delete]
        if destructive_button(
            "Delete", "compare-delete", disabled=bool(busy or why),
            help=why or (f"{listed([literal(run.name) for run in busy], 3)}: stop before deleting." if busy else None),
        ):  # fmt: skip
            _delete_dialog(services, runs)


def _why_not(services: Services, runs: Sequence[Run], what: str, some: str) -> str | None:
    """Why the person who looks cannot do `what` with all of these, if so; `some`: what to do where some are theirs."""
    own, why = own_of(services, runs, what)
    return f"Some of these runs are not yours. {some}" if why is None and len(own) < len(runs) else why


def _render_single(comparison: Comparison, item: RunFacts | Group) -> None:
    run = item.runs[0] if isinstance(item, Group) else item
    pinned = comparison.baseline_group.key if comparison.baseline_group else comparison.query.baseline
    if pinned == (item.key if isinstance(item, Group) else item.id):
        st.button(
            "Unpin", key="compare-pin", icon=":material/keep_off:", on_click=change, kwargs={"baseline": None}
        )
    else:
        st.button(
            "Pin as baseline", key="compare-pin", icon=":material/push_pin:", on_click=change,
            kwargs={"baseline": run.id},
            help="The others are then compared with it: in the table and under What differs.",
        )  # fmt: skip
    if isinstance(item, Group) and item.median_run is not None:
        st.page_link(
            "runs.py", label="Open the median run", icon=":material/vertical_align_center:",
            query_params={"run": item.median_run.id}, width="content",
            help=f"{literal(item.median_run.name)}: the run in the middle by validation accuracy.",
        )  # fmt: skip


def _render_tags(store: Store, runs: Sequence[RunFacts], why: str | None) -> None:
    """`why` they cannot be changed, if so."""
    own = sorted({tag for run in runs for tag in run.tags})
    ids = tuple(run.id for run in runs)
    # Another key after each change, so that it is drawn closed.
    key = "-".join([*ids[:3], str(len(ids)), *own])
    with (
        st.popover(
            "Tags", icon=":material/sell:", key=f"compare-tags-{key}", disabled=why is not None, help=why
        ),
        st.form(f"compare-tags-form-{key}", border=False),
    ):
        new = st.text_input(
            "New tag",
            key=f"compare-new-tag-{key}",
            max_chars=MAX_TAG_CHARACTERS,
            placeholder="for example: good",
        )
        known = [tag for tag in store.marks.count_by_tag() if any(tag not in run.tags for run in runs)]
        added = (
            st.pills("Add", known, selection_mode="multi", format_func=literal, key=f"compare-add-tags-{key}")
            if known
            else []
        )
        removed = (
            st.pills(
                "Remove", own, selection_mode="multi", format_func=literal, key=f"compare-remove-tags-{key}"
            )
            if own
            else []
        )
        if st.form_submit_button("Save tags"):
            _tag(store, ids, [*added, *([new] if new.strip() else [])], removed)
            st.rerun()


def _tag(store: Store, ids: Sequence[str], added: Sequence[str], removed: Sequence[str]) -> None:
    try:
        store.marks.change(ids, add=added, remove=removed)
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))


def _mark(store: Store, ids: Sequence[str], hidden: bool) -> None:
    try:
        store.marks.set_hidden(ids, hidden)
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))


@st.dialog("Delete runs?", icon=":material/delete:")
def _delete_dialog(services: Services, runs: Sequence[RunFacts]) -> None:
    one = len(runs) == 1
    what = f"“{literal(runs[0].name)}”" if one else count_of(len(runs), "run")
    kept = rough_duration(KEPT_SECONDS).removeprefix("about ")
    st.write(f"{what} with curves, weights and log. For {kept}, {'it' if one else 'they'} can be restored.")
    if not one:
        names = "\n".join(f"- {literal(run.name)}" for run in runs)
        with st.container(height=LIST_PIXELS if len(runs) > SHORT_LIST else "content", border=True):
            st.markdown(names)
    ids = tuple(run.id for run in runs)
    render_confirmation("Delete", "really-delete-compared", on_click=_delete_now, args=(services, ids))


def _delete_now(services: Services, ids: tuple[str, ...]) -> None:
    try:
        session.set_widget(DELETED_HERE, delete_runs(services.workspace, ids).deleted_at)
    except (ConvDeckError, OSError) as error:
        session.flash(literal(error_text(error)))


def render_notice(services: Services, *, is_at_table: bool) -> None:
    """What was deleted last, with Undo. The trash keeps it, so the notice outlives a restart of the server.

    It stands above the table, where Delete was clicked, for the visitor who clicked, and at the top of the page for
    all others. `is_at_table`: draw it if this is its place, false: if it is the top.
    """
    batches = services.store.trash.list_batches()
    if not batches:
        return
    last = batches[0]
    if time.time() - last.deleted_at > NOTICE_SECONDS or session.widget_value(DISMISSED) == last.deleted_at:
        return
    if (session.widget_value(DELETED_HERE) == last.deleted_at) != is_at_table:
        return
    one = len(last.runs) == 1
    what = f"“{literal(last.runs[0].name)}” was" if one else f"{count_of(len(last.runs), 'run')} were"
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="small", key="compare-deleted-notice"
    ):
        st.markdown(f"{what} deleted.", width="content")
        why = _why_not(services, last.runs, "restore", RESTORE_YOUR_OWN)
        st.button(
            "Undo", key="compare-undo", icon=":material/undo:", on_click=_undo,
            args=(services, tuple(run.id for run in last.runs)), disabled=why is not None, help=why,
        )  # fmt: skip
        st.caption(
            f"Deleted {local_time(last.deleted_at)}, kept until {local_time(last.kept_until)}. Earlier ones: Runs, "
            "Recently deleted.",
            width="stretch",
        )
        st.button(
            "", key="compare-dismiss", icon=":material/close:", type="tertiary", help="Close",
            on_click=session.set_widget, args=(DISMISSED, last.deleted_at),
        )  # fmt: skip


def _undo(services: Services, ids: tuple[str, ...]) -> None:
    try:
        restored = restore_runs(services.workspace, ids)
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))
        return
    missing = len(ids) - len(restored)
    words = f"{count_of(len(restored), 'run')} restored."
    session.flash(
        words + (f" {count_of(missing, 'run')} could not be: the files are gone." if missing else "")
    )
