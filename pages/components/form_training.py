"""Data, optimizer and training settings of the draft."""

import streamlit as st

from core.config import ExperimentConfig
from core.config.optimizer import OPTIMIZERS, SCHEDULES
from core.config.training import PRECISIONS
from core.datasets.storage import DatasetInfo
from pages.components.form_fields import (
    choice_field,
    integer_field,
    number_field,
    optional_field,
    toggle_field,
)

SCHEDULE_NAMES = {
    "constant": "constant",
    "cosine": "cosine: falls smoothly to nothing",
    "one_cycle": "one cycle: up, then down",
    "step": "step: falls every few epochs",
    "plateau": "plateau: falls when it stands still",
}


def render_data(config: ExperimentConfig, datasets: list[DatasetInfo]) -> None:
    """The data set and how much of it."""
    columns = st.columns(2)
    with columns[0]:
        _render_dataset(config, datasets)
    with columns[1]:
        found = next((info for info in datasets if info.id == config.dataset.id), None)
        most = found.num_train if found else 10_000_000
        optional_field(
            config, "dataset.num_train", "Training pictures", low=1, high=max(most, config.dataset.num_train or 1),
            step=500, whole=True,
            help="Fewer pictures are quicker and overfit sooner. Smaller sets lie inside larger ones. Empty: all.",
        )  # fmt: skip


def _render_dataset(config: ExperimentConfig, datasets: list[DatasetInfo]) -> None:
    titles = {info.id: info.title + ("" if _at_hand(info) else " (to be downloaded)") for info in datasets}
    titles.setdefault(config.dataset.id, f"{config.dataset.id} (not here)")
    choice_field(config, "dataset.id", "Data set", tuple(titles), names=titles)


def _at_hand(info: DatasetInfo) -> bool:
    return info.state == "ready" or info.id == "shapes"


def render_basics(config: ExperimentConfig) -> None:
    """What everybody sets."""
    with st.grid(3, min_column_width=140):
        with st.container():
            number_field(
                config, "optimizer.learning_rate", "Learning rate", low=1e-8, high=10.0, step=0.0005,
                help="How far each step goes: too high and the loss jumps, too low and it hardly falls.",
            )  # fmt: skip
        with st.container():
            integer_field(
                config, "training.epochs", "Epochs", low=1, high=100_000,
                help="How often the network goes through the training pictures.",
            )  # fmt: skip
        with st.container():
            integer_field(
                config, "training.batch_size", "Batch size", low=1, high=65_536, step=16,
                help="How many pictures each step learns from.",
            )  # fmt: skip


def render_optimizer(config: ExperimentConfig) -> None:
    """The optimizer, its schedule and regularisation."""
    with st.grid(3, min_column_width=150):
        with st.container():
            choice_field(config, "optimizer.name", "Optimizer", OPTIMIZERS)
        with st.container():
            choice_field(
                config, "optimizer.schedule", "Learning rate's course", SCHEDULES, names=SCHEDULE_NAMES
            )
        with st.container():
            number_field(
                config, "optimizer.weight_decay", "Weight decay", low=0.0, high=1.0, step=0.0005,
                help="Pulls weights towards zero at each step.",
            )  # fmt: skip
        with st.container():
            number_field(
                config, "optimizer.label_smoothing", "Label smoothing", low=0.0, high=0.9, step=0.05,
                help="Asks for a little less than certainty.",
            )  # fmt: skip
        with st.container():
            optional_field(
                config, "optimizer.gradient_clip_norm", "Gradient clipping", low=0.001, high=1e6, step=0.5,
                help="The longest step that a batch may ask for, as the gradients' global norm.",
            )  # fmt: skip
        with st.container():
            optional_field(
                config, "optimizer.weight_averaging", "Weight averaging", low=0.5, high=0.99999, step=0.001,
                help="Measures and keeps a moving average of the weights with this momentum, such as 0.999.",
            )  # fmt: skip
        _render_schedule(config)


def _render_schedule(config: ExperimentConfig) -> None:
    """Only what the chosen optimizer and schedule use."""
    schedule = config.optimizer.schedule
    if config.optimizer.name == "sgd":
        with st.container():
            number_field(config, "optimizer.momentum", "Momentum", low=0.0, high=0.9999, step=0.05)
        with st.container():
            toggle_field(config, "optimizer.nesterov", "Nesterov momentum")
    if schedule == "cosine":
        with st.container():
            integer_field(config, "optimizer.warmup_epochs", "Epochs of warm-up", low=0, high=1000)
    if schedule == "step":
        with st.container():
            integer_field(config, "optimizer.step_epochs", "Epochs a step", low=1, high=10_000)
    if schedule == "plateau":
        with st.container():
            integer_field(config, "optimizer.plateau_patience", "Epochs to wait", low=1, high=1000)
    if schedule in ("step", "plateau"):
        with st.container():
            number_field(config, "optimizer.step_factor", "Factor", low=0.01, high=0.99, step=0.05)


def render_details(config: ExperimentConfig) -> None:
    """What few people change."""
    with st.grid(3, min_column_width=150):
        with st.container():
            number_field(
                config, "training.steps_per_epoch_multiple", "Epoch as a multiple of the data", low=0.01, high=100.0,
                step=0.5,
                help="1 shows each picture once an epoch. Other values draw that many times the data with replacement.",
            )  # fmt: skip
        with st.container():
            optional_field(
                config, "training.early_stopping_patience", "Early stopping after", low=1, high=100_000, step=1,
                whole=True, help="Ends the run when validation loss has not fallen for so many epochs.",
            )  # fmt: skip
        with st.container():
            integer_field(config, "seed", "Seed", low=0, high=2**31 - 1, help="Another seed, another start.")
        with st.container():
            number_field(
                config, "model.batch_norm_momentum", "Batch normalisation's momentum", low=0.0, high=0.9999, step=0.01,
                help="How slowly its running statistics follow. 0.99 is Keras's; 0.9 suits few steps an epoch.",
            )  # fmt: skip
        with st.container():
            choice_field(
                config,
                "training.precision",
                "Precision",
                PRECISIONS,
                help="Half precision is faster on most GPUs only.",
            )
        with st.container():
            integer_field(
                config, "training.num_gpus", "GPUs", low=1, high=64,
                help="Above 1, each gets an equal share of every batch.",
            )  # fmt: skip
        with st.container():
            optional_field(
                config, "dataset.image_size", "Image size", low=8, high=256, step=8, whole=True,
                help="Resizes pictures to a square of so many pixels. Empty: as they are stored.",
            )  # fmt: skip
        with st.container():
            number_field(
                config, "dataset.label_noise", "Label noise", low=0.0, high=1.0, step=0.05,
                help="The share of training labels that are made wrong on purpose.",
            )  # fmt: skip
        with st.container():
            toggle_field(
                config,
                "training.deterministic",
                "Repeatable",
                help="The same seed gives the same curve on this machine.",
            )
