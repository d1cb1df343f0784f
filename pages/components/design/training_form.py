"""Data, optimizer and training settings of the draft."""

import streamlit as st

from core.config import ExperimentConfig
from core.datasets.class_counts import unevenness_in_words
from core.datasets.splits import counts_for
from core.datasets.storage import DatasetInfo
from core.design.architecture import Architecture
from core.epoch_weights import BYTES_PER_WEIGHT, MOST_BYTES, epoch_ordinal, kept_count, spacing
from core.errors import ConfigError, DatasetError, UserError
from core.inspection.kept_epochs import megabytes
from pages.components.design.drawing import render_schedule
from pages.components.design.fields import (
    dataset_field,
    optional_field,
    render_grid,
    slider_field,
    toggle_field,
)
from pages.components.kit.numbers import render_problem
from pages.components.kit.session import services
from pages.components.kit.text import literal

# Each grid's settings in their order, with the step of a number's field.
BASICS = {"optimizer.learning_rate": 0.0005, "training.epochs": 1, "training.batch_size": 16}
OPTIMIZER = {
    "optimizer.name": 1,
    "optimizer.schedule": 1,
    "optimizer.weight_decay": 0.0005,
    "optimizer.label_smoothing": 0.05,
    "optimizer.gradient_clip_norm": 0.5,
    "optimizer.weight_averaging": 0.001,
}
# Settings that only one optimizer or schedule uses.
OF_OPTIMIZER: dict[str, dict[str, float]] = {
    "sgd": {"optimizer.momentum": 0.05, "optimizer.nesterov": 1},
    "muon": {"optimizer.muon_convolutions": 1},
}
OF_SCHEDULE: dict[str, dict[str, float]] = {
    "cosine": {"optimizer.warmup_epochs": 1},
    "step": {"optimizer.step_epochs": 1, "optimizer.step_factor": 0.05},
    "plateau": {"optimizer.plateau_patience": 1, "optimizer.step_factor": 0.05},
}
# Settings that only batch normalisation uses.
OF_BATCH_NORM: dict[str, float] = {"model.batch_norm_momentum": 0.01, "training.precise_batch_norm": 1}
DETAILS = {
    "training.steps_per_epoch_multiple": 0.5,
    "training.early_stopping_patience": 1,
    "seed": 1,
    "training.test_time_flip": 1,
    "training.precision": 1,
    "training.num_gpus": 1,
    "dataset.image_size": 8,
    "training.deterministic": 1,
}


def render_data(config: ExperimentConfig, datasets: list[DatasetInfo], problem: UserError | None) -> None:
    """The data set and how much of it, with what is wrong below the field that it is about."""
    columns = st.columns(2)
    with columns[0]:
        dataset_field(config, datasets)
        if hint := unevenness_in_words(counts_for(services().workspace, config.dataset) or ()):
            st.caption(f":material/lightbulb: {literal(hint)}")
        if isinstance(problem, DatasetError):
            render_problem(str(problem))
            st.page_link("datasets.py", label="Data sets", icon=":material/photo_library:")
    with columns[1]:
        size = next((info.num_train for info in datasets if info.id == config.dataset.id), None)
        empty = f"all {size:,}" if size else None
        optional_field(config, "dataset.num_train", step=500, empty=empty)
        if isinstance(problem, ConfigError):
            render_problem(problem.message)
    slider_field(config, "dataset.label_noise", step=0.05, usual=0.5)


def render_basics(config: ExperimentConfig, network: Architecture | None) -> None:
    """What everybody sets, how the learning rate goes, and what it costs to keep the weights of every epoch."""
    render_grid(config, BASICS, width=140)
    render_schedule(config)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        toggle_field(config, "training.keep_epoch_weights")
        if network is not None and config.training.keep_epoch_weights:
            st.caption(kept_in_words(network, config.training.epochs), width="content")


def kept_in_words(network: Architecture, epochs: int) -> str:
    """`Takes 300 MB of the disk: 1.5 MB per epoch.` Where that is too much, which epochs are kept."""
    each = BYTES_PER_WEIGHT * network.parameters
    every = spacing(epochs, each)
    total, single = megabytes(each * kept_count(epochs, every)), megabytes(each)
    if every == 1:
        return f"Takes {total} of the disk: {single} per epoch."
    return (
        f"Takes {total} of the disk: {single} for {epoch_ordinal(every)}, the first, the best and the last. All "
        f"{epochs:,} would take over {megabytes(MOST_BYTES)}."
    )


def render_optimizer(config: ExperimentConfig) -> None:
    """The optimizer, its schedule and regularisation, and only what the chosen optimizer and schedule use."""
    used = OF_OPTIMIZER.get(config.optimizer.name, {}) | OF_SCHEDULE.get(config.optimizer.schedule, {})
    render_grid(config, OPTIMIZER | used)


def render_details(config: ExperimentConfig) -> None:
    """What few people change."""
    has_batch_norm = any(block.batch_norm for block in config.model.blocks)
    render_grid(config, DETAILS | (OF_BATCH_NORM if has_batch_norm else {}))
