"""Augment, second view: a batch exactly as training makes it."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.augmentation.batch_document import Batch, label_shares
from core.config import ExperimentConfig
from core.datasets.identity import check_same_data
from core.datasets.lookup import check_dataset
from core.datasets.prepare import ensure_dataset
from core.errors import UserError
from core.server.services import Services
from core.store.records import Run
from pages.components.augment.policy_form import render_policy
from pages.components.augment.run_choice import choose_run
from pages.components.kit.cache import forget_answer, last_answer
from pages.components.kit.pictures import render_pixels
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import error_text, literal

SHOWN = 32
PICTURE_SIDE = 192
LEAST_WIDTH = 136  # two beside each other on a phone
TICK_SECONDS = 0.2
LAST = "augment-batch"
# Smaller shares of a mixed label would be shown as 0 %.
SMALLEST_SHOWN_SHARE = 0.005


def render_batch(services: Services, draft: ExperimentConfig, runs: Sequence[Run]) -> None:
    """A batch of the design, with the fields of its policy beside it, or of a run."""
    left, right = st.columns([3, 2], gap="large")
    with left, st.container(horizontal=True, vertical_alignment="bottom"):
        run = choose_run(
            [run for run in runs if run.unreadable is None], "Design or run", otherwise="This design",
            help="Your current design, or any run, finished or not.",
        )  # fmt: skip
        config = draft if run is None else run.trained_config
        try:
            if run is not None:
                check_same_data(services.workspace, run)
            check_dataset(services.workspace, config.dataset)
            num_train = config.dataset.num_train or len(_stored_labels(services, config))
        except UserError as error:
            st.error(literal(error_text(error)), icon=":material/photo_library:")
            num_train = None
        steps = config.training.steps_per_epoch(num_train) if num_train else 1
        epoch = _choose_number("Epoch", config.training.epochs)
        step = _choose_number("Step", steps)
    with right:
        if run is None:
            render_policy(draft)
        else:
            st.caption(
                "A run's policy cannot be changed. Choose “This design” to edit the policy of the design."
            )
    if num_train is None:
        return
    with left:
        waits = _batch_of(services, config, epoch, step) is None
        draw_ticking(
            _draw, services, config, epoch, step, steps, waits, every=TICK_SECONDS if waits else None
        )  # fmt: skip


def _draw(
    services: Services, config: ExperimentConfig, epoch: int, step: int, steps: int, waits: bool
) -> None:
    """The batch, as soon as the engine has made it."""
    batch = _batch_of(services, config, epoch, step)
    if waits and batch is not None:
        st.rerun()  # polling ends with the whole page
    if isinstance(batch, str):
        st.error(literal(batch), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", on_click=forget_answer, args=(LAST,))
        return
    if batch is None:
        st.caption(":material/hourglass_empty: Making the batch…")
        st.skeleton(height=3 * LEAST_WIDTH)
        return
    st.caption(
        f"Epoch {epoch:,} of {config.training.epochs:,}, step {step:,} of {steps:,}: "
        f"{_count(batch)}, made by the code that trains. With seed {config.seed}, this epoch and step give exactly "
        "these pictures every time, here and in training."
    )
    with st.grid(4, min_column_width=LEAST_WIDTH):
        for place, pixels in enumerate(batch.images):
            _render_picture(batch, place, pixels)


def _batch_of(services: Services, config: ExperimentConfig, epoch: int, step: int) -> Batch | str | None:
    """The engine's answer, or in a sentence what went wrong; None until it is there."""
    asked = ("batch", str(services.workspace.root), config.config_id, epoch, step, _version(services, config))
    found: Batch | str | None = last_answer(
        LAST, asked, lambda: services.engine.batch(config, epoch - 1, step - 1, SHOWN)
    )
    return found


def _render_picture(batch: Batch, place: int, pixels: NDArray[np.uint8]) -> None:
    drawn = " · ".join(batch.captions[place].values()) or "unchanged"
    label = label_in_words(batch.labels[place], batch.class_names)
    wrong = batch.corrupted[place]
    said = " (a wrong label, on purpose)" if wrong else ""
    with st.container(gap="xsmall"):
        render_pixels(pixels, PICTURE_SIDE, width="stretch", alt=f"{label}{said}: {drawn}")
        mark = ":orange[:material/label_off: wrong on purpose]  \n" if wrong else ""
        st.markdown(f":small[**{literal(label)}**]  \n{mark}:small[:gray[{drawn}]]")


def label_in_words(label: NDArray[np.float32], class_names: tuple[str, ...]) -> str:
    """`circle`, or of a mixed one `62 % circle, 38 % square`."""
    shares = {
        name: share
        for name, share in label_shares(label, class_names).items()
        if share >= SMALLEST_SHOWN_SHARE
    }
    if len(shares) == 1:
        return next(iter(shares))
    return ", ".join(f"{100 * share:.0f} % {name}" for name, share in shares.items())


def _count(batch: Batch) -> str:
    if len(batch.images) == batch.pictures:
        return f"{batch.pictures:,} pictures"
    return f"the first {len(batch.images)} of {batch.pictures:,} pictures"


def _choose_number(label: str, most: int) -> int:
    # A number beyond the range of another config would be an error: each range has its own widget.
    number = st.number_input(
        label, 1, most, 1, key=f"batch-{label.lower()}-{most}", width=130, persist_state="session"
    )
    return int(number)


def _stored_labels(services: Services, config: ExperimentConfig) -> NDArray[np.int64]:
    return ensure_dataset(services.workspace, config.dataset.id).y_train


def _version(services: Services, config: ExperimentConfig) -> float:
    """Changes when the data set is replaced."""
    return (services.workspace.datasets / config.dataset.id / "dataset.json").stat().st_mtime
