"""A new sweep: which settings it searches, what for and how."""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config import ExperimentConfig
from core.config.fields import Limits
from core.store.records import MAX_NAME_CHARACTERS
from pages.components.kit import session
from pages.components.kit.numbers import number_format, render_refusal
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import literal
from pages.components.kit.widget_values import first_value
from pages.components.sweeps.form_state import (
    LARGEST_WEIGHT,
    LESS_GAP,
    PARETO,
    SMALLEST_WEIGHT,
    SweepForm,
)
from pages.components.sweeps.plan import FIELDS
from pages.components.sweeps.rows import render_rows
from pages.components.sweeps.settings import choices_in_words
from pages.components.sweeps.words import COSTS, METHODS, OBJECTIVES, PRUNINGS, Choice


def render_search(form: SweepForm, config: ExperimentConfig) -> dict[str, DeltaGenerator]:
    """Which settings, what for and how. Returns the places for what is wrong, by setting or by the file's key."""
    st.markdown("##### What is searched")
    places = render_rows(form, config)
    _render_sets(form, config)
    st.markdown("##### Goal and method")
    with st.grid(3, min_column_width=220):
        places["objective"] = _render_objective(form)
        places["method"] = _chosen(form, "method", "Method", METHODS)
        places["pruning"] = _chosen(form, "pruning", "Pruning: end poor trials early", PRUNINGS)
        form.trials = _number(
            form, places, "trials", form.trials,
            "How many combinations are tried. A grid has at most as many as there are combinations.",
        )  # fmt: skip
        form.seeds = _number(
            form, places, "seeds", form.seeds,
            "Each trial is trained this many times from other initial weights, and counts with its mean. More "
            "seeds mislead less and cost more; the top three can be confirmed with fresh seeds afterwards.",
        )  # fmt: skip
        with st.container():
            key = _key(form, "concurrency")
            first_value(key, form.concurrency)
            form.concurrency = st.number_input(
                FIELDS["concurrency"], value=None, step=1, key=key, placeholder="one per device",
                help="Fewer let later trials learn from more results. Can be changed while the sweep runs.",
            )  # fmt: skip
            places["concurrency"] = st.container()
    render_folded(
        "Name, seed of the search, reuse",
        f"sweep-more-{form.generation}",
        lambda: _render_more(form, places),
        keep=True,
    )
    return places


def _render_sets(form: SweepForm, config: ExperimentConfig) -> None:
    shown = {
        path: value
        for path, value in form.all_sets(config).items()
        if path not in ("training.epochs", "dataset.num_train")
    }
    if shown:
        told = choices_in_words(shown)
        st.caption(f"In every trial: {literal(told)}.")


def _render_objective(form: SweepForm) -> DeltaGenerator:
    with st.container():
        key = _key(form, "objective")
        first_value(key, form.objective)
        if form.other_objective is not None:
            st.text_input(
                "Best is", str(form.other_objective)[:200], disabled=True, key=_key(form, "other-objective")
            )
            st.button(
                "Choose another", key=_key(form, "forget-objective"), type="tertiary",
                on_click=lambda: setattr(form, "other_objective", None),
            )  # fmt: skip
            return st.container()
        form.objective = st.selectbox(
            "Best is", list(OBJECTIVES), key=key, format_func=lambda name: OBJECTIVES[name].title
        )
        st.caption(OBJECTIVES[form.objective].help)
        if form.objective == LESS_GAP:
            key = _key(form, "weight")
            first_value(key, form.gap_weight)
            weight = st.number_input(
                "Weight of the gap", value=None, step=0.1, format=number_format(session.widget_value(key)), key=key,
                help="0.5 gives up half a point of accuracy for each point of gap less.",
            )  # fmt: skip
            limits = Limits(SMALLEST_WEIGHT, LARGEST_WEIGHT)
            if not render_refusal(weight, limits, f"{form.gap_weight:g} is used meanwhile.") and weight:
                form.gap_weight = weight
        if form.objective == PARETO:
            key = _key(form, "cost")
            first_value(key, form.cost)
            form.cost = st.selectbox(
                "Cost", list(COSTS), key=key, format_func=lambda name: COSTS[name].title,
                help="Less of it is better.",
            )  # fmt: skip
        return st.container()


def _chosen(form: SweepForm, name: str, label: str, choices: Mapping[str, Choice]) -> DeltaGenerator:
    with st.container():
        key = _key(form, name)
        first_value(key, getattr(form, name))
        value = st.selectbox(label, list(choices), key=key, format_func=lambda each: choices[each].title)
        setattr(form, name, value)
        st.caption(choices[value].help)
        return st.container()


def _number(form: SweepForm, places: dict[str, DeltaGenerator], name: str, value: int, help: str) -> int:
    """A field without limits, and below it the place where `pages.components.sweeps.plan` says what is out of range.

    Emptied, it shows and means what a new form has.
    """
    key = _key(form, name)
    usual: int = getattr(SweepForm, name)
    first_value(key, value)
    with st.container():
        typed = st.number_input(FIELDS[name], value=None, step=1, key=key, help=help, placeholder=str(usual))
        places[name] = st.container()
    return usual if typed is None else int(typed)


def _render_more(form: SweepForm, places: dict[str, DeltaGenerator]) -> None:
    with st.grid(3, min_column_width=220):
        key = _key(form, "name")
        first_value(key, form.name)
        form.name = st.text_input(
            "Name of the sweep", key=key, max_chars=MAX_NAME_CHARACTERS, placeholder="from its settings"
        ).strip()
        form.seed = _number(
            form, places, "seed", form.seed,
            "The same seed gives the same trials, as long as results come in the same order.",
        )  # fmt: skip
        key = _key(form, "reuse")
        first_value(key, form.reuse)
        form.reuse = st.toggle(
            "Use runs that exist already", key=key,
            help="Runs with exactly these settings count as trials and are not trained again.",
        )  # fmt: skip


def _key(form: SweepForm, name: str) -> str:
    return f"sweep-{form.generation}-{name}"
