"""The card that starts a run: its name, what you expect of it, and why it cannot start yet."""

import streamlit as st

from core.config import ExperimentConfig
from core.config.labels import label_of
from core.datasets.lookup import check_dataset, dataset_shape, find_dataset
from core.design.architecture import Architecture, describe_network
from core.design.hints import advise
from core.design.muon import check_optimizer
from core.errors import ConfigError, UserError
from core.runs.start import start_experiment
from core.store.notes import MAX_NOTE_CHARACTERS
from core.store.records import MAX_NAME_CHARACTERS, RunRequest
from pages.components.kit import session
from pages.components.kit.starting import open_runs, try_to_start
from pages.components.kit.text import EXPECTATION_EXAMPLE, literal

RUN_NAME = "run-name"
EXPECTATION = "run-expectation"


def find_data_problem(config: ExperimentConfig) -> UserError | None:
    """Why a run would have nothing to train on, if so."""
    try:
        check_dataset(session.services().workspace, config.dataset)
    except UserError as error:
        return error
    return None


def network_of(config: ExperimentConfig) -> tuple[Architecture | None, int, ConfigError | None]:
    """The network, the picture's smaller side, and why it cannot be built, if so."""
    try:
        image_shape, num_classes = dataset_shape(session.services().workspace, config.dataset)
    except UserError:
        image_shape, num_classes = (32, 32, 3), 10
    try:
        return describe_network(config.model, image_shape, num_classes), min(image_shape[:2]), None
    except ConfigError as error:
        return None, min(image_shape[:2]), error


def render_start(
    config: ExperimentConfig, network: Architecture | None, image_size: int, data_problem: UserError | None,
    problem: ConfigError | None,
) -> None:  # fmt: skip
    """The name, the expectation and the button; below it, why it cannot start, or hints.

    `data_problem` and `problem` say why the data, or the network, cannot be used; `image_size` is the smaller side.
    """
    reasons = session.refused_in_words() + _optimizer_problem(config, network)
    refused = data_problem is not None or bool(reasons)
    with st.container(border=True):
        st.text_input(
            "Name of the run", key=RUN_NAME, max_chars=MAX_NAME_CHARACTERS, placeholder="numbered automatically",
            persist_state="session",
        )  # fmt: skip
        render_expectation_field()
        start = st.button(
            "Start training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=network is None or refused,
            width="stretch",
        )
        # While a value is refused, the network is still the one before it.
        if problem is not None and not reasons:
            st.error(f"This network cannot be built. {literal(problem.message)}", icon=":material/block:")
        if refused:
            # Repeated here, because the field may be in a closed section.
            why = " ".join(reasons) or "See the message below the field."
            fields = "Invalid value" if len(reasons) < 2 else f"{len(reasons)} invalid values"
            st.markdown(f":small[:red[{fields}. {literal(why)}]]")
        elif network is not None:
            num_train = config.dataset.num_train or _dataset_size(config)
            for hint in advise(config, network, image_size, num_train):
                st.caption(f":material/lightbulb: {literal(hint.text)}")
                if hint.changes:
                    st.button(
                        hint.title, key=f"hint-{hint.title}", on_click=session.alter_design,
                        args=(config.with_values(hint.changes),),
                    )  # fmt: skip
        if start:
            _start(config)


def _optimizer_problem(config: ExperimentConfig, network: Architecture | None) -> list[str]:
    """Why the optimizer has nothing to train in this network, if so."""
    try:
        if network is not None:
            check_optimizer(config.optimizer, network)
    except ConfigError as error:
        return [f"{label_of(error.field)}: {error.message}"]
    return []


def _dataset_size(config: ExperimentConfig) -> int:
    return find_dataset(session.services().workspace, config.dataset.id).num_train


def _start(config: ExperimentConfig) -> None:
    workspace = session.services().workspace
    name = session.widget_text(RUN_NAME).strip() or None
    preset, token = session.design_preset(), session.idempotency_token(config, name)
    request = RunRequest(config, name, preset, token, expectation=session.widget_text(EXPECTATION))
    run = try_to_start(lambda: start_experiment(workspace, request))
    if run is not None:
        session.reset_widget(RUN_NAME)
        session.reset_widget(EXPECTATION)
        open_runs(run)


def render_expectation_field() -> None:
    """The expectation, on Design. The text stays until a run starts with it."""
    st.text_area(
        "What do you expect? (optional)", key=EXPECTATION, max_chars=MAX_NOTE_CHARACTERS,
        placeholder=EXPECTATION_EXAMPLE, height=68, persist_state="session",
        help="Saved in the notebook. It cannot be changed after the first epoch.",
    )  # fmt: skip
