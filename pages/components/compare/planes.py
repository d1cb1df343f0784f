"""Runs as lines through settings and results, and as dots over two quantities."""

from collections.abc import Sequence

import streamlit as st

from core.comparison.comparison import Comparison
from core.comparison.facts import FAILED, RunFacts
from core.comparison.groups import Group
from core.comparison.plots import Point, needs_log_axis, scatter
from core.comparison.quantities import (
    RESULTS,
    in_words,
    is_value_known,
    quantity,
    title_of,
    value_of,
)
from core.comparison.query import Query
from core.errors import UserError
from core.formatting import count_of, listed, within_sentence
from pages.components.charts.parallel import Axis, parallel_figure
from pages.components.charts.plotly_marks import CONFIG, NO_PLACE
from pages.components.charts.quantities import Dot, Quantity, quantities_figure
from pages.components.compare.address import field
from pages.components.compare.curves import MOST_COLORS, colors_of, colour_field, counted_in_words
from pages.components.compare.settings import (
    SEED,
    item_names,
    key_of,
    shared_words,
)
from pages.components.compare.table import chosen_columns
from pages.components.kit import browser
from pages.components.kit.redraw import render_folded
from pages.components.kit.setting_columns import all_names, shown_values, varying_names
from pages.components.kit.text import literal

NOT_KNOWN = "not known"  # a setting of a run that another tool has recorded
RESULT_AXES = ("val_accuracy", "gap")
MOST_AXES, MOST_NARROW_AXES = 9, 5  # their titles stand side by side


def render_parallel(comparison: Comparison) -> None:
    """An axis per setting that differs, then accuracy and gap. Every run has a line, also one that failed."""
    runs = comparison.runs
    most = MOST_NARROW_AXES if browser.is_narrow() else MOST_AXES
    names = [name for name in parallel_names(comparison) if name not in RESULT_AXES]
    names = names[: most - len(RESULT_AXES)]
    if not names:
        st.caption("These runs have the same settings. Choose columns above the table to see some of them.")
        return
    axes = []
    for name in names:
        values = [value_of(run, name) for run in runs]
        words = shown_values(name, values)
        shown = [
            word if is_value_known(run, name) else NOT_KNOWN for run, word in zip(runs, words, strict=True)
        ]
        axes.append(Axis(title_of(name), [_plain(value) for value in values], shown, needs_log_axis(values)))
    axes += [result_axis(runs, key) for key in RESULT_AXES]
    st.plotly_chart(
        parallel_figure(
            axes, [run.name for run in runs], [run.outcome == FAILED for run in runs], len(names),
            "Settings and results",
        ),
        key="compare-parallel", config=CONFIG, width="stretch",
        alt=f"{count_of(len(runs), 'run')} over {listed([axis.title for axis in axes], 9)}",
    )  # fmt: skip
    num_failed = sum(run.outcome == FAILED for run in runs)
    failed = f" {count_of(num_failed, 'run')} failed (red)." if num_failed else ""
    of_groups = " A line per run, also while runs are grouped." if comparison.query.is_grouped else ""
    left = len(varying_names(runs)) - len(names)
    which, it = ("setting differs", "it") if left == 1 else ("settings differ", "them")
    more = f" {left} more {which}: choose {it} under Columns." if left > 0 else ""
    st.caption(
        f"{count_of(len(runs), 'run')}, coloured by validation accuracy.{failed}{of_groups}{more} "
        "A run without a value there is below the axis, with the reason."
    )


def parallel_names(comparison: Comparison) -> list[str]:
    """The chosen columns; without a choice the settings that differ, not the seed: it is chance."""
    names = chosen_columns(comparison)
    return names if comparison.query.columns else [name for name in names if name != SEED]


def result_axis(runs: Sequence[RunFacts], key: str) -> Axis:
    """A result; of a run that failed, that it failed, whatever it had measured before."""
    values: list[float | str | None] = []
    shown = []
    for run in runs:
        value = run.results[key]
        has_none = value is None or run.outcome == FAILED
        values.append(None if has_none else value)
        shown.append(
            (run.outcome if run.outcome != "finished" else "–") if has_none else _without_unit(key, value)
        )
    return Axis("Gap (points)" if key == "gap" else RESULTS[key].label, values, shown)


def _without_unit(key: str, value: float) -> str:
    """Points are in the title of their axis: there is no room for them beside it."""
    return RESULTS[key].show(value).removesuffix(" points")


def _plain(value: object) -> float | str | None:
    """Numbers and switches as they are, else some text; the axis shows it in words."""
    return value if value is None or isinstance(value, int | float) else str(value)


def render_scatter(comparison: Comparison) -> None:
    """Any two quantities; runs, or groups with their intervals."""
    query = comparison.query
    is_narrow = browser.is_narrow()
    if not is_narrow:
        _render_axes(comparison)
    items: Sequence[RunFacts | Group] = comparison.groups if query.is_grouped else comparison.runs
    found = scatter(items, query.x, query.y)  # type: ignore[arg-type]
    by_key, called = {key_of(item): item for item in items}, item_names(comparison)
    drawn = [by_key[point.key] for point in found.points]
    nowhere = {place for place, point in enumerate(found.points) if has_no_place(point, query.log)}
    colors = colors_of(drawn, query.colour) if query.colour else [(0, None)] * len(drawn)
    pinned = comparison.baseline_group.key if comparison.baseline_group else query.baseline
    dots = [
        Dot(
            called[point.key] + (f", {counted_in_words(item, _n_of(item, query))}" if isinstance(item, Group) else ""),
            point.x, point.y, place if share is None else 0, share, position in found.front, point.key == pinned,
            point.x_span, point.y_span,
        )
        for position, (point, item, (place, share)) in enumerate(zip(found.points, drawn, colors, strict=True))
        if position not in nowhere
    ]  # fmt: skip
    legend, scale = _legend(drawn, colors, query.colour)
    st.plotly_chart(
        quantities_figure(
            dots, _axis(query.x, "x" in query.log), _axis(query.y, "y" in query.log),
            f"{title_of(query.y)} against {within_sentence(title_of(query.x))}", legend,
        ),
        key="compare-scatter", config=CONFIG, width="stretch",
        alt=f"{title_of(query.y)} against {title_of(query.x)} of {count_of(len(dots), 'dot')}",
    )  # fmt: skip
    notes = [
        f"{count_of(len(dots), 'group')}, with 95 % intervals."
        if query.is_grouped
        else f"{count_of(len(dots), 'run')}."
    ]
    if scale:
        notes.append(scale)
    if found.left_out:
        notes.append(f"Not drawn, because a value is missing: {listed(found.left_out, 4)}.")
    if nowhere:
        lost = [called[found.points[place].key] for place in sorted(nowhere)]
        notes.append(f"Not drawn, because a log axis has no place for 0 or less: {listed(lost, 4)}.")
    if not all(quantity(name).direction for name in (query.x, query.y)):
        notes.append("No Pareto front: of one of them neither more nor less is better.")
    else:
        notes.append("Runs that have not finished are never on the front.")
    st.caption(literal(" ".join(notes)))
    if is_narrow:
        render_folded(
            "Axes and colour", "compare-axes", lambda: _render_axes(comparison), icon=":material/tune:"
        )


def _render_axes(comparison: Comparison) -> None:
    query = comparison.query
    names = numeric_names(comparison.matching, query.x, query.y)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox("Across", names, format_func=title_of, width=230, **field("x", query.x))
        st.selectbox("Upwards", names, format_func=title_of, width=230, **field("y", query.y))
        colour_field(comparison, "One colour")
        st.pills(
            "Log axes", ["x", "y"], selection_mode="multi", width="content",
            **field("scatter-log", list(query.log), lambda axes: {"log": tuple(axes)}),
        )  # fmt: skip


def has_no_place(point: Point, log: Sequence[str]) -> bool:
    """Whether a log axis cannot show it."""
    return ("x" in log and point.x <= 0) or ("y" in log and point.y <= 0)


def numeric_names(runs: Sequence[RunFacts], *others: str) -> list[str]:
    """What can be an axis: results, then numeric settings, those that differ first."""
    names = list(RESULTS)
    for name in dict.fromkeys([*varying_names(runs), *all_names(runs), *others]):
        try:
            quantity(name)
        except UserError:
            continue
        names.append(name)
    return list(dict.fromkeys(names))


def _legend(
    items: Sequence[RunFacts | Group], colors: Sequence[tuple[int, float | None]], colour: str | None
) -> tuple[list[str], str]:
    """(a name per colour, or what the shades mean)."""
    if colour is None or not items:
        return [], ""
    words = [shared_words(item, colour) for item in items]
    if any(share is not None for _, share in colors):
        ranked = sorted(
            (share, word) for (_, share), word in zip(colors, words, strict=True) if share is not None
        )
        gray = ", gray without one value" if any(place == NO_PLACE for place, _ in colors) else ""
        return (
            [],
            f"Coloured by {within_sentence(title_of(colour))}: palest {ranked[0][1]}, strongest {ranked[-1][1]}{gray}.",
        )
    named = {place: word for (place, _), word in zip(colors, words, strict=True)}
    most = max(named) + 1
    repeated = "" if most <= MOST_COLORS else " Colours repeat, with other marks."
    return [in_words(colour, named.get(place, "")) for place in range(most)], repeated.strip()


def _n_of(group: Group, query: Query) -> int:
    """Of how many runs a dot is the mean: where two quantities have not the same, the fewer."""
    return min(found.n for name in (query.x, query.y) if (found := group.mean_of(name)) is not None)


def _axis(name: str, log: bool) -> Quantity:
    found = quantity(name)
    is_percent = found.scale == 100  # the ticks say so
    return Quantity(found.label if is_percent else found.title, is_percent, log)
