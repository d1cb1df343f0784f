"""Whose weights the draft starts from: the run, the frozen blocks, and what of it each layer takes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.config import ExperimentConfig
from core.design.starting_weights import LayerStart
from core.errors import ConfigError
from core.formatting import count_of, listed, percent
from core.runs.starting_weights import StartSource, can_be_source, check_fit, find_source, layers_taken
from core.server.services import Services
from core.store.records import Run
from pages.components.design.fields import choice_field, integer_field
from pages.components.design.plan import NetworkPlan
from pages.components.kit import session
from pages.components.kit.numbers import render_problem
from pages.components.kit.text import literal

START, FROZEN = "model.start_from", "model.frozen_blocks"
MOST_OFFERED = 200
MOST_NEW = 3  # the layer table has the others
# What makes two networks the same, layer for layer.
NETWORK = ("model.blocks", "model.head", "model.dense", "model.whitening")


@dataclass(frozen=True)
class DraftStart:
    """What the draft starts from, if it does: the run, what each layer takes, and why it cannot be."""

    source: StartSource | None = None
    layers: Mapping[str, LayerStart] = field(default_factory=dict)
    problem: ConfigError | None = None


def plan_draft_start(config: ExperimentConfig, plan: NetworkPlan) -> DraftStart:
    """Of a network that cannot be built, only whether the run is there."""
    if config.model.start_from is None:
        return DraftStart()
    source, layers = None, {}
    try:
        source = find_source(session.services().workspace, config.model.start_from)
        if plan.network is not None:
            taken = layers_taken(plan.network, source)
            layers = {each.name: each for each in taken}
            check_fit(plan.network, source, taken)
    except ConfigError as problem:
        return DraftStart(source, layers, problem)
    return DraftStart(source, layers)


def render_start_from(
    services: Services, config: ExperimentConfig, plan: NetworkPlan, start: DraftStart
) -> None:
    """The two fields, what is wrong with them, and in a line what is taken. Nothing while no run could be taken."""
    newest = services.store.list_runs(limit=MOST_OFFERED, alone_first=True)
    offered = [run for run in newest if can_be_source(run)]
    chosen = config.model.start_from
    if not offered and chosen is None:
        return
    if start.source is not None and all(run.id != chosen for run in offered):
        offered.append(start.source.run)
    titles: dict[Any, str] = {None: "Random weights", **titles_of(offered)}
    titles.setdefault(chosen, f"{chosen} (not available)")
    if chosen is None:
        choice_field(config, START, titles=titles)
        return
    left, right = st.columns([3, 1])
    with left:
        choice_field(config, START, titles=titles, also=lambda run_id: {} if run_id else {FROZEN: 0})
    with right:
        integer_field(config, FROZEN)
    if start.problem is not None:
        render_problem(start.problem.message)
    elif start.layers and plan.network is not None:
        st.caption(literal(taken_in_words(start, plan)))
    _render_network_button(config, start)


def titles_of(runs: Sequence[Run]) -> dict[str, str]:
    """Each run as the list shows it, by its id. Plain text, as a selectbox shows no Markdown, and each text once: it is
    what the browser sends back.
    """
    titles = {run.id: f"{run.name} ({run.dataset}, {percent(run.best_val_accuracy)})" for run in runs}
    often = Counter(titles.values())
    return {key: f"{title} {key}" if often[title] > 1 else title for key, title in titles.items()}


def taken_in_words(start: DraftStart, plan: NetworkPlan) -> str:
    """`4 of 5 layers with weights start from what “first” has learned. New: softmax (3 classes instead of 10). 3,082 of
    15,650 parameters are trained.`
    """
    assert start.source is not None and plan.network is not None
    new = [f"{each.name} ({each.reason})" for each in start.layers.values() if not each.taken]
    layers = f"{len(start.layers) - len(new):,} of {count_of(len(start.layers), 'layer')} with weights start"
    trained = f"{plan.network.trainable_parameters:,} of {count_of(plan.network.parameters, 'parameter')}"
    name = start.source.run.name
    return f"{layers} from what “{name}” has learned. New: {listed(new, MOST_NEW)}. {trained} are trained."


def weights_by_layer(start: DraftStart, plan: NetworkPlan) -> dict[str, str]:
    """For the layer table: `taken`, `frozen`, `new: 3 classes instead of 10`; empty without a run."""
    frozen = {layer.name for layer in plan.layers if layer.frozen}
    return {
        name: ("frozen" if name in frozen else "taken") if each.taken else f"new: {each.reason}"
        for name, each in start.layers.items()
    }


def _render_network_button(config: ExperimentConfig, start: DraftStart) -> None:
    """For a draft whose network is another one than that of the run."""
    source = None if start.source is None else start.source.run.readable_config
    if source is None or all(config.value(path) == source.value(path) for path in NETWORK):
        return
    st.button(
        "Use that run's network", key="take-network", icon=":material/account_tree:",
        help="Gives this design the blocks and the head of that run, so that all of its layers but the last fit.",
        on_click=session.alter_design,
        args=(config.with_values({FROZEN: 0, **{path: source.value(path) for path in NETWORK}}),),
    )  # fmt: skip
