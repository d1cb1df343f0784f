"""Augment, last view: the policy as Keras code."""

import streamlit as st

from core.augmentation.keras_code import keras_code
from core.config import ExperimentConfig
from core.datasets.lookup import dataset_shape
from core.errors import UserError
from core.server.services import Services
from pages.components.augment.policy_form import render_policy
from pages.components.kit.text import literal


def render_code(services: Services, config: ExperimentConfig) -> None:
    """The code, how it differs from training here, and the policy's fields beside it."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        try:
            image_shape, _ = dataset_shape(services.workspace, config.dataset)
            channels = image_shape[2]
        except UserError:
            channels = 3
        found = keras_code(config.augmentation, channels)
        st.code(found.text, language="python", wrap_lines=True)
        if found.differences:
            st.markdown("**How it differs from training here**")
            st.markdown("\n".join(f"- {literal(sentence)}" for sentence in found.differences))
    with right:
        render_policy(config)
