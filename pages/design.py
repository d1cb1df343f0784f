"""Design: put a network and its training together, see every layer's shape, and start."""

import json
import shlex

import streamlit as st

from core.config import ExperimentConfig, differences
from core.datasets.lookup import check_dataset, dataset_shape, find_dataset
from core.datasets.storage import list_datasets
from core.design.architecture import Architecture, describe
from core.design.hints import advise
from core.design.presets import PRESETS
from core.errors import ConfigError, UserError
from core.runs.start import start_experiment
from core.store.records import MAX_NAME_CHARACTERS
from pages.components.drafts import ensure_draft, load_preset
from pages.components.form_fields import folded_fields
from pages.components.form_network import render_blocks, render_head
from pages.components.form_training import render_basics, render_data, render_details, render_optimizer
from pages.components.kit import session
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import literal
from pages.components.network_view import render_network
from pages.components.preflight_card import render_preflight
from pages.components.run_note import EXPECTATION, render_expectation_field

MAX_PASTED = 1_000_000
RUN_NAME = "run-name"


def main() -> None:
    """The page."""
    st.title("Design", anchor=False)
    services = session.services()
    config = ensure_draft(services)
    data_problem = _data_problem(config)
    network, image_size, problem = _network(config)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _render_presets()
        st.subheader("Data", anchor=False)
        render_data(config, list_datasets(services.workspace), data_problem)
        st.subheader("Convolution blocks", anchor=False)
        render_blocks(config, network, problem)
        st.subheader("Head", anchor=False)
        render_head(config, problem)
        st.subheader("Training", anchor=False)
        render_basics(config)
        _render_augmentation(config)
        folded_fields("Optimizer and regularisation", "more-of-optimizer", lambda: render_optimizer(config))
        folded_fields("Details", "more-details", lambda: render_details(config))
    with right:
        # Drawn after the fields, so that it knows of all that they refuse.
        _render_start(config, network, image_size, data_problem, problem)
        can_start = network is not None and data_problem is None and not session.errors_stand()
        render_preflight(services, config, can_start=can_start)
        if network is not None:
            render_network(network, image_size)
        render_folded("As text: JSON and command line", "as-text", lambda: _render_as_text(config))


def _data_problem(config: ExperimentConfig) -> UserError | None:
    """Why a run would have nothing to train on, if so."""
    try:
        check_dataset(session.services().workspace, config.dataset)
    except UserError as error:
        return error
    return None


def _network(config: ExperimentConfig) -> tuple[Architecture | None, int, ConfigError | None]:
    """The network, the picture's smaller side, and why it cannot be built, if so."""
    try:
        image_shape, num_classes = dataset_shape(session.services().workspace, config.dataset)
    except UserError:
        image_shape, num_classes = (32, 32, 3), 10
    try:
        return describe(config.model, image_shape, num_classes), min(image_shape[:2]), None
    except ConfigError as error:
        return None, min(image_shape[:2]), error


def _render_presets() -> None:
    names = list(PRESETS)
    current = session.design_preset()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Begin with", names, index=names.index(current) if current in names else None,
            format_func=lambda name: PRESETS[name].title
            + (" – goes wrong on purpose" if PRESETS[name].known_bad else ""),
            placeholder="A preset", key=f"preset-{session.design_generation()}",
            help="Loads a whole design. What you changed before is replaced.",
        )  # fmt: skip
        st.button(
            "Reset", icon=":material/undo:", on_click=session.reset_design,
            help="Undoes every change since this design was loaded.",
        )  # fmt: skip
    if chosen and chosen != current:
        load_preset(session.services(), chosen)
        st.rerun()
    if chosen:
        st.caption(literal(PRESETS[chosen].commentary))


def _render_augmentation(config: ExperimentConfig) -> None:
    changed = [
        f"{path.removeprefix('augmentation.').replace('_', ' ')} {_shown(value)}"
        for path, _, value in differences(ExperimentConfig(), config)
        if path.startswith("augmentation.")
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        active = config.augmentation.is_active
        st.markdown(f"**Augmentation**: {literal(', '.join(changed)) if active else 'off'}", width="stretch")
        st.page_link("augment.py", label="Change and preview", icon=":material/auto_awesome_motion:")


def _shown(value: object) -> str:
    return "on" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def _render_start(
    config: ExperimentConfig, network: Architecture | None, image_size: int, data_problem: UserError | None,
    problem: ConfigError | None,
) -> None:  # fmt: skip
    refused = data_problem is not None or session.errors_stand()
    with st.container(border=True):
        st.text_input(
            "Name of the run", key=RUN_NAME, max_chars=MAX_NAME_CHARACTERS, placeholder="numbered by itself",
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
        if problem is not None:
            st.error(f"This network cannot be built. {literal(problem.message)}", icon=":material/block:")
        if refused:
            # Said here too, because the field may be folded away.
            why = "; ".join(session.refused_in_words()) or "what is wrong is said below it."
            st.markdown(f":small[:red[A field has a value that cannot be used: {literal(why)}]]")
        elif network is not None:
            num_train = config.dataset.num_train or _dataset_size(config)
            for hint in advise(config, network, image_size, num_train):
                st.caption(f":material/lightbulb: {literal(hint)}")
        if start:
            _start(config)


def _dataset_size(config: ExperimentConfig) -> int:
    return find_dataset(session.services().workspace, config.dataset.id).num_train


def _start(config: ExperimentConfig) -> None:
    workspace = session.services().workspace
    name = session.text_of(RUN_NAME).strip() or None
    try:
        run = start_experiment(
            workspace, config, name, session.design_preset(), session.idempotency_token(config, name),
            session.text_of(EXPECTATION),
        )  # fmt: skip
    except UserError as error:
        st.error(literal(str(error)), icon=":material/block:")
        return
    session.use_token()
    session.forget(RUN_NAME)
    session.forget(EXPECTATION)
    session.set_chosen_runs((run.id,))
    st.switch_page("runs.py", query_params={"run": run.id})


def _render_as_text(config: ExperimentConfig) -> None:
    st.caption("The same from a terminal:")
    st.code(_command(config), language="bash", wrap_lines=True)
    st.download_button(
        "Download config.json", config.to_json(indent=2), "config.json", "application/json",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    pasted = st.text_area(
        "Paste a config",
        key="pasted-config",
        placeholder="{ … }",
        max_chars=MAX_PASTED,
        persist_state="session",
    )
    # Never disabled: the text is sent when the field is left, so the click that leaves it must count.
    if st.button("Use it"):
        try:
            session.set_design_config(ExperimentConfig.from_json(pasted))
        except ConfigError as error:
            st.error(literal(str(error)) if pasted.strip() else "Paste a config into the field first.")
        else:
            session.flash("The pasted config is loaded.")
            st.rerun()


def _command(config: ExperimentConfig) -> str:
    """The shortest command line that starts this config."""
    name = session.design_preset()
    if name is None or name not in PRESETS:
        return "python -m core train --config config.json"
    changes = differences(PRESETS[name].config, config)
    shape = [(len(c.model.blocks), len(c.model.dense)) for c in (PRESETS[name].config, config)]
    if shape[0] != shape[1]:
        return "python -m core train --config config.json"
    assignments = [
        f"--set {shlex.quote(f'{path}={json.dumps(config.value(path))}')}" for path, _, _ in changes
    ]
    return " \\\n  ".join([f"python -m core train --preset {name}", *assignments])


main()
