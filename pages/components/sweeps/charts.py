"""The charts of a sweep: its course or its front, which settings matter, and three views of all trials."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import streamlit as st

from core.analysis.search_luck import LUCK
from core.config.labels import label_of
from core.server.services import Services
from core.sweeps.report import SweepReport
from pages.components.charts import parallel
from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import CONFIG
from pages.components.charts.quantities import Dot, Quantity, quantities_figure
from pages.components.charts.sweep_axes import Axis
from pages.components.charts.sweep_history import history_data, history_spec
from pages.components.charts.sweep_maps import importance_figure, map_figure
from pages.components.charts.sweep_slices import slice_figure
from pages.components.charts.zoom import ZOOM
from pages.components.kit.cache import VersionedCache
from pages.components.kit.text import literal
from pages.components.kit.widget_values import first_value
from pages.components.sweeps.readings import Readings, beside_random, history_steps

VIEWS = {
    "all": ":material/line_axis: All settings",
    "each": ":material/scatter_plot: Setting by setting",
    "two": ":material/grid_on: Two settings",
}
MOST_FIGURES = 200
SLICE_WIDTH = 260
IMPORTANCE_HELP = (
    "How much of the difference between trials each setting explains (PED-ANOVA). A resample draws as many trials from "
    "these, some of them twice. It shows whether the order would be the same with other trials. The thin line is the "
    "range over resamples: where lines overlap, the order may be chance."
)
_figures: VersionedCache[Figure] = VersionedCache(MOST_FIGURES)


def render_charts(services: Services, report: SweepReport, readings: Readings) -> None:
    """All of them. A figure of Plotly is another one, and mounted again, only when another trial has ended."""
    drawing = _Drawing(services, report, readings)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        if len(readings.goals) > 1:
            drawing.render_front()
        else:
            _render_history(report, readings)
    with right:
        drawing.render_importance(report.sweep.insights)
        if report.importance_note:
            st.caption(report.importance_note)
    key = f"sweep-view-{report.sweep.id}"
    first_value(key, "all")
    view = st.segmented_control(
        "Trials",
        list(VIEWS),
        required=True,
        key=key,
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
    )
    if view == "each":
        drawing.render_each()
    elif view == "two" and len(readings.axes) > 1:
        drawing.render_two()
    elif view == "two":
        st.caption("This sweep searches a single setting.")
    else:
        drawing.render_all()


def _render_history(report: SweepReport, readings: Readings) -> None:
    """Each result, the best so far, and beside it what a random order of the same trials would have given."""
    goal, steps = readings.goals[0], history_steps(report)
    if all(step.value is None for step in steps):
        st.caption("No trial has a result yet.")
        return
    best, random = beside_random(steps, report.honesty)
    # With a selection and a key, a tick updates the chart instead of building a new one.
    st.vega_lite_chart(
        history_data(steps, best, random), history_spec(goal.title, is_percent=goal.in_points),
        key=f"sweep-history-{report.sweep.id}", on_select="rerun", selection_mode=[ZOOM], width="stretch",
        alt=f"{goal.title} of each trial in the order in which they were chosen, the best so far, and the mean best of "
        "the same trials in random order",
    )  # fmt: skip


class _Drawing:
    """Draws the figures that change only when a trial ends."""

    def __init__(self, services: Services, report: SweepReport, readings: Readings) -> None:
        self._owner = services.store, report.sweep.id
        self._version = (readings.numbers, readings.trials, tuple(axis.values for axis in readings.results))
        self._report = report
        self._readings = readings
        objective = report.spec.objective if report.spec else None
        self._low_is_good = objective is not None and objective.directions[0] == "minimize"

    def render_front(self) -> None:
        """The first two goals against each other."""
        readings, front = self._readings, set(self._report.front)
        up, across = readings.results[0], readings.results[1]

        def make() -> Figure:
            dots = [
                Dot(
                    readings.trials.names[index], across.values[index], up.values[index],
                    is_on_front=number in front, is_baseline=False,
                )
                for index, number in enumerate(readings.numbers)
                if None not in (across.values[index], up.values[index])
            ]  # fmt: skip
            is_log = across.kind == "log"
            x, y = (
                Quantity(axis.title, percent=goal.in_points, log=is_log and axis is across)
                for axis, goal in ((across, readings.goals[1]), (up, readings.goals[0]))
            )
            return quantities_figure(dots, x, y, up.title)

        self._draw(
            "front",
            make,
            f"{up.title} of each trial against {across.title.lower()}, with the Pareto front",
        )

    def render_importance(self, insights: Mapping[str, Any] | None) -> None:
        """Which settings decide the result, with how stable that is."""
        st.markdown("**Which settings matter**", help=IMPORTANCE_HELP)
        shares = (insights or {}).get("importance") or {}
        if not shares:
            st.caption("Shown once a few trials have finished.")
            return
        stability = (insights or {}).get("stability") or {}
        ranges = {each["path"]: _range(each) for each in stability.get("ranks", ())}
        paths, chance = list(shares), stability.get("chance")
        is_chance = chance is not None and chance > LUCK
        if is_chance:
            st.markdown(f":orange[:material/casino: {literal(stability['sentence'])}]")
        self._draw(
            "importance",
            lambda: importance_figure(
                [label_of(path) for path in paths], [float(shares[path]) for path in paths],
                [ranges.get(path) for path in paths], is_chance=is_chance,
            ),
            "How much each setting decides the result, with its range over resamples of the trials",
            repr(insights),
        )  # fmt: skip
        if not is_chance and (sentence := stability.get("sentence")):
            st.caption(literal(sentence))

    def render_all(self) -> None:
        """Parallel coordinates."""
        readings, result = self._readings, self._readings.results[0]

        def make() -> Figure:
            axes = [
                *(_parallel_axis(axis, None) for axis in readings.axes),
                *(_parallel_axis(axis, readings.trials.outcomes) for axis in (*readings.results[1:], result)),
            ]
            return parallel.parallel_figure(
                axes, readings.trials.names, readings.trials.are_failed, len(axes) - 1, ""
            )

        names = ", ".join(axis.title for axis in readings.axes)
        self._draw("all", make, f"Each trial as a line through {names} to {result.title}")

    def render_each(self) -> None:
        """A chart for each setting."""
        readings = self._readings
        with st.grid(3, min_column_width=SLICE_WIDTH):
            for place, axis in enumerate(readings.axes):
                self._draw(
                    f"each-{place}",
                    lambda axis=axis: slice_figure(axis, readings.results[0], readings.trials),
                    f"{readings.results[0].title} of each trial against {axis.title}",
                )  # fmt: skip

    def render_two(self) -> None:
        """A map over two settings that the visitor chooses."""
        readings, sweep_id = self._readings, self._report.sweep.id
        titles = {axis.title: axis for axis in readings.axes}
        keys = [f"sweep-map-{name}-{sweep_id}" for name in ("across", "up")]
        for key, title in zip(keys, titles, strict=False):
            first_value(key, title)
        with st.container(horizontal=True):
            across = st.selectbox("Across", list(titles), key=keys[0], width=280)
            up = st.selectbox("Up", list(titles), key=keys[1], width=280)
        if across == up:
            st.caption("Choose two different settings.")
            return
        self._draw(
            "two",
            lambda: map_figure(
                titles[across],
                titles[up],
                readings.results[0],
                readings.trials,
                low_is_good=self._low_is_good,
            ),
            f"{readings.results[0].title} over {across} and {up}",
            (across, up),
        )
        others = " The other settings differ between trials as well." if len(titles) > 2 else ""
        st.caption(
            f"Between trials, the map is a weighted mean of those nearby; it is blank where none is near.{others}"
        )

    def _draw(self, name: str, make: Callable[[], Figure], alt: str, what: Hashable = None) -> None:
        """The figure `name`, made again where another trial has ended or it is to show something else than `what`."""
        figure = _figures.get((*self._owner, name), (self._version, what), make)
        st.plotly_chart(figure, key=f"sweep-{name}-{self._owner[1]}", config=CONFIG, alt=alt)


def _range(rank: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = rank.get("low"), rank.get("high")
    return None if low is None or high is None else (float(low), float(high))


def _parallel_axis(axis: Axis, outcomes: tuple[str | None, ...] | None) -> parallel.Axis:
    """For the chart that Compare shares. `outcomes` say why there is no result; a setting may just not be set."""
    values = [
        axis.values[index] if axis.kind == "words" else axis.place(index) for index in range(len(axis.values))
    ]
    shown = [
        axis.text(index)
        if axis.values[index] is not None
        else (outcomes[index] or "–")
        if outcomes
        else "not set"
        for index in range(len(axis.values))
    ]
    return parallel.Axis(axis.title, values, shown)
