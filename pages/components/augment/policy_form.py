"""The knobs of augmentation, grouped, each with a sentence of help."""

import streamlit as st

from core.augmentation.strength import MOST_STRENGTH, scaled
from core.config import AugmentationConfig, ExperimentConfig
from core.config.augmentation import FILL_MODES
from core.design.presets import PRESETS
from pages.components.design.fields import (
    choice_field,
    folded_fields,
    integer_field,
    slider_field,
    toggle_field,
)
from pages.components.kit import session

POLICY = "policy"
STRENGTH = "policy-strength"
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


def render_policy(config: ExperimentConfig) -> None:
    """Whole policies, the strength of the one that is chosen, and every knob of it."""
    render_strengths(config)
    render_strength(config)
    render_knobs(config)


def render_strengths(config: ExperimentConfig) -> None:
    """Whole policies in one click. What is marked follows the knobs: none when they are at no policy's values."""
    base = session.strength(config.augmentation).base
    current = next((name for name, policy in STRENGTHS.items() if policy == base), None)
    session.set_widget(POLICY, current)
    st.segmented_control(
        "Policy", list(STRENGTHS), key=POLICY, on_change=_take_policy, wrap=True, help="Sets all knobs below at once.",
    )  # fmt: skip


def _take_policy() -> None:
    policy = STRENGTHS.get(session.widget_value(POLICY) or "")
    if policy is not None:
        session.set_augmentation(policy)


def render_strength(config: ExperimentConfig) -> None:
    """One slider for all knobs together. It writes the scaled values into the draft; at 1 it takes them back."""
    now = session.strength(config.augmentation)
    shown = session.widget_value(STRENGTH)
    # What is shown is not set each time: it would take back what is being moved just now. Nor is it set where there is
    # none: after a view without this slider, the browser would begin with the least again, unless that is the default.
    default = now.factor
    if shown is not None and shown != now.factor:
        session.set_widget(STRENGTH, now.factor)
        default = None  # Streamlit takes a default beside it for a mistake
    st.slider(
        "Strength of the whole policy", 0.0, MOST_STRENGTH, default, 0.1, format="×%.1f", key=STRENGTH,
        on_change=_take_strength, disabled=not now.base.is_active,
        help="Multiplies every range below at once; flips and the fill of the edge stay. The values go into the "
        "design, as if you had moved each slider. Back at ×1 they are what they were. When you move one of them "
        "yourself, what is there then counts as ×1.",
    )  # fmt: skip
    if now.factor != 1.0:
        capped = ", ".join(_title(name) for name in scaled(now.base, now.factor).capped)
        limit = f" No further, because at the limit: {capped}." if capped else ""
        st.caption(f"The design has the values below. Back at ×1 they are what they were.{limit}")


def _take_strength() -> None:
    config = session.design_config()
    if config is not None:
        base, factor = session.strength(config.augmentation).base, round(session.widget_value(STRENGTH), 1)
        session.set_strength(session.Strength(base, factor, scaled(base, factor).augmentation))


def _title(name: str) -> str:
    """`zoom_fraction` → `zoom`."""
    unit = name.rpartition("_")[2]
    short = (
        name.removesuffix(f"_{unit}")
        if unit in ("degrees", "fraction", "probability", "stddev", "alpha")
        else name
    )
    return short.replace("_", " ")


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
    if config.augmentation.horizontal_flip:
        toggle_field(
            config, _at("alternating_flip"), "Mirror in every other epoch",
            help="Each picture in turn as it is and mirrored, instead of by chance (arXiv 2404.00498).",
        )  # fmt: skip
    folded_fields("Zoom, shear and edges", "knobs-of-geometry", lambda: _render_geometry(config))
    folded_fields("Colour", "knobs-of-colour", lambda: _render_colour(config))
    folded_fields("Cover and noise", "knobs-of-cover", lambda: _render_cover(config))
    folded_fields("Mix", "knobs-of-mix", lambda: _render_mix(config))
    slider_field(
        config, _at("unchanged_fraction"), "Left as they are",
        help="The share of pictures that is not varied at all.",
    )  # fmt: skip


def _render_geometry(config: ExperimentConfig) -> None:
    slider_field(config, _at("zoom_fraction"), "Zoom", help="Larger or smaller by up to this share.")
    slider_field(
        config, _at("shear_degrees"), "Shear", step=1.0, unit="°", help="Slants the picture by up to so much."
    )  # fmt: skip
    choice_field(
        config, _at("fill_mode"), "Fill the edge with", FILL_MODES, names=FILLS,
        help="Turning, shifting and shrinking leave gaps at the edge; this is what comes into them.",
    )  # fmt: skip


def _render_colour(config: ExperimentConfig) -> None:
    slider_field(config, _at("brightness"), "Brightness", help="Lighter or darker by up to this share.")
    slider_field(config, _at("contrast"), "Contrast", help="Nearer to or further from the picture's mean.")
    slider_field(config, _at("saturation"), "Saturation", help="Colours paler or stronger.")
    slider_field(config, _at("hue"), "Hue", help="Turns all colours along the colour circle.")


def _render_cover(config: ExperimentConfig) -> None:
    slider_field(
        config, _at("erasing_probability"), "Random erasing",
        help="How many of the pictures get a box painted over (Zhong et al., arXiv 1708.04896).",
    )  # fmt: skip
    slider_field(
        config, _at("noise_stddev"), "Noise", help="Gaussian noise; its spread as a share of full scale."
    )


def _render_mix(config: ExperimentConfig) -> None:
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


def _at(name: str) -> str:
    return f"augmentation.{name}"
