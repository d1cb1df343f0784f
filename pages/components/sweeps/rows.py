"""The settings that a new sweep searches: a card for each, with a list of values or a range."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config import ExperimentConfig
from core.config.labels import label_at, label_of, setting_at
from pages.components.kit.numbers import number_format
from pages.components.kit.text import literal
from pages.components.kit.widget_values import first_value
from pages.components.sweeps.form_state import PICKED_KINDS, Row, SweepForm
from pages.components.sweeps.settings import (
    in_words,
    is_without_effect,
    searchable,
)

LIST, RANGE = "Values", "Range"
ALWAYS = "always"


def render_rows(form: SweepForm, config: ExperimentConfig) -> dict[str, DeltaGenerator]:
    """All cards, and the field that adds one. Returns a place below each card's fields, by path, for what is wrong."""
    places = {}
    for row in list(form.rows):
        with st.container(border=True):
            places[row.path] = _render_row(form, row, config)
    key = f"add-setting-{form.generation}-{len(form.rows)}"
    options = [path for path in searchable(config) if path not in form.paths]
    chosen = st.selectbox(
        "Search another setting" if form.rows else "Search a setting", options, index=None, key=key,
        format_func=label_of, placeholder="Learning rate, kernel sizes, number of blocks …",
        help="Each setting gets a list of values or a range, from which every trial takes one.",
    )  # fmt: skip
    if chosen is not None:
        form.add(chosen, config)
        st.rerun()
    return places


def _render_row(form: SweepForm, row: Row, config: ExperimentConfig) -> DeltaGenerator:
    label = _help_of(row.path)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{literal(label_of(row.path))}**", help=label, width="stretch")
        if row.can_be_range:
            kind = st.segmented_control(
                "Values or range", [LIST, RANGE], required=True, label_visibility="collapsed",
                key=_first(form, row, "kind", RANGE if row.is_range else LIST),
            )  # fmt: skip
            row.is_range = kind == RANGE
        if not row.asks_when and form.conditions(row.path):
            st.button(
                "", icon=":material/alt_route:", key=_key(form, row, "ask-when"), type="tertiary",
                help="Search it only where another setting has a certain value",
                on_click=lambda: setattr(row, "asks_when", True),
            )  # fmt: skip
        st.button(
            "", icon=":material/close:", key=f"{_key(form, row, 'remove')}", type="tertiary",
            help="Do not search this setting", on_click=form.remove, args=(row.path,),
        )  # fmt: skip
    if row.is_range:
        _render_range(form, row)
    elif row.kind in PICKED_KINDS:
        _render_picks(form, row)
    else:
        row.text = st.text_input(
            "Values, separated by commas", key=_first(form, row, "text", row.text), max_chars=10_000,
            placeholder=_example(row), help=_typing_help(row),
        )  # fmt: skip
    place = st.container()
    _render_condition(form, row)
    if reason := is_without_effect(row.path, config, form.paths):
        st.caption(f":material/info: {literal(reason)}")
    return place


def _render_range(form: SweepForm, row: Row) -> None:
    step = 1 if row.is_whole else None
    number = int if row.is_whole else float
    low, high, apart = (None if each is None else number(each) for each in (row.low, row.high, row.step))
    with st.grid(4, min_column_width=160):
        row.low = st.number_input(
            "Lowest", value=None, step=step, format=_format(row, low), key=_first(form, row, "low", low)
        )
        row.high = st.number_input(
            "Highest", value=None, step=step, format=_format(row, high), key=_first(form, row, "high", high)
        )
        if not row.log:
            row.step = st.number_input(
                "Step", value=None, step=step, format=_format(row, apart), placeholder="any value",
                key=_first(form, row, "step", apart),
                help="Distance between values. Empty: any value between the two. Grid search needs it.",
            )  # fmt: skip
        row.log = st.toggle(
            "Logarithmic", key=_first(form, row, "log", row.log),
            help="0.001 to 0.01 gets as many trials as 0.01 to 0.1. Right for learning rates and weight decay.",
        )  # fmt: skip


def _format(row: Row, value: float | None) -> str:
    return "%d" if row.is_whole else number_format(value)


def _render_picks(form: SweepForm, row: Row) -> None:
    options = _options(row)
    shown = {_token(value): value for value in options}
    picked = st.pills(
        "Values", list(shown), selection_mode="multi", label_visibility="collapsed",
        format_func=lambda token: in_words(row.path, shown[token]),
        key=_first(form, row, "picks", [_token(value) for value in row.picked]),
    )  # fmt: skip
    # In the order of a file, which a grid keeps; what is added comes after.
    now = [shown[token] for token in shown if token in picked]
    row.picked = sorted(now, key=lambda each: row.picked.index(each) if each in row.picked else len(now))


def _render_condition(form: SweepForm, row: Row) -> None:
    pairs = form.conditions(row.path)
    known = [(path, value) for path, value in row.when.items()]
    missing = [pair for pair in known if pair not in pairs]
    if len(known) > 1 or (missing and known):
        # From a file: more than the field can show, or a condition on what is not searched.
        told = " and ".join(f"{label_of(path)} is {in_words(path, value)}" for path, value in known)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Only where {literal(told)}.", width="content")
            st.button("Always", key=_key(form, row, "always"), type="tertiary", on_click=row.when.clear)
        return
    if not pairs or not row.asks_when:
        return
    options: list[tuple[str, Any]] = [(ALWAYS, None), *pairs]
    texts = [ALWAYS] + [f"where {label_of(path)} is {in_words(path, value)}" for path, value in pairs]
    current = options.index(known[0]) if known else 0
    # Another list of conditions is another field, so that it never shows one that is gone.
    key = f"{_key(form, row, 'when')}-{hash(tuple(texts))}"
    first_value(key, texts[current])
    chosen = st.selectbox(
        "Searched", texts, key=key,
        help="A setting that counts only with another one, such as momentum with SGD, is left out of other trials.",
    )  # fmt: skip
    path, value = options[texts.index(chosen)]
    row.when = {} if path == ALWAYS else {path: value}


def _options(row: Row) -> list[Any]:
    setting = setting_at(row.path)
    return [False, True] if setting.kind == "switch" else list(setting.choices)


def _token(value: Any) -> str:
    return str(value).lower()


def _key(form: SweepForm, row: Row, name: str) -> str:
    return f"sweep-{form.generation}-{row.path}-{name}"


def _first(form: SweepForm, row: Row, name: str, value: Any) -> str:
    """The key of a field, which begins with what the row has: it came from a file, or from before another page."""
    key = _key(form, row, name)
    first_value(key, value)
    return key


def _help_of(path: str) -> str | None:
    try:
        return literal(label_at(path).help)
    except KeyError:
        return None


def _example(row: Row) -> str:
    return "1, 3, 5, 1+3+5" if row.path.endswith("kernel_sizes") else "16, 32, 64"


def _typing_help(row: Row) -> str:
    if row.path.endswith("kernel_sizes"):
        return "3, or 3×3, is one window. Sizes joined by + work side by side, as in Inception."
    try:
        label = label_at(row.path)
    except KeyError:
        return "Separated by commas."
    if label.is_percent:
        return "As fractions of 1, or in percent: 0.1 or 10 %."
    return f"Empty is written “{label.empty}”." if label.empty != "–" else "Separated by commas."
