"""The curves of runs, or the means of groups with their bands, with the epoch line that the table follows."""

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from core.analysis.significance import Interval
from core.comparison.comparison import Comparison
from core.comparison.conditions import Condition
from core.comparison.facts import RunFacts
from core.comparison.groups import Group
from core.comparison.lines import MOST_POINTS, Line, group_lines, run_lines
from core.comparison.quantities import RESULTS, in_words, title_of
from core.comparison.query import ALIGNMENTS, ALL_BUT_SEED, LOG_AXES, MAX_SMOOTHING, MEASURES, Query
from core.formatting import count_of, listed, percent, rate_in_words, within_sentence
from core.store.store import Store
from pages.components.charts.compared_curves import Curve, curves_figure
from pages.components.charts.plotly_marks import CONFIG, LEGEND_COLUMNS, NO_PLACE, WIDE_COLUMNS, shares
from pages.components.compare.address import field
from pages.components.compare.paging import Part, render_pager
from pages.components.compare.settings import (
    Item,
    item_names,
    key_of,
    shared_value,
    shared_words,
)
from pages.components.kit import browser, session
from pages.components.kit.redraw import render_folded
from pages.components.kit.setting_columns import varying_names
from pages.components.kit.text import literal

MOST_CURVES = 24
# Of a setting with more values than this, curves are shades of one scale.
MOST_COLORS = 8
MEASURE_WORDS = {
    "val_accuracy": "Validation accuracy", "val_loss": "Validation loss",
    "clean_train_accuracy": "Clean training accuracy", "clean_train_loss": "Clean training loss",
    "train_accuracy": "Training accuracy", "train_loss": "Training loss", "learning_rate": "Learning rate",
    "seconds": "Seconds per epoch", "images_per_second": "Pictures per second",
}  # fmt: skip
# The result that says the same of a run as a whole.
RESULT_OF = {"val_accuracy": "val_accuracy", "val_loss": "val_loss"}
ALIGN_WORDS = {"epoch": "Epoch", "step": "Step", "seconds": "Seconds", "pictures": "Pictures seen"}
BY_SELF = "self"
PLACES = "compare-curve-places"


def render_curves(
    store: Store, comparison: Comparison, measured: Mapping[str, Mapping[str, Interval]]
) -> None:
    """The chart with its fields: above it, or where there is no room for both, folded below it. `measured` is what
    `at_epoch` gives for the epoch that is chosen.
    """
    query, is_narrow = comparison.query, browser.is_narrow()
    if not is_narrow:
        _render_options(comparison)
    place = st.container()
    with contextlib.nullcontext() if is_narrow else place:
        part = render_pager(comparison, MOST_CURVES, "curves", "Curves of")
    items = part.items
    lines = _lines(store, items, query, query.smoothing)
    measured_lines = lines if not query.smoothing else _lines(store, items, query, 0.0)
    colors, names = _kept_colors(items, query), item_names(comparison)
    curves = [
        curve_of(
            item, line, legend_of(item, as_measured, names[key_of(item)], query, measured), names[key_of(item)],
            place, share, query,
        )
        for item, line, as_measured, (place, share) in zip(items, lines, measured_lines, colors, strict=True)
        if len(line.x)
    ]  # fmt: skip
    missing = sum(without_a_place(curve, query.log) for curve in curves)
    place.plotly_chart(
        curves_figure(
            curves, _title(query, part), ALIGN_WORDS[query.align], percent=query.measure.endswith("accuracy"),
            log_x="x" in query.log, log_y="y" in query.log,
            line_at=query.epoch if query.align == "epoch" else None,
            legend_columns=LEGEND_COLUMNS if is_narrow else WIDE_COLUMNS,
        ),
        key="compare-curves", config=CONFIG, width="stretch",
        alt=f"{MEASURE_WORDS[query.measure]} by {ALIGN_WORDS[query.align].lower()}: {count_of(len(curves), 'curve')}",
    )  # fmt: skip
    empty = [(item, line) for item, line in zip(items, lines, strict=True) if not len(line.x)]
    if empty:
        said = [f"{names[key_of(item)]} ({str(line.why_empty).rstrip('.').lower()})" for item, line in empty]
        st.caption(literal(f"Without a curve: {listed(said, 5)}."))
    if missing:
        st.caption(
            f"Not drawn, because a log axis has no place for 0 or less: {count_of(missing, 'point')} of the curves."
        )
    if short := [
        f"{names[key_of(item)]} ({best_of_fewer})"
        for item, line in zip(items, lines, strict=True)
        if (best_of_fewer := best_of_fewer_in_words(line)) is not None
    ]:
        st.caption(
            literal(f"The best epoch of a mean (ring) is one that not all runs have: {listed(short, 5)}.")
        )
    _render_epoch(comparison)
    st.caption(_explanation(query, any(item_epochs(item) > MOST_POINTS for item in items)))
    if is_narrow:
        render_folded(
            "Curve, alignment and axes", "compare-curve-fields", lambda: _render_options(comparison),
            icon=":material/tune:",
        )  # fmt: skip


def _lines(store: Store, items: Sequence[Item], query: Query, smoothing: float) -> list[Line]:
    groups = [item for item in items if isinstance(item, Group)]
    if query.is_grouped:
        return group_lines(store, groups, query.measure, query.align, smoothing)
    runs = [item for item in items if isinstance(item, RunFacts)]
    return run_lines(store, runs, query.measure, query.align, smoothing)


def curve_of(
    item: Item, line: Line, legend: str, name: str, place: int, share: float | None, query: Query
) -> Curve:
    """The curve as it is drawn; a band only of groups of at least two runs, n where not all have every epoch."""
    # On a log axis a band has a lower edge only above 0.
    low = np.where(line.low > 0, line.low, np.nan) if "y" in query.log else line.low
    has_band = isinstance(item, Group) and bool(np.isfinite(low).any())
    at = None
    if query.epoch is not None and (row := np.flatnonzero(line.epochs == query.epoch)).size:
        at = float(line.x[row[0]]), float(line.y[row[0]])
    best = None if line.best is None else (float(line.x[line.best]), float(line.y[line.best]))
    return Curve(
        legend, line.x, line.y, place, low if has_band else None, line.high if has_band else None, share, best, at,
        name, line.n if line.n.min() < line.n.max() else None,
    )  # fmt: skip


def without_a_place(curve: Curve, log: Sequence[str]) -> int:
    """How many points of a curve log axes cannot show."""
    lost = np.zeros(len(curve.x), bool)
    if "x" in log:
        lost |= curve.x <= 0
    if "y" in log:
        lost |= curve.y <= 0
    return int(lost.sum())


def legend_of(
    item: Item, line: Line, name: str, query: Query, measured: Mapping[str, Mapping[str, Interval]]
) -> str:
    """`rate 0.1: 71.2 % (70.1 to 72.3 %), n = 5, 1 failed`: mean, 95 % interval, and the n of this mean."""
    colour = ""
    if query.colour and not (isinstance(item, Group) and query.colour in item.values):
        said = within_sentence(in_words(query.colour, shared_words(item, query.colour)))
        # A group may be called by the setting that it is coloured by.
        colour = "" if f", {said}," in f", {within_sentence(name)}," else f", {said}"
    words, n = _value_in_words(item, line, query, measured)
    return f"{name}{colour}: {words}, {counted_in_words(item, n)}"


def best_of_fewer_in_words(line: Line) -> str | None:
    """`epoch 8: 2 of 5 seeds` where a mean is best after some of its runs have ended; None where all are in it."""
    if line.best is None or line.n[line.best] == line.n.max():
        return None
    return f"epoch {int(line.epochs[line.best])}: {line.n[line.best]} of {line.n.max()} seeds"


def counted_in_words(item: Item, n: int) -> str:
    """`n = 5, 1 failed`; where fewer have the value than finished, `n = 2 of 5, 1 failed`. Of runs that differ in more
    than their seed, in what: `n = 10, mixed: batch size`.
    """
    if not isinstance(item, Group):
        return f"n = {n}" if item.outcome == "finished" else f"n = {n}, {item.outcome}"
    words = item.counted_in_words
    if n != item.n:
        _, comma, others = words.partition(", ")
        words = f"n = {n} of {item.n}{comma}{others}"
    mixed = item.differs_in
    return f"{words}, mixed: {mixed}" if mixed else words


def _value_in_words(
    item: Item, line: Line, query: Query, measured: Mapping[str, Mapping[str, Interval]]
) -> tuple[str, int]:
    """(the value at the chosen epoch, else the best value, or the last one of what has no best; its n)."""
    if query.epoch is not None:
        interval = measured.get(key_of(item), {}).get(query.measure)
        if interval is None:
            return f"no value at epoch {query.epoch}", 0
        return f"{interval_in_words(query.measure, interval)} at epoch {query.epoch}", interval.n
    if query.measure in RESULT_OF:
        result = RESULT_OF[query.measure]
        if not isinstance(item, Group):
            value = item.results[result]
            return show(query.measure, value), 0 if value is None else 1
        interval = item.mean_of(result)
        return (
            ("no result", 0) if interval is None else (interval_in_words(query.measure, interval), interval.n)
        )
    row = line.best if line.best is not None else len(line.x) - 1
    n = int(line.n[row])
    low, high = (float(line.low[row]), float(line.high[row])) if n > 1 else (None, None)
    which = "best" if line.best is not None else "last"
    return f"{which} {interval_in_words(query.measure, Interval(float(line.raw[row]), low, high, n))}", n


def interval_in_words(measure: str, interval: Interval) -> str:
    """`71.2 % (70.1 to 72.3 %)`; without an interval the mean alone."""
    mean = show(measure, interval.mean)
    if interval.low is None or interval.high is None or interval.n < 2:
        return mean
    return f"{mean} ({show(measure, interval.low).removesuffix(' %')} to {show(measure, interval.high)})"


def show(measure: str, value: float | None) -> str:
    """A value of a curve in words."""
    if value is None:
        return "no result"
    if measure.endswith("accuracy"):
        return percent(value)
    return rate_in_words(value) if measure == "learning_rate" else f"{value:,.4g}"


def item_epochs(item: Item) -> int:
    """How many epochs it has; of a group, its longest run."""
    return max(run.run.epoch for run in item.runs) if isinstance(item, Group) else item.run.epoch


def colors_of(items: Sequence[Item], colour: str | None) -> list[tuple[int, float | None]]:
    """(place among colours, shade from 0 to 1 or None) of each: a colour each, or by the value of a setting or result.

    Values that read the same have one colour. Where values are shades, what has none is at NO_PLACE.
    """
    if colour is None:
        return [(place, None) for place in range(len(items))]
    words = [shared_words(item, colour) for item in items]
    distinct = list(dict.fromkeys(words))
    values = [shared_value(item, colour) for item in items]
    numbers = [
        value if isinstance(value, int | float) and not isinstance(value, bool) else None for value in values
    ]
    if len(distinct) > MOST_COLORS and any(number is not None for number in numbers):
        found = enumerate(shares(numbers))
        return [(place if share is not None else NO_PLACE, share) for place, share in found]
    return [(distinct.index(word), None) for word in words]


def kept_places(keys: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
    """The place of each key among colours: the one that it has, or the first that is free."""
    distinct = dict.fromkeys(keys)
    places = {key: known[key] for key in distinct if key in known}
    free = iter(sorted(set(range(len(distinct))) - set(places.values())))
    return {key: places[key] if key in places else next(free) for key in distinct}


def _kept_colors(items: Sequence[Item], query: Query) -> list[tuple[int, float | None]]:
    """As `colors_of`; who has a colour keeps it when runs come and go, until another filter, order or grouping."""
    colors = colors_of(items, query.colour)
    if any(share is not None for _, share in colors):
        return colors
    keys = [key_of(item) if query.colour is None else shared_words(item, query.colour) for item in items]
    asked = query.where, query.text, query.sort, query.group_by, query.hidden, query.colour
    known_asked, known = session.widget_value(PLACES) or (None, {})
    places = kept_places(keys, known if known_asked == asked else _asked_places(query))
    session.set_widget(PLACES, (asked, places))
    return [(places[key], None) for key in keys]


def _asked_places(query: Query) -> dict[str, int]:
    """Of runs that are asked for by their ids: in that order, as on the page of runs."""
    ids = [each.value for each in query.where if isinstance(each, Condition) and each.name == "id"]
    return {run_id: place for place, run_id in enumerate(ids[0])} if ids and isinstance(ids[0], tuple) else {}


def colour_names(comparison: Comparison) -> list[str]:
    """What can be coloured by: settings that differ, then results, then names."""
    names = [*varying_names(comparison.matching), *RESULTS, "outcome", "dataset", "preset"]
    if comparison.query.colour and comparison.query.colour not in names:
        names.append(comparison.query.colour)
    return names


def colour_field(comparison: Comparison, without: str = "Each its own") -> None:
    """The field that says what curves and dots are coloured by; `without` is what they are otherwise."""
    query = comparison.query
    st.selectbox(
        "Colour by", [BY_SELF, *colour_names(comparison)], width=220,
        format_func=lambda name: (without if name == BY_SELF else title_of(name)),
        **field("colour", query.colour or BY_SELF, lambda name: {"colour": None if name == BY_SELF else name}),
    )  # fmt: skip


def _render_options(comparison: Comparison) -> None:
    query = comparison.query
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Curve",
            list(MEASURES),
            format_func=MEASURE_WORDS.__getitem__,
            width=220,
            **field("measure", query.measure),
        )
        st.selectbox(
            "Align by", list(ALIGNMENTS), format_func=ALIGN_WORDS.__getitem__, width=150,
            help="What stands across: epochs, steps of the optimizer, seconds of training, or pictures seen. Runs with "
            "other batch sizes or on other devices are compared fairly by the last three.",
            **field("align", query.align),
        )  # fmt: skip
        colour_field(comparison)
        st.slider(
            "Smoothing", 0.0, 0.99, step=0.01, width=180,
            help="An exponential moving average. Best values and the table stay as measured.",
            **field("smoothing", round(min(query.smoothing, MAX_SMOOTHING, 0.99), 2)),
        )  # fmt: skip
        st.pills(
            "Log axes", list(LOG_AXES), selection_mode="multi", width="content",
            **field("log", list(query.log), lambda axes: {"log": tuple(axes)}),
        )  # fmt: skip


def _render_epoch(comparison: Comparison) -> None:
    """The slider that moves the epoch line; 0 stands for each run's best epoch."""
    query = comparison.query
    most = max((run.run.epoch for run in comparison.matching), default=0)
    # A link may ask for an epoch that no run has.
    most = max(most, query.epoch or 0)
    if most < 1:
        return
    st.slider(
        f"Epoch line: epoch {query.epoch:,}" if query.epoch else "Epoch line: best epoch of each run", 0, most,
        help="Moves through curves, legend and table. 0: each run's best epoch.",
        **field("epoch", query.epoch or 0, lambda epoch: {"epoch": epoch or None}),
    )  # fmt: skip


def _title(query: Query, part: Part[Item]) -> str:
    smoothed = f", smoothed by {query.smoothing:g}" if query.smoothing else ""
    which = "" if part.is_all else f": {part.in_words('group' if query.is_grouped else 'run')}"
    return f"{MEASURE_WORDS[query.measure]}{smoothed}{which}"


def _explanation(query: Query, is_thinned: bool) -> str:
    words = []
    if query.is_grouped:
        words.append("Lines are means of the runs that finished, bands their 95 % intervals.")
        if ALL_BUT_SEED not in query.group_by:
            words.append("Mixed: what else differs among the runs of a group, beside the seed.")
    if query.measure.endswith(("accuracy", "loss")):
        words.append("Ring: best epoch.")
    if query.epoch is None:
        words.append(
            "The legend has the best value, not the last, with its 95 % interval and the number of runs."
        )
    else:
        words.append(f"Dot and legend: epoch {query.epoch}.")
    if query.is_grouped and "y" in query.log:
        words.append("On the log axis no band is drawn where it reaches 0 or less.")
    if is_thinned:
        words.append(f"Of more than {MOST_POINTS} epochs that many are drawn, the best among them.")
    return " ".join(words)
