"""Pictures of the test set to try a run on, with their true class."""

import hashlib
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.datasets.identity import check_same_data
from core.datasets.splits import validation_and_test
from core.datasets.storage import load_dataset
from core.errors import DatasetError
from core.inspection.looking import Asking
from core.server.services import Services
from pages.components.classify.cards import render_answers
from pages.components.classify.uploads import Picture, look_at
from pages.components.kit import session
from pages.components.kit.pictures import png_bytes
from pages.components.kit.text import error_text, literal

SAMPLES = 8
SEED = "sample_seed"


def are_samples_shown() -> bool:
    """Whether the visitor has asked for sample pictures."""
    return bool(session.widget_value(SEED))


def draw_samples() -> None:
    """Other sample pictures from now on."""
    session.set_widget(SEED, session.widget_value(SEED, 0) + 1)


def render_samples(services: Services, asking: Asking) -> None:
    """Test pictures of the page's own run with their true class. It was neither trained on them nor chosen by them."""
    run = asking.runs[0]
    st.subheader("Sample pictures", anchor=False)
    try:
        check_same_data(services.workspace, run)
        dataset = load_dataset(services.workspace, run.dataset)
    except DatasetError as error:
        st.warning(
            f"Sample pictures are not available. {literal(error_text(error))}",
            icon=":material/photo_library:",
        )
        return
    _, test = validation_and_test(np.asarray(dataset.y_test), dataset.num_validation)
    count = min(SAMPLES, len(test))
    chosen = np.random.default_rng(session.widget_value(SEED)).choice(test, count, replace=False)
    pictures = [_sample(dataset.x_test[index], int(index)) for index in chosen]
    with st.spinner("Classifying the sample pictures…"):
        looked = [each for part in look_at(replace(asking, crop="stretch"), pictures) for each in part]
    truths = [dataset.class_names[int(dataset.y_test[index])] for index in chosen]
    right = sum(each.answer.best == truth for each, truth in zip(looked, truths, strict=True))
    st.caption(f"From the test set, never trained on: {right} of {count} right.")
    render_answers(services, asking.runs, looked, truths)


def _sample(pixels: NDArray[np.uint8], index: int) -> Picture:
    data = png_bytes(pixels)
    return Picture(f"{hashlib.sha256(data).hexdigest()}-{index}", f"test picture {index}", lambda: data)
