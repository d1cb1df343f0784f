"""Widgets that each edit one value of the draft, with what is wrong with it right below.

Their names, help and limits are the config's own, so that a setting has the same words everywhere, and no widget
shows a value that the draft does not have.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.config import ExperimentConfig
from core.config.labels import label_at, setting_at
from core.datasets.lookup import values_for
from core.datasets.storage import DatasetInfo
from pages.components.kit import session
from pages.components.kit.numbers import number_format, optional_number, render_problem, render_rounding
from pages.components.kit.redraw import render_folded

Also = Callable[[Any], dict[str, Any]]


def render_grid(config: ExperimentConfig, fields: Mapping[str, float], *, width: int = 150) -> None:
    """A field for each path, side by side as far as there is room; the numbers are the steps of number fields."""
    with st.grid(3, min_column_width=width):
        render_cells(config, fields)


def render_cells(config: ExperimentConfig, fields: Mapping[str, float]) -> None:
    """The fields of a grid, for a caller that has further cells."""
    for path, step in fields.items():
        with st.container():
            setting_field(config, path, step)


def setting_field(config: ExperimentConfig, path: str, step: float = 1) -> None:
    """The widget that fits the setting's kind; `step` is that of a number."""
    setting = setting_at(path)
    if setting.kind == "switch":
        toggle_field(config, path)
    elif setting.kind == "choice":
        choice_field(config, path)
    elif setting.is_optional:
        optional_field(config, path, step=step)
    elif setting.kind == "whole":
        integer_field(config, path, step=int(step))
    else:
        number_field(config, path, step=step)


def number_field(config: ExperimentConfig, path: str, *, step: float = 0.01) -> None:
    """A number with a fraction."""
    key, label, value = _key(path), label_at(path), float(config.value(path))
    shown = session.widget_value(key)
    number = st.number_input(
        label.title, value=value, step=step, format=number_format(value if shown is None else shown), key=key,
        help=label.help, on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    render_rounding(number)
    _error(path, key)


def integer_field(config: ExperimentConfig, path: str, *, step: int = 1) -> None:
    """A whole number."""
    key, label = _key(path), label_at(path)
    st.number_input(
        label.title, value=int(config.value(path)), step=step, key=key, help=label.help,
        on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path, key)


def optional_field(config: ExperimentConfig, path: str, *, step: float, empty: str | None = None) -> None:
    """A number, or nothing where the field is left empty; `empty` says what that means where the label does not."""
    key, label = _key(path), label_at(path)
    optional_number(
        label.title, config.limits(path), config.value(path), step, key=key, empty=empty or label.empty,
        help=label.help, on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path, key)


def slider_field(
    config: ExperimentConfig, path: str, *, step: float = 0.01, usual: float | None = None
) -> None:
    """A number from 0. The slider ends at `usual` unless the value lies beyond."""
    key, limits, label = _key(path), config.limits(path), label_at(path)
    value = float(config.value(path))
    high = usual if usual is not None and value <= usual else limits.high
    st.slider(
        label.name, limits.low, high, value, step, key=key, help=label.help,
        format="percent" if label.is_percent else f"{number_format(value)}{label.unit}",
        on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path, key)


def choice_field(
    config: ExperimentConfig, path: str, *, disabled: bool = False, titles: dict[Any, str] | None = None,
    also: Also | None = None,
) -> None:  # fmt: skip
    """One of the setting's choices, or of `titles` where the choices are not the config's own. `also` gives values
    that have to change with it.
    """
    key, label = _key(path), label_at(path)
    names: dict[Any, str] = titles or label.choices
    options = list(names)
    st.selectbox(
        label.name, options, options.index(config.value(path)), key=key, help=label.help, disabled=disabled,
        format_func=names.__getitem__, on_change=session.change_design, args=(path, key, also),
    )  # fmt: skip
    _error(path, key)


def dataset_field(config: ExperimentConfig, datasets: Sequence[DatasetInfo]) -> None:
    """The data set. One with fewer pictures than are asked for is taken with all of its own."""
    by_id = {info.id: info for info in datasets}
    titles = {info.id: info.title + _state(info) for info in datasets}
    titles.setdefault(config.dataset.id, f"{config.dataset.id} (not available)")

    def also(chosen: str) -> dict[str, Any]:
        return values_for(by_id[chosen], config.dataset.num_train) if chosen in by_id else {}

    choice_field(config, "dataset.id", titles=titles, also=also)


def _state(info: DatasetInfo) -> str:
    if info.state == "damaged":
        return " (damaged)"
    return "" if info.state == "ready" or info.id == "shapes" else " (to be downloaded)"


def toggle_field(config: ExperimentConfig, path: str, *, also: Also | None = None) -> None:
    """On or off. `also` gives values that have to change with it."""
    key, label = _key(path), label_at(path)
    st.toggle(
        label.name, config.value(path), key=key, help=label.help, on_change=session.change_design,
        args=(path, key, also),
    )  # fmt: skip
    _error(path, key)


def numbers_field(
    config: ExperimentConfig, path: str, options: Sequence[int], *, also: Also | None = None
) -> None:
    """Several of a few whole numbers, each the side of a square."""
    key, label = _key(path), label_at(path)
    chosen = config.value(path)
    st.pills(
        label.name, sorted({*options, *chosen}), selection_mode="multi", default=chosen, key=key, help=label.help,
        on_change=session.change_design, args=(path, key, also),
        format_func=lambda size: f"{size}×{size}",
    )  # fmt: skip
    _error(path, key)


def folded_fields(label: str, key: str, render: Callable[[], None]) -> None:
    """Fields that few people change, drawn once they are unfolded.

    They stay while any field shows a value that was not taken: folding it away must not lose it.
    """
    render_folded(label, key, render, always=session.is_any_value_refused())


def _key(path: str) -> str:
    return f"design-{session.design_generation()}-{path}"


def _error(path: str, key: str) -> None:
    message = session.standing_error(path, key)
    if message:
        render_problem(message)
