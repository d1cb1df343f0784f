"""Augment, last view: the policy as Keras code, by layers or by the article's generator."""

import streamlit as st

from core.augmentation.generator_code import generator_code
from core.augmentation.keras_code import keras_code
from core.config import ExperimentConfig
from core.datasets.lookup import dataset_shape
from core.errors import UserError
from core.server.services import Services
from pages.components.augment.policy_form import render_policy
from pages.components.augment.run_choice import CODE, choose_part
from pages.components.kit.text import literal

MAKERS = {"layers": keras_code, "generator": generator_code}
TITLES = {"layers": "keras.layers", "generator": "ImageDataGenerator"}
WORDS = {
    "layers": "Keras's present way: layers, which a saved model carries along. Put them in front of your network.",
    "generator": "The article's way, which Keras still has but no longer develops. It varies pictures on the CPU, one "
    "after the other.",
}


def render_code(services: Services, config: ExperimentConfig) -> None:
    """The code, how it differs from training here, and the policy's fields beside it."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        way = choose_part(CODE, "As", TITLES, "augment-code")
        st.caption(WORDS[way])
        try:
            image_shape, _ = dataset_shape(services.workspace, config.dataset)
            channels = image_shape[2]
        except UserError:
            channels = 3
        found = MAKERS[way](config.augmentation, channels)
        st.code(found.text, language="python")
        if found.differences:
            st.markdown("**How it differs from training here**")
            st.markdown("\n".join(f"- {literal(sentence)}" for sentence in found.differences))
    with right:
        render_policy(config)
