"""What differs from a pinned baseline, in words, and what it did to accuracy and gap."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.comparison.comparison import Comparison
from core.comparison.differences import Change
from core.comparison.facts import RunFacts
from core.comparison.groups import Group
from core.config import ExperimentConfig
from pages.components.compare.address import field
from pages.components.compare.paging import render_pager
from pages.components.compare.settings import item_names, key_of
from pages.components.kit.setting_columns import sources_here
from pages.components.kit.text import literal

ROWS_PER_PAGE = 20
NONE = "none"


def render_differences(comparison: Comparison) -> None:
    """The baseline's field, then a paragraph per run or group."""
    query = comparison.query
    items: Sequence[RunFacts | Group] = comparison.groups if query.is_grouped else comparison.runs
    called = item_names(comparison)
    _render_baseline(comparison, items, called)
    if comparison.baseline is None:
        st.caption(
            "Choose a run or a group as the baseline. Each of the others is then described by the settings in which it "
            "differs, and by what that did to accuracy and gap."
        )
        return
    if chance := chance_in_words(comparison):
        st.caption(chance)
    for item in render_pager(comparison, ROWS_PER_PAGE, "differences", "Differences of").items:
        _render_item(comparison, item, called[key_of(item)])


def chance_in_words(comparison: Comparison) -> str:
    """How many of these comparisons look clear by chance alone: each has a 95 % interval of its own."""
    baseline = comparison.baseline_group
    if baseline is None:
        return ""
    seeds = {run.seed for run in baseline.counted}
    others = [
        group
        for group in comparison.groups
        if group.key != baseline.key and len(seeds & {run.seed for run in group.counted}) > 1
    ]
    if len(others) < 2:
        return ""
    count = 2 * len(others)
    return (
        f"Each comparison is judged alone. Of these {count:,} (accuracy and gap of {len(others):,} groups), about "
        f"{count / 20:,.1f} would look clear by chance even if no setting mattered."
    )


def _render_baseline(
    comparison: Comparison, items: Sequence[RunFacts | Group], called: dict[str, str]
) -> None:
    """Each item stands for its run; a group for its oldest one."""
    names = {_run_id(item): called[key_of(item)] for item in items}
    baseline = comparison.baseline
    current = NONE
    if baseline is not None:
        own = comparison.baseline_group
        found = [
            _run_id(item)
            for item in items
            if own is not None and isinstance(item, Group) and item.key == own.key
        ]
        current = found[0] if found else baseline.id
        names.setdefault(current, f"{own.title if own else baseline.name} (not among these)")
    counts = Counter(names.values())
    st.selectbox(
        "Baseline", [NONE, *names], width=480,
        format_func=lambda run_id: (
            "None" if run_id == NONE else names[run_id] if counts[names[run_id]] == 1 else f"{names[run_id]} ({run_id})"
        ),
        **field("baseline", current, lambda run_id: {"baseline": None if run_id == NONE else run_id}),
    )  # fmt: skip


def _render_item(comparison: Comparison, item: RunFacts | Group, name: str) -> None:
    found = comparison.difference_of(item)
    if found is None:
        return
    with st.container(border=True, gap="xxsmall"):
        name = f"**{literal(name)}**"
        if isinstance(item, Group):
            name += f" :small[{literal(item.counted_in_words)}]"
        if found.is_baseline:
            st.markdown(f":material/push_pin: {name}: the baseline")
            return
        st.markdown(name)
        sources = sources_here([_config(comparison.baseline), _config(item)])
        st.markdown(
            f"What differs: {literal(sources.words(found.words))}",
            help=sources.ids_in_words and literal(sources.ids_in_words),
        )
        st.markdown(
            f"{_arrow(found.val_accuracy, better_up=True)} Accuracy: {literal(found.val_accuracy.sentence)}  \n"
            f"{_arrow(found.gap, better_up=False)} Gap: {literal(found.gap.sentence)}"
        )
        if isinstance(item, Group) and item.mixed_in_words:
            st.caption(literal(item.mixed_in_words))


def _arrow(found: Change, *, better_up: bool) -> str:
    """Green and red only where it is more than chance."""
    if found.change is None:
        return ":gray[:material/remove:]"
    icon = (
        ":material/arrow_upward:"
        if found.change > 0
        else ":material/arrow_downward:"
        if found.change < 0
        else ":material/remove:"
    )
    color = "gray" if not found.clear else "green" if (found.change > 0) == better_up else "red"
    return f":{color}[{icon}]"


def _config(item: RunFacts | Group | None) -> ExperimentConfig | None:
    """That of a run; of a group that of its oldest one."""
    facts = item.runs[0] if isinstance(item, Group) else item
    return None if facts is None else facts.config


def _run_id(item: RunFacts | Group) -> str:
    return item.runs[0].id if isinstance(item, Group) else item.id
