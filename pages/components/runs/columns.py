"""Which settings have a column in the table of runs, and its order: kept in the address, in the words of Compare."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.comparison.comparison import sort_runs
from core.comparison.facts import read_facts
from core.comparison.quantities import RESULTS, title_of, value_of
from core.comparison.query import Query, best_first
from core.errors import UserError
from core.formatting import within_sentence
from core.store.records import Run
from core.store.store import Store
from pages.components.kit import session
from pages.components.kit.setting_columns import OWN, column_values, offered_names
from pages.components.kit.text import error_text, literal
from pages.components.kit.widget_values import if_drawn, show_value

KEPT = "runs-view"
PARTS = ("columns", "sort")
NEWEST = "created"
SORTED_BY = (NEWEST, "val_accuracy", "gap", "val_loss", "balanced_accuracy", "seconds", "name", "dataset")
# The table has a column for these in any case; a link may still ask for them.
IN_TABLE = (*OWN, "val_accuracy", "balanced_accuracy", "gap", "epochs", "dataset", "device")


def read_view() -> Query:
    """Columns and order of the address; without a word there, those that this visitor had before."""
    asked = {key: st.query_params[key] for key in PARTS if key in st.query_params}
    view, _ = Query.from_parameters(asked or session.widget_value(KEPT) or {})
    session.set_widget(KEPT, view.to_parameters())
    return view


def render_view(store: Store, view: Query) -> None:
    """The fields that change it."""
    names = list(dict.fromkeys([*SORTED_BY, *view.columns, view.sort_name]))
    show_value("runs-sort", view.sort_name)
    st.selectbox(
        "Sort", names, key="runs-sort", format_func=_order_in_words, label_visibility="collapsed", width=170,
        help="What is best comes first, runs without a value last, on all pages of the table. A click on a head sorts "
        "only what the table shows.",
        on_change=_take, args=("runs-sort", lambda name: {"sort": best_first(name)}),
    )  # fmt: skip
    # Drawn while it is open: a choice that is set before its field is in the browser does not reach it.
    popover = st.popover(
        f"Columns: {len(view.columns)} more" if view.columns else "Columns",
        icon=":material/view_column:", key="runs-columns-menu", on_change="rerun",
    )  # fmt: skip
    if not popover.open:
        return
    with popover:
        show_value("runs-columns", list(view.columns))
        facts = read_facts(store)
        offered = [
            name for name in offered_names(facts, view.columns, tuple(RESULTS)) if name not in IN_TABLE
        ]
        st.multiselect(
            "More columns", offered, key="runs-columns", format_func=title_of, placeholder="Settings and results",
            width=420, help="Settings that differ come first.",
            on_change=_take, args=("runs-columns", lambda chosen: {"columns": tuple(chosen)}),
        )  # fmt: skip


def sorted_runs(
    store: Store, view: Query, fits: Callable[[Run], bool], limit: int, offset: int
) -> tuple[tuple[Run, ...], int]:
    """A page of the runs that fit, in the order of the view, and how many fit on all pages."""
    found = sort_runs([each for each in read_facts(store) if fits(each.run)], view)
    return tuple(each.run for each in found[offset : offset + limit]), len(found)


def setting_columns(store: Store, view: Query, ids: Sequence[str]) -> dict[str, list[Any]]:
    """The values of the runs `ids` for each chosen column, in their order."""
    names = [name for name in view.columns if name not in IN_TABLE]
    if not names:
        return {}
    facts = {each.id: each for each in read_facts(store) if each.id in ids}
    found = [facts.get(run_id) for run_id in ids]
    return {
        name: column_values(name, [None if each is None else value_of(each, name) for each in found], found)
        for name in names
    }


def is_newest_first(view: Query) -> bool:
    """Whether it is in the order in which the store has them."""
    return view.sort == Query().sort


def _order_in_words(name: str) -> str:
    return "Newest first" if name == NEWEST else f"By {within_sentence(title_of(name))}"


@if_drawn
def _take(key: str, changes: Callable[[Any], Mapping[str, Sequence[str]]]) -> None:
    try:
        view = read_view().with_values(**changes(session.widget_value(key)))
    except UserError as error:
        session.flash(literal(error_text(error)))
        return
    parameters = view.to_parameters()
    session.set_widget(KEPT, parameters)
    for part in PARTS:
        if part in parameters:
            st.query_params[part] = parameters[part]
        elif part in st.query_params:
            del st.query_params[part]
