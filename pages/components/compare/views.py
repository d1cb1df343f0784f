"""Saved views, which are addresses with a name, and the files that hold what the page shows."""

from urllib.parse import parse_qsl, urlencode

import streamlit as st

from core.comparison.comparison import Comparison
from core.comparison.exports import export_curves, export_runs
from core.comparison.query import check_view
from core.errors import ConvDeckError
from core.formatting import count_of
from core.server.services import Services
from core.store.store import Store
from core.store.views import MAX_NAME_CHARACTERS, SavedView
from core.visitors.person import teacher_only
from pages.components.compare.address import open_parameters, own_parameters
from pages.components.compare.table import Shown
from pages.components.kit import session
from pages.components.kit.destructive import destructive_button
from pages.components.kit.downloads import download_made
from pages.components.kit.text import error_text, literal

LIST_PIXELS, SHORT_LIST = 300, 6
DELETED = "compare-deleted-view"
KINDS = {"csv": "CSV", "parquet": "Parquet"}
MIME = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def render_views(store: Store) -> None:
    """The saved views, and the form that saves this one."""
    views = store.views.list_views()
    address = urlencode(own_parameters())
    key = f"compare-views-{len(views)}-{address}"  # drawn closed after each change
    with st.popover("Views", icon=":material/bookmark:", key=key):
        st.caption("The address of this page is a link to what you see. A view keeps it under a name.")
        why = teacher_only("save or delete views")
        if why is not None:
            st.caption(why)
        else:
            _render_form(store, address)
        deleted: SavedView | None = session.widget_value(DELETED)
        if deleted is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"View “{literal(deleted.name)}” deleted.", width="stretch")
                st.button(
                    "Undo",
                    key="compare-undo-view",
                    icon=":material/undo:",
                    on_click=_restore,
                    args=(store, deleted),
                )
        with st.container(height=LIST_PIXELS if len(views) > SHORT_LIST else "content"):
            for view in views:
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.button(
                        literal(view.name), key=f"compare-view-{view.id}", type="tertiary", width="stretch",
                        icon=":material/bookmark:", on_click=_open, args=(view,),
                    )  # fmt: skip
                    destructive_button(
                        "Delete",
                        f"compare-delete-view-{view.id}",
                        type="tertiary",
                        on_click=_delete,
                        args=(store, view),
                        disabled=why is not None,
                    )


def _render_form(store: Store, address: str) -> None:
    with st.form("compare-save-view", border=False):
        name = st.text_input(
            "Name of this view", key=f"compare-view-name-{address}", max_chars=MAX_NAME_CHARACTERS
        )
        if st.form_submit_button("Save view", icon=":material/bookmark_add:"):
            _save(store, name, address)
            st.rerun()


def _save(store: Store, name: str, address: str) -> None:
    try:
        view = store.views.save(name, check_view(address))
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))
    else:
        session.flash(f"View “{literal(view.name)}” saved.")


def _open(view: SavedView) -> None:
    parameters = dict(parse_qsl(view.query))
    open_parameters({"show": "curves", **parameters})


def _delete(store: Store, view: SavedView) -> None:
    try:
        session.set_widget(DELETED, store.views.delete(view.id))
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))


def _restore(store: Store, view: SavedView) -> None:
    store.views.restore(view)
    session.set_widget(DELETED, None)


def render_downloads(services: Services, comparison: Comparison, shown: Shown) -> None:
    """The ticked runs, or without ticks all that fit the filter, as files."""
    runs = shown.ticked_runs or comparison.matching
    with st.popover("Download", icon=":material/download:", key="compare-download"):
        which = "ticked" if shown.ticked_runs else "that fit the filter, hidden ones included"
        st.caption(f"{count_of(len(runs), 'run')} {which}.")
        for kind, name in KINDS.items():
            download_made(
                f"Runs as {name}", lambda kind=kind: export_runs(runs, kind), f"runs.{kind}", MIME[kind],
                icon=":material/table:", width="stretch", key=f"compare-runs-{kind}",
            )  # fmt: skip
        for kind, name in KINDS.items():
            download_made(
                f"Curves as {name}", lambda kind=kind: export_curves(services.store, runs, kind),
                f"curves.{kind}", MIME[kind], icon=":material/show_chart:",
                width="stretch", key=f"compare-curves-{kind}",
            )  # fmt: skip
