"""Data, optimizer and training settings of the draft."""

import streamlit as st

from core.config import ExperimentConfig
from core.config.optimizer import OPTIMIZERS, SCHEDULES
from core.config.training import PRECISIONS
from core.datasets.storage import DatasetInfo
from core.errors import ConfigError, DatasetError, UserError
from pages.components.design.fields import (
    choice_field,
    integer_field,
    number_field,
    optional_field,
    render_problem,
    slider_field,
    toggle_field,
)

SCHEDULE_NAMES = {
    "constant": "constant",
    "cosine": "cosine: falls smoothly",
    "one_cycle": "one cycle: up, then down",
    "triangular": "triangular: straight up, then straight down",
    "step": "step: falls now and then",
    "plateau": "plateau: falls when stuck",
}


def render_data(config: ExperimentConfig, datasets: list[DatasetInfo], problem: UserError | None) -> None:
    """The data set and how much of it, with what is wrong below the field that it is about."""
    columns = st.columns(2)
    with columns[0]:
        _render_dataset(config, datasets)
        if isinstance(problem, DatasetError):
            render_problem(str(problem))
            st.page_link("datasets.py", label="Data sets", icon=":material/photo_library:")
    with columns[1]:
        optional_field(
            config, "dataset.num_train", "Training pictures", step=500, empty="all",
            help="Fewer pictures are quicker and overfit sooner. Smaller sets lie inside larger ones. Empty: all.",
        )  # fmt: skip
        if isinstance(problem, ConfigError):
            render_problem(problem.message)
    slider_field(
        config, "dataset.label_noise", "Label noise", step=0.05, usual=0.5,
        help="So many of the training labels are made wrong on purpose, drawn by the seed. What the network learns of "
        "them it can only learn by heart. The true labels are kept for measuring: the run's page shows how many it has "
        "memorised. Validation labels stay as they are.",
    )  # fmt: skip


def _render_dataset(config: ExperimentConfig, datasets: list[DatasetInfo]) -> None:
    titles = {info.id: info.title + _state(info) for info in datasets}
    titles.setdefault(config.dataset.id, f"{config.dataset.id} (not here)")
    choice_field(config, "dataset.id", "Data set", tuple(titles), names=titles)


def _state(info: DatasetInfo) -> str:
    if info.state == "damaged":
        return " (damaged)"
    return "" if info.state == "ready" or info.id == "shapes" else " (to be downloaded)"


def render_basics(config: ExperimentConfig) -> None:
    """What everybody sets."""
    with st.grid(3, min_column_width=140):
        with st.container():
            number_field(
                config, "optimizer.learning_rate", "Learning rate", step=0.0005,
                help="How far each step goes: too high and the loss jumps, too low and it hardly falls.",
            )  # fmt: skip
        with st.container():
            integer_field(
                config, "training.epochs", "Epochs",
                help="How often the network goes through the training pictures.",
            )  # fmt: skip
        with st.container():
            integer_field(
                config, "training.batch_size", "Batch size", step=16,
                help="How many pictures each step learns from.",
            )  # fmt: skip


def render_optimizer(config: ExperimentConfig) -> None:
    """The optimizer, its schedule and regularisation."""
    with st.grid(3, min_column_width=150):
        with st.container():
            choice_field(
                config, "optimizer.name", "Optimizer", OPTIMIZERS,
                help="How each step is made from the gradients. Adam finds a fitting length for each weight by "
                "itself; SGD takes the learning rate as it is, and wants a higher one.",
            )  # fmt: skip
        with st.container():
            choice_field(
                config, "optimizer.schedule", "Learning rate's course", SCHEDULES, names=SCHEDULE_NAMES,
                help="Long steps find the region, short ones the bottom: most courses lower the rate towards the end.",
            )  # fmt: skip
        with st.container():
            number_field(
                config, "optimizer.weight_decay", "Weight decay", step=0.0005,
                help="Pulls weights towards zero at each step.",
            )  # fmt: skip
        with st.container():
            number_field(
                config, "optimizer.label_smoothing", "Label smoothing", step=0.05,
                help="Asks for a little less than certainty.",
            )  # fmt: skip
        with st.container():
            optional_field(
                config, "optimizer.gradient_clip_norm", "Gradient clipping", step=0.5,
                help="The longest step that a batch may ask for, as the gradients' global norm.",
            )  # fmt: skip
        with st.container():
            optional_field(
                config, "optimizer.weight_averaging", "Weight averaging", step=0.001,
                help="Measures and keeps a moving average of the weights with this momentum, such as 0.999.",
            )  # fmt: skip
        _render_schedule(config)


_MOMENTUM = (
    "How much of the former step goes into the next: 0.9 keeps nine tenths, which smooths the way downhill."
)
_FACTOR = "What the learning rate is multiplied by each time: 0.5 halves it."


def _render_schedule(config: ExperimentConfig) -> None:
    """Only what the chosen optimizer and schedule use."""
    schedule = config.optimizer.schedule
    if config.optimizer.name == "sgd":
        with st.container():
            number_field(config, "optimizer.momentum", "Momentum", step=0.05, help=_MOMENTUM)
        with st.container():
            toggle_field(
                config, "optimizer.nesterov", "Nesterov momentum",
                help="Looks at the gradient where momentum is about to lead, not where the weights are now.",
            )  # fmt: skip
    if schedule == "cosine":
        with st.container():
            integer_field(
                config, "optimizer.warmup_epochs", "Epochs of warm-up",
                help="So long the learning rate rises from nothing: the first gradients are the least reliable.",
            )  # fmt: skip
    if schedule == "step":
        with st.container():
            integer_field(
                config, "optimizer.step_epochs", "Epochs a step",
                help="After so many epochs the learning rate is multiplied by the factor, again and again.",
            )  # fmt: skip
    if schedule == "plateau":
        with st.container():
            integer_field(
                config, "optimizer.plateau_patience", "Epochs to wait",
                help="When validation loss has not fallen for so many epochs, the learning rate is multiplied by the "
                "factor.",
            )  # fmt: skip
    if schedule in ("step", "plateau"):
        with st.container():
            number_field(config, "optimizer.step_factor", "Factor", step=0.05, help=_FACTOR)


def render_details(config: ExperimentConfig) -> None:
    """What few people change."""
    with st.grid(3, min_column_width=150):
        with st.container():
            number_field(
                config, "training.steps_per_epoch_multiple", "Epoch as a multiple of the data",
                step=0.5,
                help="1 shows each picture once an epoch. Other values draw that many times the data with replacement.",
            )  # fmt: skip
        with st.container():
            optional_field(
                config, "training.early_stopping_patience", "Early stopping after", step=1,
                help="Ends the run when validation loss has not fallen for so many epochs.",
            )  # fmt: skip
        with st.container():
            integer_field(config, "seed", "Seed", help="Another seed, another start.")
        with st.container():
            number_field(
                config, "model.batch_norm_momentum", "Batch normalisation's momentum", step=0.01,
                help="How slowly its running statistics follow. 0.99 is Keras's; 0.9 suits few steps an epoch.",
            )  # fmt: skip
        with st.container():
            toggle_field(
                config, "training.test_time_flip", "Answer to the mirror image too",
                help="What is measured and saved gives the mean of its answers to a picture and to its mirror image: "
                "often a little better, and twice the work. Training stays as it is.",
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
                config, "training.num_gpus", "GPUs",
                help="Above 1, each gets an equal share of every batch.",
            )  # fmt: skip
        with st.container():
            optional_field(
                config, "dataset.image_size", "Image size", step=8, empty="as stored",
                help="Resizes pictures to a square of so many pixels. Empty: as they are stored.",
            )  # fmt: skip
        with st.container():
            toggle_field(
                config,
                "training.deterministic",
                "Repeatable",
                help="The same seed gives the same curve on this machine.",
            )
