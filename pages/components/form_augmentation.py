"""The knobs of augmentation, grouped, each with a sentence of help."""

import streamlit as st

from core.config import AugmentationConfig, ExperimentConfig
from core.config.augmentation import FILL_MODES
from core.presets import PRESETS
from pages.components import session
from pages.components.form_fields import choice_field, integer_field, slider_field, toggle_field

POLICY = "policy"
USUAL_ALPHA = 2.0  # more hardly changes the blends any further

FILLS = {
    "nearest": "the nearest pixel",
    "reflect": "its mirror image",
    "wrap": "the other side",
    "constant": "black",
}

STRENGTHS: dict[str, AugmentationConfig] = {
    "None": AugmentationConfig(),
    "Mild, as in the article": PRESETS["article-augmented"].config.augmentation,
    "Strong": AugmentationConfig(
        rotation_degrees=25.0, width_shift_fraction=0.1, height_shift_fraction=0.1, zoom_fraction=0.15,
        horizontal_flip=True, brightness=0.2, contrast=0.3, saturation=0.3, erasing_probability=0.25,
        fill_mode="reflect",
    ),
    "Too much": PRESETS["too-big-shifts"].config.augmentation,
}  # fmt: skip


def render_strengths(config: ExperimentConfig) -> None:
    """Whole policies in one click. What is marked follows the knobs: none when they are at no policy's values."""
    current = next((name for name, policy in STRENGTHS.items() if policy == config.augmentation), None)
    session.show(POLICY, current)
    st.segmented_control(
        "Policy", list(STRENGTHS), key=POLICY, on_change=_take_policy, wrap=True, help="Sets all knobs below at once.",
    )  # fmt: skip


def _take_policy() -> None:
    policy = STRENGTHS.get(session.value_of(POLICY) or "")
    if policy is not None:
        session.set_augmentation(policy)


def render_knobs(config: ExperimentConfig) -> None:
    """Every knob, the common ones in sight and the rare ones folded, so that the pictures stay near."""
    slider_field(
        config, _at("rotation_degrees"), "Rotation", step=1.0, unit="°", help="Turns by up to so much."
    )
    slider_field(config, _at("width_shift_fraction"), "Shift sideways", help="As a share of the width.")
    slider_field(config, _at("height_shift_fraction"), "Shift up and down", help="As a share of the height.")
    with st.container(horizontal=True):
        toggle_field(
            config, _at("horizontal_flip"), "Mirror", help="Left and right swapped in half of the pictures."
        )
        toggle_field(
            config, _at("vertical_flip"), "Upside down", help="Where up and down mean nothing, as from above."
        )
    with st.expander("Zoom, shear and edges"):
        slider_field(config, _at("zoom_fraction"), "Zoom", help="Larger or smaller by up to this share.")
        slider_field(
            config, _at("shear_degrees"), "Shear", step=1.0, unit="°", help="Slants the picture by up to so much."
        )  # fmt: skip
        choice_field(
            config, _at("fill_mode"), "Fill the edge with", FILL_MODES, names=FILLS,
            help="Turning, shifting and shrinking leave gaps at the edge; this is what comes into them.",
        )  # fmt: skip
    with st.expander("Colour"):
        slider_field(config, _at("brightness"), "Brightness", help="Lighter or darker by up to this share.")
        slider_field(
            config, _at("contrast"), "Contrast", help="Nearer to or further from the picture's mean."
        )
        slider_field(config, _at("saturation"), "Saturation", help="Colours paler or stronger.")
        slider_field(config, _at("hue"), "Hue", help="Turns all colours along the colour circle.")
    with st.expander("Cover and noise"):
        slider_field(
            config, _at("erasing_probability"), "Random erasing",
            help="How many of the pictures get a box painted over (Zhong et al., arXiv 1708.04896).",
        )  # fmt: skip
        slider_field(
            config, _at("noise_stddev"), "Noise", help="Gaussian noise; its spread as a share of full scale."
        )
    with st.expander("Mix"):
        slider_field(
            config, _at("mixup_alpha"), "Mixup", usual=USUAL_ALPHA,
            help="Blends two pictures and their labels (arXiv 1710.09412). Higher: more even blends.",
        )  # fmt: skip
        slider_field(
            config, _at("cutmix_alpha"), "CutMix", usual=USUAL_ALPHA,
            help="Pastes a box of another picture and mixes the labels by area (arXiv 1905.04899).",
        )  # fmt: skip
        integer_field(
            config, _at("randaugment_operations"), "RandAugment operations",
            help="How many operations, drawn at random, each picture gets (arXiv 1909.13719).",
        )  # fmt: skip
        if config.augmentation.randaugment_operations:
            slider_field(
                config, _at("randaugment_magnitude"), "RandAugment magnitude",
                help="How strong each of these operations is, as a share of its own range.",
            )  # fmt: skip
    slider_field(
        config, _at("unchanged_fraction"), "Left as they are",
        help="The share of pictures that is not varied at all.",
    )  # fmt: skip


def _at(name: str) -> str:
    return f"augmentation.{name}"
