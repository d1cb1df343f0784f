"""The card that starts a run: its name, what you expect of it, and why it cannot start yet."""

import streamlit as st

from core.config import ExperimentConfig
from core.datasets.lookup import check_dataset, find_dataset
from core.design.architecture import Architecture
from core.design.hints import advise
from core.design.muon import check_optimizer
from core.errors import ConfigError, UserError
from core.formatting import count_of
from core.store.notes import MAX_NOTE_CHARACTERS
from core.store.records import MAX_NAME_CHARACTERS, RunRequest
from pages.components.design.drafts import EXPECTATION, RUN_NAME
from pages.components.design.plan import NetworkPlan, render_refusal
from pages.components.kit import session
from pages.components.kit.starting import open_runs, start_run
from pages.components.kit.text import EXPECTATION_EXAMPLE, error_text, literal


def find_data_problem(config: ExperimentConfig) -> UserError | None:
    """Why a run would have nothing to train on, if so."""
    try:
        check_dataset(session.services().workspace, config.dataset)
    except UserError as error:
        return error
    return None


def render_start(
    config: ExperimentConfig,
    plan: NetworkPlan,
    data_problem: UserError | None,
    start_problem: ConfigError | None,
) -> None:
    """The name, the expectation and the button; below it, why it cannot start, or hints.

    `data_problem` says why the data cannot be used, `start_problem` why the weights to start from cannot.
    """
    network = plan.network
    reasons = session.refused_in_words() + _optimizer_problem(config, network)
    reasons += [error_text(start_problem)] if start_problem else []
    refused = data_problem is not None or bool(reasons)
    with st.container(border=True):
        st.text_input(
            "Name of the run", key=RUN_NAME, max_chars=MAX_NAME_CHARACTERS, placeholder="numbered automatically",
            persist_state="session", on_change=_keep_typed,
        )  # fmt: skip
        render_expectation_field()
        with st.container(key="design-start", gap="xsmall"):
            st.caption(size_in_words(plan))
            start = st.button(
                "Start training",
                type="primary",
                icon=":material/play_arrow:",
                disabled=network is None or refused,
                width="stretch",
            )
        # While a value is refused, the network is still the one before it.
        if plan.problem is not None and not reasons:
            render_refusal(config, plan, "start", "This network cannot be built. ")
        if refused:
            # Repeated here, because the field may be in a closed section.
            why = " ".join(reasons) or "See the message below the field."
            fields = "Invalid value" if len(reasons) < 2 else f"{len(reasons)} invalid values"
            st.markdown(f":small[:red[{fields}. {literal(why)}]]")
        elif network is not None:
            num_train = config.dataset.num_train or _dataset_size(config)
            for hint in advise(config, network, plan.image_size, num_train):
                st.caption(f":material/lightbulb: {literal(hint.text)}")
                if hint.changes:
                    st.button(
                        hint.title, key=f"hint-{hint.title}", on_click=session.alter_design,
                        args=(config.with_values(hint.changes),),
                    )  # fmt: skip
        if start:
            _start(config)


def size_in_words(plan: NetworkPlan) -> str:
    """`744,874 parameters in 13 layers`, or where it ends: this stays beside the button on a phone."""
    if plan.problem is not None:
        return f"Ends at {plan.problem.layer}: {plan.problem.reason}"
    assert plan.network is not None
    layers = count_of(len(plan.network.layers), "layer")
    return f"{count_of(plan.network.parameters, 'parameter')} in {layers}"


def _optimizer_problem(config: ExperimentConfig, network: Architecture | None) -> list[str]:
    """Why the optimizer has nothing to train in this network, if so."""
    try:
        if network is not None:
            check_optimizer(config.optimizer, network)
    except ConfigError as error:
        return [error_text(error)]
    return []


def _dataset_size(config: ExperimentConfig) -> int:
    return find_dataset(session.services().workspace, config.dataset.id).num_train


def _keep_typed() -> None:
    session.describe_draft(session.widget_text(RUN_NAME), session.widget_text(EXPECTATION))


def _start(config: ExperimentConfig) -> None:
    name = session.widget_text(RUN_NAME).strip() or None
    request = RunRequest(config, name, session.design_preset(), expectation=session.widget_text(EXPECTATION))
    run = start_run(session.services(), request)
    if run is not None:
        session.reset_widget(RUN_NAME)
        session.reset_widget(EXPECTATION)
        session.describe_draft("", "")
        open_runs(run)


def render_expectation_field() -> None:
    """The expectation, on Design. The text stays until a run starts with it."""
    st.text_area(
        "What do you expect? (optional)", key=EXPECTATION, max_chars=MAX_NOTE_CHARACTERS,
        placeholder=EXPECTATION_EXAMPLE, height=68, persist_state="session", on_change=_keep_typed,
        help="Saved in the notebook. It cannot be changed after the first epoch.",
    )  # fmt: skip
