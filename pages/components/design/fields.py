"""Widgets that each edit one value of the draft, with what is wrong with it right below.

Their limits are the config's own, so that none of them shows a value that the draft does not have.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.config import ExperimentConfig
from pages.components.kit import session
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import literal

Also = Callable[[Any], dict[str, Any]]


def number_field(
    config: ExperimentConfig, path: str, label: str, *, step: float = 0.01, help: str | None = None
) -> None:
    """A number with a fraction."""
    key, limits = _key(path), config.limits(path)
    st.number_input(
        label, limits.low, limits.high, float(config.value(path)), step, format="%g", key=key, help=help,
        on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path, key)


def integer_field(
    config: ExperimentConfig, path: str, label: str, *, step: int = 1, help: str | None = None
) -> None:
    """A whole number."""
    key, limits = _key(path), config.limits(path)
    st.number_input(
        label, int(limits.low), int(limits.high), int(config.value(path)), step, key=key, help=help,
        on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path, key)


def optional_field(
    config: ExperimentConfig, path: str, label: str, *, step: float, help: str | None = None, empty: str = "off"
) -> None:  # fmt: skip
    """A number, or nothing where the field is left empty; `empty` says what that means."""
    key, limits = _key(path), config.limits(path)
    kind: Callable[[Any], Any] = int if limits.whole else float
    value = config.value(path)
    st.number_input(
        label, kind(limits.low), kind(limits.high), None if value is None else kind(value), kind(step), key=key,
        help=help, placeholder=empty, format="%d" if limits.whole else "%g", on_change=session.change_design,
        args=(path, key),
    )  # fmt: skip
    _error(path, key)


def slider_field(
    config: ExperimentConfig, path: str, label: str, *, step: float = 0.01, unit: str = "", usual: float | None = None,
    help: str | None = None,
) -> None:  # fmt: skip
    """A number from 0; shares are shown as percent. The slider ends at `usual` unless the value lies beyond."""
    key, limits, value = _key(path), config.limits(path), float(config.value(path))
    high = usual if usual is not None and value <= usual else limits.high
    st.slider(
        label, limits.low, high, value, step, key=key, help=help,
        format=f"%g{unit}" if unit or high > 1 else "percent",
        on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path, key)


def choice_field(
    config: ExperimentConfig, path: str, label: str, options: Sequence[str], *, help: str | None = None,
    disabled: bool = False, names: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """One of a few texts."""
    key = _key(path)
    st.selectbox(
        label, options, list(options).index(config.value(path)), key=key, help=help, disabled=disabled,
        format_func=lambda option: (names or {}).get(option, option.replace("_", " ")),
        on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path, key)


def toggle_field(
    config: ExperimentConfig, path: str, label: str, *, help: str | None = None, also: Also | None = None
) -> None:
    """On or off. `also` gives values that have to change with it."""
    key = _key(path)
    st.toggle(
        label, config.value(path), key=key, help=help, on_change=session.change_design, args=(path, key, also)
    )
    _error(path, key)


def numbers_field(
    config: ExperimentConfig, path: str, label: str, options: Sequence[int], *, help: str | None = None,
    also: Also | None = None,
) -> None:  # fmt: skip
    """Several of a few whole numbers."""
    key = _key(path)
    chosen = config.value(path)
    st.pills(
        label, sorted({*options, *chosen}), selection_mode="multi", default=chosen, key=key, help=help,
        on_change=session.change_design, args=(path, key, also),
        format_func=lambda size: f"{size}×{size}",
    )  # fmt: skip
    _error(path, key)


def folded_fields(label: str, key: str, render: Callable[[], None]) -> None:
    """Fields that few people change, drawn once they are unfolded.

    They stay while any field shows a value that was not taken: folding it away must not lose it.
    """
    render_folded(label, key, render, always=session.is_any_value_refused())


def render_problem(message: str) -> None:
    """What is wrong with the field above. The config's sentences begin with the path, so without it in small."""
    st.markdown(f":small[:red[{literal(message[:1].upper() + message[1:])}]]")


def _key(path: str) -> str:
    return f"design-{session.design_generation()}-{path}"


def _error(path: str, key: str) -> None:
    message = session.standing_error(path, key)
    if message:
        render_problem(message)
