"""How the page looks at runs, kept in the address: a link restores all of it, and each field shows a part of it."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.comparison.query import SHOW, Query, view_parameters
from core.errors import UserError
from pages.components.kit import browser, session
from pages.components.kit.address import is_back, is_entered
from pages.components.kit.text import error_text, literal
from pages.components.kit.widget_values import if_drawn, show_value

KEPT = "compare-address"
# What the page answers to, and the last addresses that it has left itself: a click that follows soon after another
# comes with one of these, as the browser has not heard of the new one yet.
NOW, LEFT = "compare-address-now", "compare-addresses-left"
MOST_LEFT = 8
# Which of KINDS is drawn above the table, by SHOW in the address.
KINDS = {
    "curves": ":material/show_chart: Curves",
    "differences": ":material/difference: What differs",
    "parallel": ":material/reorder: Parallel coordinates",
    "scatter": ":material/scatter_plot: Scatter plot",
}


def read_query() -> tuple[Query, tuple[str, ...]]:
    """The query of the address, and a sentence for each part of it that cannot be read.

    Without a word there, what this visitor looked at before.
    """
    asked, now, kept = own_parameters(), session.widget_value(NOW), session.widget_value(KEPT)
    is_late = now is not None and not is_entered() and not is_back() and asked in session.widget_value(LEFT)
    if is_late:
        st.query_params.from_dict(now)
    elif not dict(st.query_params) and kept:
        st.query_params.from_dict(kept)
    _note_move(own_parameters())
    return Query.from_parameters(dict(st.query_params))


def own_parameters() -> dict[str, str]:
    """What the address says to this page. Streamlit refuses some other keys that a link may hold, such as `embed`."""
    return view_parameters(dict(st.query_params))


def keep_address() -> None:
    """Come back to this view later. For when it has been drawn: what cannot be drawn would fail at each visit."""
    session.set_widget(KEPT, own_parameters())


def forget_address() -> None:
    """Come back to the plain view."""
    session.set_widget(KEPT, {})


def shown_kind() -> str:
    """Which of KINDS is drawn."""
    kind = st.query_params.get(SHOW)
    return kind if kind in KINDS else next(iter(KINDS))


def render_kinds() -> str:
    """The choice of what is drawn, in one line also on a phone. Returns what is chosen."""
    is_narrow, kind = browser.is_narrow(), shown_kind()
    key = "compare-kind-list" if is_narrow else "compare-kind"
    show_value(key, kind)
    words: dict[str, Any] = {
        "label": "Show", "options": list(KINDS), "format_func": KINDS.__getitem__, "key": key,
        "label_visibility": "collapsed", "on_change": _take_kind, "args": (key,),
    }  # fmt: skip
    if is_narrow:
        st.selectbox(**{**words, "format_func": lambda each: KINDS[each].partition(" ")[2]})
    else:
        st.segmented_control(**words, required=True)
    return kind


@if_drawn
def _take_kind(key: str) -> None:
    show_kind(session.widget_value(key))


def show_kind(kind: str | None) -> None:
    """Draw this one from now on."""
    parameters = {name: value for name, value in _now().items() if name != SHOW}
    _move_to(parameters if kind is None or kind == next(iter(KINDS)) else {**parameters, SHOW: kind})


def change(**values: Any) -> None:
    """Look at the runs in another way; what is refused is said."""
    query, _ = Query.from_parameters(_now())
    try:
        open_parameters(query.with_values(**values).to_parameters())
    except UserError as error:
        session.flash(literal(error_text(error)))


def open_parameters(parameters: Mapping[str, str]) -> None:
    """Put this query into the address; what is drawn stays, unless it says that too."""
    _move_to({**{name: value for name, value in _now().items() if name == SHOW}, **parameters})


def field(name: str, value: Any, changes: Callable[[Any], Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """What makes a widget show `value` and change the query: its key and callback.

    `changes` gives what its own value changes in the query; without it, that is the value of the same name.
    """
    key = f"compare-{name}"
    # Whatever else changed the query, as a link or a button does, shows here too.
    show_value(key, value)
    return {"key": key, "on_change": _take, "args": (key, name, changes)}


@if_drawn
def _take(key: str, name: str, changes: Callable[[Any], Mapping[str, Any]] | None) -> None:
    value = session.widget_value(key)
    change(**({name: value} if changes is None else changes(value)))


def _now() -> dict[str, str]:
    """What the page answers to, for a callback, whose request may have come with an address before."""
    now: dict[str, str] | None = session.widget_value(NOW)
    return own_parameters() if now is None else now


def _move_to(parameters: Mapping[str, str]) -> None:
    st.query_params.from_dict(view_parameters(parameters))
    _note_move(own_parameters())
    keep_address()


def _note_move(now: dict[str, str]) -> None:
    before, left = session.widget_value(NOW), session.widget_value(LEFT) or ()
    if before is not None and before != now:
        left = (*left, before)
    session.set_widget(LEFT, tuple(each for each in left if each != now)[-MOST_LEFT:])
    session.set_widget(NOW, now)
