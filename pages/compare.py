"""Compare: any number of runs side by side, filtered, grouped, and held against a baseline."""

import streamlit as st

from core.comparison.comparison import Comparison, at_epoch
from core.comparison.facts import read_facts
from core.server.services import Services
from pages.components.compare.actions import render_actions, render_notice
from pages.components.compare.address import (
    change,
    forget_address,
    keep_address,
    read_query,
    render_kinds,
)
from pages.components.compare.curves import render_curves
from pages.components.compare.differences import render_differences
from pages.components.compare.filters import render_counts, render_filters
from pages.components.compare.planes import render_parallel, render_scatter
from pages.components.compare.settings import compare_once
from pages.components.compare.table import note_ticked, render_columns_field, render_table
from pages.components.compare.under_way import render_under_way
from pages.components.compare.views import render_downloads, render_views
from pages.components.kit import browser, session
from pages.components.kit.text import literal


def main() -> None:
    """The page."""
    st.title("Compare", anchor=False)
    services = session.services()
    render_notice(services, is_at_table=False)
    facts = read_facts(services.store)
    if not facts:
        render_notice(services, is_at_table=True)
        st.write("No run has been started yet.")
        st.page_link("design.py", label="Design a network", icon=":material/add:")
        return
    query, problems = read_query()
    for problem in problems:
        st.warning(f"A part of this link cannot be read: {literal(problem)}", icon=":material/link_off:")
    render_filters(facts, query)
    comparison = compare_once(services.store, facts, query)
    if comparison.missing_baseline:
        st.warning(
            "The run that was pinned as the baseline is not here. It may have been deleted.",
            icon=":material/link_off:",
        )
        st.button("Unpin it", key="compare-unpin-missing", on_click=change, kwargs={"baseline": None})
    render_counts(comparison)
    render_under_way(services.store, facts, comparison)
    if not (comparison.groups if query.is_grouped else comparison.runs):
        note_ticked(0)
        render_notice(services, is_at_table=True)
        st.caption(
            "No runs match this filter." if not comparison.num_hidden else "All runs that match are hidden."
        )
    else:
        _render_results(services, comparison)
    keep_address()
    browser.watch_width()


def _render_results(services: Services, comparison: Comparison) -> None:
    epoch = comparison.query.epoch
    measured = {} if epoch is None else at_epoch(services.store, comparison, epoch)
    kind = render_kinds()
    if kind == "differences":
        render_differences(comparison)
    elif kind == "parallel":
        render_parallel(comparison)
    elif kind == "scatter":
        render_scatter(comparison)
    else:
        render_curves(services.store, comparison, measured)
    # Above the table, for what is ticked in it.
    above = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    actions = st.container()
    shown = render_table(comparison, measured)
    with above:
        render_columns_field(comparison)
        render_views(services.store)
        render_downloads(services, comparison, shown)
    with actions:
        render_actions(services, comparison, shown)


try:
    main()
except Exception:
    forget_address()
    raise
