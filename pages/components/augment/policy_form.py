"""The knobs of augmentation, grouped, each with a sentence of help."""

import streamlit as st

from core.augmentation.strength import MOST_STRENGTH, Strength, scaled
from core.config import AugmentationConfig, ExperimentConfig
from core.config.labels import label_at
from core.design.presets import PRESETS
from pages.components.design.fields import (
    choice_field,
    folded_fields,
    integer_field,
    slider_field,
    toggle_field,
)
from pages.components.kit import session
from pages.components.kit.widget_values import if_drawn, key_for, note_value

POLICY = "policy"
STRENGTH = "policy-strength"
USUAL_ALPHA = 2.0  # more hardly changes the blends any further
COLOURS = ("brightness", "contrast", "saturation", "hue")
COVERS = ("erasing_probability", "noise_stddev")

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
    key = key_for(POLICY, current)
    st.segmented_control(
        "Policy", list(STRENGTHS), default=current, key=key, on_change=_take_policy, args=(key,), wrap=True,
        help="Sets all knobs below at once.",
    )  # fmt: skip


@if_drawn
def _take_policy(key: str) -> None:
    chosen = session.widget_value(key)
    # A second click on a policy takes its mark away, and changes nothing: the mark comes back.
    note_value(POLICY, chosen)
    if chosen in STRENGTHS:
        session.set_augmentation(STRENGTHS[chosen])


def render_strength(config: ExperimentConfig) -> None:
    """One slider for all knobs together. It writes the scaled values into the draft; at 1 it takes them back."""
    now = session.strength(config.augmentation)
    key = key_for(STRENGTH, (now.base, now.factor))
    st.slider(
        "Strength of the whole policy", 0.0, MOST_STRENGTH, now.factor, 0.1, format="×%.1f", key=key,
        on_change=_take_strength, args=(key,), disabled=not now.base.is_active,
        help="Multiplies every range below by the same factor; flips and the filling of gaps stay. The values go into "
        "the design, as if you had moved each slider. At ×1 they return to what they were. If you move one of the "
        "sliders yourself, the values then count as ×1.",
    )  # fmt: skip
    if now.factor != 1.0:
        capped = ", ".join(label_at(_at(name)).within for name in scaled(now.base, now.factor).capped)
        limit = f" At their limit: {capped}." if capped else ""
        st.caption(f"The design has the values below. At ×1 they return to what they were.{limit}")


@if_drawn
def _take_strength(key: str) -> None:
    config = session.design_config()
    if config is not None:
        base, factor = session.strength(config.augmentation).base, round(session.widget_value(key), 1)
        note_value(STRENGTH, (base, factor))
        session.set_strength(Strength(base, factor, scaled(base, factor).augmentation))


def render_knobs(config: ExperimentConfig) -> None:
    """Every knob, the common ones in sight and the rare ones folded, so that the pictures stay near."""
    slider_field(config, _at("rotation_degrees"), step=1.0)
    _render_sliders(config, "width_shift_fraction", "height_shift_fraction")
    with st.container(horizontal=True):
        toggle_field(config, _at("horizontal_flip"))
        toggle_field(config, _at("vertical_flip"))
    if config.augmentation.horizontal_flip:
        toggle_field(config, _at("alternating_flip"))
    folded_fields("Zoom, shear and edges", "knobs-of-geometry", lambda: _render_geometry(config))
    folded_fields("Colour", "knobs-of-colour", lambda: _render_sliders(config, *COLOURS))
    folded_fields("Erasing and noise", "knobs-of-cover", lambda: _render_sliders(config, *COVERS))
    folded_fields("Mixing", "knobs-of-mix", lambda: _render_mix(config))
    _render_sliders(config, "unchanged_fraction")


def _render_geometry(config: ExperimentConfig) -> None:
    _render_sliders(config, "zoom_fraction")
    slider_field(config, _at("shear_degrees"), step=1.0)
    choice_field(config, _at("fill_mode"))


def _render_mix(config: ExperimentConfig) -> None:
    _render_sliders(config, "mixup_alpha", "cutmix_alpha", usual=USUAL_ALPHA)
    integer_field(config, _at("randaugment_operations"))
    if config.augmentation.randaugment_operations:
        _render_sliders(config, "randaugment_magnitude")


def _render_sliders(config: ExperimentConfig, *names: str, usual: float | None = None) -> None:
    for name in names:
        slider_field(config, _at(name), usual=usual)


def _at(name: str) -> str:
    return f"augmentation.{name}"
