"""Which runs are looked at, in which order and groups: search, conditions, sorting, grouping, hidden ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.comparison.comparison import Comparison
from core.comparison.conditions import (
    EQUAL,
    ONE_OF,
    Clause,
    Condition,
    conditions_in,
    conditions_text,
    either,
    parse_conditions,
)
from core.comparison.facts import RunFacts
from core.comparison.quantities import (
    CHOICES,
    NAMES,
    RESULTS,
    quantity,
    show_value,
    title_of,
    value_of,
)
from core.comparison.query import ALL_BUT_SEED, HIDDEN, MAX_TEXT, Query, best_first
from core.comparison.slips import slips_in, without_slips
from core.errors import UserError
from core.formatting import count_of, listed
from pages.components.compare.address import change, field
from pages.components.kit import browser, session
from pages.components.kit.numbers import render_problem
from pages.components.kit.redraw import render_folded
from pages.components.kit.setting_columns import all_names, shown_values, varying_names
from pages.components.kit.text import error_text, literal

# A choice of values is offered up to this many different ones; of more numbers, a range.
MOST_VALUES = 40
MOST_CONDITION_CHARACTERS = 4_000
# What can be filtered by beside results and settings, in the order of use.
OFFERED_NAMES = ("tags", "state", "outcome", "dataset", "preset", "name", "device", "parent", "attempt")
SORTED_BY = ("created", "name", "state", "dataset")
REFUSED = "compare-where-refused"  # the text of a filter that cannot be read, and why
EACH, ALL_ALIKE = "each", "alike"
GROUPINGS = {EACH: "Each run", ALL_ALIKE: "All but the seed"}
HIDDEN_WORDS = {"folded": "Not shown", "shown": "Shown", "left_out": "Left out of groups too"}


def render_filters(facts: Sequence[RunFacts], query: Query) -> None:
    """The row that finds, orders and groups runs, folded on a phone, with what is filtered by below it."""
    if browser.is_narrow():
        render_folded(
            "Filter, sort and group", "compare-search", lambda: _render_search(facts, query),
            icon=":material/filter_alt:",
        )  # fmt: skip
    else:
        _render_search(facts, query)
    _render_conditions(facts, query)


def _render_search(facts: Sequence[RunFacts], query: Query) -> None:
    varying = list(varying_names(facts))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Find", max_chars=MAX_TEXT, placeholder="Name, tag, data set or id", icon=":material/search:",
            width=240, live=True, help="Runs whose name, tags, data set or preset hold each of these words.",
            **field("text", query.text),
        )  # fmt: skip
        num_conditions = len(list(conditions_in(query.where)))
        label = f"Filter: {count_of(num_conditions, 'condition')}" if num_conditions else "Filter"
        # Another key after each change, so that it is drawn closed and the result can be seen.
        with st.popover(
            label, icon=":material/filter_alt:", key=f"compare-filter-{conditions_text(query.where)}"
        ):
            _render_builder(facts, query, varying)
        names = [*SORTED_BY, *RESULTS, *varying]
        if query.sort_name not in names:
            names.append(query.sort_name)
        st.selectbox(
            "Sort by", names, format_func=title_of, width=170,
            help="Any result or any setting that differs. A click on a head of the table sorts what it shows, too.",
            **field("sort", query.sort_name, lambda name: {"sort": best_first(name)}),
        )  # fmt: skip
        down = query.is_descending
        first = ("Largest", "Smallest") if down else ("Smallest", "Largest")
        st.button(
            "", key="compare-direction", icon=":material/arrow_downward:" if down else ":material/arrow_upward:",
            help=f"{first[0]} first. Click for the {first[1].lower()} first.",
            on_click=change, kwargs={"sort": query.sort_name if down else f"-{query.sort_name}"},
        )  # fmt: skip
        grouping = ALL_ALIKE if query.group_by == (ALL_BUT_SEED,) else None if query.group_by else EACH
        st.segmented_control(
            "Group", list(GROUPINGS), format_func=GROUPINGS.__getitem__,
            help="Runs with equal settings become one, with mean, interval and number of runs.",
            **field("grouping", grouping, lambda kind: {"group_by": (ALL_BUT_SEED,) if kind == ALL_ALIKE else ()}),
        )  # fmt: skip
        own = () if query.group_by == (ALL_BUT_SEED,) else query.group_by
        st.multiselect(
            "Group by settings", list(dict.fromkeys([*own, *varying])), format_func=title_of, width=220,
            placeholder="Choose settings", help="Runs that are equal in these settings become one.",
            **field("group-by", list(own), lambda paths: {"group_by": tuple(paths)}),
        )  # fmt: skip


def render_counts(comparison: Comparison) -> None:
    """How many runs are looked at, and that some of them are not shown, with the switch beside it. Numbers that were
    written as percent are said.
    """
    query = comparison.query
    num_hidden = (
        sum(run.hidden for run in comparison.matching) if query.hidden == "shown" else comparison.num_hidden
    )
    words = f"{len(comparison.matching):,} of {count_of(comparison.total, 'run')}"
    if query.is_grouped:
        words += f" in {count_of(len(comparison.groups), 'group')}"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption(f"{words}.", width="content")
        if num_hidden or query.hidden != HIDDEN[0]:
            st.caption(hidden_in_words(num_hidden, query), width="content")
            st.segmented_control(
                "Hidden runs", list(HIDDEN), format_func=HIDDEN_WORDS.__getitem__, label_visibility="collapsed",
                required=True, **field("hidden", query.hidden),
            )  # fmt: skip

    _render_slips(query)


def _render_slips(query: Query) -> None:
    """`val_accuracy >= 60` fits no run: 60 % may be meant, and is a click away."""
    slips = slips_in(query.where)
    if not slips:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for slip in slips:
            icon = ":material/percent:" if slip.meant else ":material/filter_alt_off:"
            st.warning(literal(slip.sentence), icon=icon, width="stretch")
        if meant := [slip.percents for slip in slips if slip.meant]:
            st.button(
                f"Use {meant[0]}" if len(meant) == 1 else "Use percentages", key="compare-percent",
                on_click=change, kwargs={"where": without_slips(query.where)},
            )  # fmt: skip


def hidden_in_words(num_hidden: int, query: Query) -> str:
    """`12 hidden runs are not shown.`, and whether they count in groups."""
    runs, verb = count_of(num_hidden, "hidden run"), "is" if num_hidden == 1 else "are"
    if query.hidden == "shown":
        return f"{runs} {verb} shown with the others."
    if query.hidden == "left_out":
        return f"{runs} {verb} not shown, and not in any number."
    in_groups = f", but {verb} in the numbers of groups" if query.is_grouped else ""
    return f"{runs} {verb} not shown{in_groups}."


def _render_conditions(facts: Sequence[RunFacts], query: Query) -> None:
    """Each condition as a button that takes it away; runs that are meant by their ids, with their names."""
    if not query.where and not query.text.strip():
        return
    names = {each.id: each.run.name for each in facts}
    with st.container(horizontal=True, gap="small"):
        for place, condition in enumerate(query.where):
            rest = tuple(each for other, each in enumerate(query.where) if other != place)
            st.button(
                literal(_short(_named(condition, names))), key=f"compare-drop-{place}-{condition}",
                icon=":material/close:", help="Remove this condition.", on_click=change, kwargs={"where": rest},
            )  # fmt: skip
        st.button(
            "Clear the filter", key="compare-clear", type="tertiary", icon=":material/filter_alt_off:",
            on_click=change, kwargs={"where": (), "text": ""},
        )  # fmt: skip


def _named(clause: Clause, names: Mapping[str, str]) -> str:
    if not isinstance(clause, Condition) or clause.name != "id" or clause.operator not in (EQUAL, ONE_OF):
        return clause.in_words
    ids = clause.value if clause.operator == ONE_OF else (clause.value,)
    return f"Only {listed([names.get(str(each), str(each)) for each in ids], 3)}"


def _render_builder(facts: Sequence[RunFacts], query: Query, varying: Sequence[str]) -> None:
    """A condition from fields, or the whole filter as text."""
    settings = [path for path in all_names(facts) if path not in varying]
    name = st.selectbox(
        "Filter by", [*RESULTS, *varying, *OFFERED_NAMES, *settings], format_func=title_of, key="compare-filter-by"
    )  # fmt: skip
    made = _value_fields(facts, name)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Add", key="compare-add", icon=":material/add:", disabled=not made, on_click=change,
            help="Runs that fit the filter and this, too." if query.where else None,
            kwargs={"where": (*query.where, *made)},
        )  # fmt: skip
        if query.where:
            st.button(
                "Or", key="compare-or", icon=":material/call_split:", disabled=not made, on_click=change,
                help="Runs that fit the filter, and those that fit this instead.",
                kwargs={"where": either(query.where, made) if made else query.where},
            )  # fmt: skip
    text = conditions_text(query.where)
    with st.form("compare-where-form", border=False):
        key = f"compare-where-{text}"
        # Its own first value: one that is set before the popover is opened does not reach it.
        st.text_area(
            "The whole filter as text", text, key=key, max_chars=MOST_CONDITION_CHARACTERS,
            placeholder="val_accuracy >= 60% and optimizer.name = adam",
            help="Conditions joined by “and” or “or”; “and” binds tighter, and brackets group conditions. Signs: "
            "=, !=, <, <=, >, >=, contains, in a, b, is empty, is not empty. Write accuracies as 60% or 0.6. Names are "
            "those of the command line and REST.",
        )  # fmt: skip
        refused, problem = session.widget_value(REFUSED) or (None, "")
        if refused is not None and refused == session.widget_text(key):
            render_problem(problem)
        st.form_submit_button("Apply", on_click=_apply, args=(key,))


def _value_fields(facts: Sequence[RunFacts], name: str) -> tuple[Condition, ...]:
    """Fields that fit the values that there are, and the conditions that they say."""
    values = distinct_values(facts, name)
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if name == "name":
        text = st.text_input("Contains", key="compare-value-name", max_chars=100)
        return (Condition(name, "contains", text),) if text else ()
    if name in RESULTS or (numbers and len(values) > MOST_VALUES):
        return _range(name, numbers)
    # Not the values themselves: a list is none that a widget could hold.
    shown = shown_values(name, values)
    chosen = st.multiselect(
        "Is one of", range(len(values)), format_func=lambda place: shown[place],
        key=f"compare-value-{name}", placeholder="Choose values",
    )  # fmt: skip
    if len(values) > MOST_VALUES:
        st.caption(f"{len(values):,} values; type to find one.")
    return (Condition(name, "one of", tuple(values[place] for place in chosen)),) if chosen else ()


def _range(name: str, numbers: Sequence[float]) -> tuple[Condition, ...]:
    found = None if name in NAMES else quantity(name)
    scale = found.scale if found else 1.0
    unit = f" ({found.unit})" if found and found.unit else ""
    hint = f"Here: {show_value(name, min(numbers))} to {show_value(name, max(numbers))}." if numbers else None
    with st.container(horizontal=True, gap="small"):
        ends = [
            st.number_input(f"{word}{unit}", value=None, key=f"compare-{word}-{name}", help=hint, format="%g")
            for word in ("From", "To")
        ]
    pairs = zip((">=", "<="), ends, strict=True)
    return tuple(
        Condition(name, sign, end / scale if scale != 1 else end) for sign, end in pairs if end is not None
    )


def distinct_values(facts: Iterable[RunFacts], name: str) -> list[Any]:
    """What runs have under a name, each once: in their own order where that is known, else numbers, then words."""
    found: dict[Any, None] = {}
    for each in facts:
        value = value_of(each, name)
        found.update(dict.fromkeys(value if name == "tags" else [value]))
    if name in CHOICES:
        return [value for value in CHOICES[name] if value in found]
    return sorted(
        found, key=lambda value: (value is None, isinstance(value, str), isinstance(value, tuple), value or 0)
    )


def _apply(key: str) -> None:
    text = session.widget_text(key)
    try:
        where = parse_conditions(text)
    except UserError as error:
        session.set_widget(REFUSED, (text, error_text(error)))
        return
    change(where=where)


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
