"""A trial with values of one's own, one more than planned."""

from typing import Any

import streamlit as st

from core.config.labels import label_of
from core.errors import ConfigError, ConvDeckError
from core.formatting import is_long, rate_in_words, rounded_long
from core.server.services import Services
from core.sweeps.dimension import Dimension
from core.sweeps.report import SweepReport
from core.sweeps.spec import SweepSpec
from core.sweeps.start import add_trial
from pages.components.kit import session
from pages.components.kit.numbers import number_format, render_problem
from pages.components.kit.redraw import stays_drawn
from pages.components.kit.text import error_text, literal
from pages.components.kit.widget_values import first_value
from pages.components.sweeps.settings import in_words

NOTHING_ADDED = "Nothing was added."
MOST_OPTIONS = 200


def render_by_hand(services: Services, report: SweepReport, spec: SweepSpec) -> None:
    """Its button, and behind it a field for each setting that is searched."""
    by_hand = sum(trial.origin == "hand" for trial in report.trials)
    best = None if report.best is None else report.trials[report.best]
    start = {} if best is None else best.choices
    # Another one after each that is added; trials that end meanwhile leave it as it is.
    key = f"{report.sweep.id}-{by_hand}"
    # Drawn when it is opened: a number that is set before its field is in the browser does not reach it.
    popover = st.popover(
        "Trial by hand", icon=":material/touch_app:", key=f"by-hand-{key}", on_change="rerun"
    )
    if not stays_drawn(f"by-hand-{key}", is_open=popover.open):
        return
    with (
        popover,
        st.form(f"by-hand-form-{key}", border=False),
    ):
        begins = ""
        if best is not None:
            rounded = any(map(is_long, start.values()))
            begins = f" It begins with the values of trial {best.number}{', rounded' if rounded else ''}."
        st.caption(f"Adds a trial with your own values. The search learns from it too.{begins}")
        typed, places = {}, {}
        for each in spec.space.dimensions:
            with st.container():
                typed[each.path] = _value_field(each, start.get(each.path), key)
                places[each.path] = st.container()
        below = st.container()
        if st.form_submit_button("Add the trial", key=f"add-trial-{key}"):
            choices = _active(spec, typed)
            if empty := [each for each in spec.space.dimensions if _is_empty(each, choices)]:
                for each in empty:
                    with places[each.path]:
                        render_problem(f"{_wanted(each)} {NOTHING_ADDED}")
                return
            try:
                add_trial(services.workspace, report.sweep.id, choices)
            except ConvDeckError as error:
                field = error.field if isinstance(error, ConfigError) else ""
                with places.get(field, below):
                    said = (
                        error.message
                        if isinstance(error, ConfigError) and field in places
                        else error_text(error)
                    )
                    render_problem(f"{said} {NOTHING_ADDED}")
            else:
                st.rerun()


def begins_with(dimension: Dimension, value: Any) -> Any:
    """What a field begins with: the value of the best trial as a person would write it, within the range."""
    if not isinstance(value, float) or dimension.step is not None:
        return value
    return min(max(rounded_long(value), float(dimension.low)), float(dimension.high))


def _value_field(dimension: Dimension, start: Any, key: str) -> Any:
    path = dimension.path
    key = f"by-hand-{key}-{path}"
    help = None
    if dimension.when:
        told = " and ".join(
            f"{label_of(each.place.path)} is {in_words(each.place.path, each.value)}"
            for each in dimension.when
        )
        help = literal(f"Counts only where {told}.")
    if dimension.num_options is not None and dimension.num_options <= MOST_OPTIONS:
        options = dimension.options()
        return st.selectbox(
            label_of(path), options, options.index(start) if start in options else 0, key=key, help=help,
            format_func=lambda value: in_words(path, value),
        )  # fmt: skip
    kind = int if dimension.whole else float
    first_value(key, kind(dimension.low if start is None else begins_with(dimension, start)))
    low, high = _ends(dimension)
    return st.number_input(
        f"{literal(label_of(path))} ({low} to {high})", value=None, step=1 if dimension.whole else None, key=key,
        format="%d" if dimension.whole else number_format(session.widget_value(key)), help=help,
    )  # fmt: skip


def _ends(dimension: Dimension) -> tuple[str, str]:
    low, high = (
        str(end) if dimension.whole else rate_in_words(end) for end in (dimension.low, dimension.high)
    )
    return low, high


def _is_empty(dimension: Dimension, choices: dict[str, Any]) -> bool:
    """Whether a range was given no number; None in a list of values is one of them."""
    return dimension.values is None and dimension.path in choices and choices[dimension.path] is None


def _wanted(dimension: Dimension) -> str:
    low, high = _ends(dimension)
    return f"Type a {'whole ' if dimension.whole else ''}number from {low} to {high}."


def _active(spec: SweepSpec, typed: dict[str, Any]) -> dict[str, Any]:
    """Only what counts with the other values."""
    choices: dict[str, Any] = {}
    while dimension := spec.space.next_dimension(choices):
        choices[dimension.path] = typed[dimension.path]
    return choices
