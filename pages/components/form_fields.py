"""Widgets that each edit one value of the draft, with what is wrong with it right below."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.config import ExperimentConfig
from pages.components import session
from pages.components.text import literal

Also = Callable[[Any], dict[str, Any]]


def number_field(
    config: ExperimentConfig, path: str, label: str, *, low: float, high: float, step: float = 0.01,
    help: str | None = None, format: str = "%g",
) -> None:  # fmt: skip
    """A number with a fraction."""
    key = _key(path)
    value = min(max(float(config.value(path)), low), high)
    st.number_input(
        label, low, high, value, step, format=format, key=key, help=help, on_change=session.change_design,
        args=(path, key),
    )  # fmt: skip
    _error(path)


def integer_field(
    config: ExperimentConfig,
    path: str,
    label: str,
    *,
    low: int,
    high: int,
    step: int = 1,
    help: str | None = None,
) -> None:
    """A whole number."""
    key = _key(path)
    st.number_input(
        label, low, high, int(config.value(path)), step, key=key, help=help, on_change=session.change_design,
        args=(path, key),
    )  # fmt: skip
    _error(path)


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
    _error(path)


def toggle_field(
    config: ExperimentConfig, path: str, label: str, *, help: str | None = None, also: Also | None = None
) -> None:
    """On or off. `also` gives values that have to change with it."""
    key = _key(path)
    st.toggle(
        label, config.value(path), key=key, help=help, on_change=session.change_design, args=(path, key, also)
    )
    _error(path)


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
    _error(path)


def optional_field(
    config: ExperimentConfig, path: str, label: str, *, low: float, high: float, step: float,
    help: str | None = None, whole: bool = False,
) -> None:  # fmt: skip
    """A number, or nothing where the field is left empty."""
    key = _key(path)
    value = config.value(path)
    kind: Callable[[Any], Any] = int if whole else float
    st.number_input(
        label, kind(low), kind(high), None if value is None else kind(value), kind(step), key=key, help=help,
        placeholder="off", format="%d" if whole else "%g", on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path)


def _key(path: str) -> str:
    return f"design-{session.design_generation()}-{path}"


def _error(path: str) -> None:
    message = session.design_error(path)
    if message:
        st.caption(f":red[{literal(message)}]")


def slider_field(
    config: ExperimentConfig, path: str, label: str, high: float, *, step: float = 0.01, unit: str = "",
    help: str | None = None,
) -> None:  # fmt: skip
    """A number from 0 to `high`; shares are shown as percent."""
    key = _key(path)
    st.slider(
        label, 0.0, high, min(float(config.value(path)), high), step, key=key, help=help,
        format=f"%d{unit}" if unit else "percent" if high <= 1 else "%.2f",
        on_change=session.change_design, args=(path, key),
    )  # fmt: skip
    _error(path)
