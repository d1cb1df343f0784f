"""Design: put a network and its training together, see every layer's shape, and start."""

from pathlib import Path

import streamlit as st

from core.config import ExperimentConfig, differences
from core.config.labels import label_at, shown_value
from core.datasets.storage import list_datasets
from core.design.presets import PRESETS
from pages.components.design.as_text import render_as_text
from pages.components.design.drafts import draft_address, ensure_draft, load_preset
from pages.components.design.drawing import render_network_picture
from pages.components.design.fields import folded_fields
from pages.components.design.network_form import render_blocks, render_head
from pages.components.design.network_view import render_network
from pages.components.design.plan import plan_network
from pages.components.design.preflight_card import render_preflight
from pages.components.design.rate_range_card import render_rate_range
from pages.components.design.start_card import find_data_problem, render_start
from pages.components.design.starting_weights import plan_draft_start, render_start_from, weights_by_layer
from pages.components.design.training_form import render_basics, render_data, render_details, render_optimizer
from pages.components.kit import session
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import literal

# A style for this page alone: Streamlit 1.67 has no container that stays in sight.
IN_SIGHT = Path(__file__).parent / "components" / "design" / "assets" / "sight.css"


def main() -> None:
    """The page."""
    st.title("Design", anchor=False)
    services = session.services()
    config = ensure_draft(services)
    data_problem = find_data_problem(config)
    plan = plan_network(config)
    start = plan_draft_start(config, plan)
    st.html(IN_SIGHT)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _render_presets()
        st.subheader("Data", anchor=False)
        render_data(config, list_datasets(services.workspace), data_problem)
        st.subheader("Convolution blocks", anchor=False)
        render_blocks(config, plan)
        st.subheader("Head", anchor=False)
        render_head(config, plan)
        st.subheader("Training", anchor=False)
        render_start_from(services, config, plan, start)
        render_basics(config, plan.network)
        _render_augmentation(config)
        folded_fields("Optimizer and regularisation", "more-of-optimizer", lambda: render_optimizer(config))
        folded_fields("Details", "more-details", lambda: render_details(config))
    with right, st.container(key="design-side"):
        # Drawn after the fields, because it lists the values that they refuse.
        render_start(config, plan, data_problem, start.problem)
        render_network(plan, weights_by_layer(start, plan))
        render_network_picture(config, plan)
        st.page_link(
            "sweeps.py", label="Search settings in a sweep", icon=":material/travel_explore:",
            query_params={"base": "design", **draft_address()},
            help="Give settings of this design several values or a range, and have the best ones searched.",
        )  # fmt: skip
        has_problem = data_problem is not None or start.problem is not None
        can_start = plan.network is not None and not has_problem and not session.refused_in_words()
        render_preflight(services, config, can_start=can_start)
        render_rate_range(services, config, can_start=can_start)
        render_folded("As text: JSON and command line", "as-text", lambda: render_as_text(config))


def _render_presets() -> None:
    names = list(PRESETS)
    current = session.design_preset()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Start from", names, index=names.index(current) if current in names else None,
            format_func=lambda name: PRESETS[name].label
            + (" – goes wrong on purpose" if PRESETS[name].known_bad else ""),
            placeholder="A preset", key=f"preset-{session.design_generation()}",
            help="Loads a whole design and replaces your changes.",
        )  # fmt: skip
        st.button(
            "Reset", icon=":material/undo:", on_click=session.reset_design,
            help="Undoes every change since this design was loaded.",
        )  # fmt: skip
    if chosen and chosen != current:
        load_preset(session.services(), chosen)
        st.rerun()
    if chosen:
        st.caption(literal(PRESETS[chosen].commentary))


def _render_augmentation(config: ExperimentConfig) -> None:
    changed = [
        f"{label_at(path).within} {shown_value(path, value)}"
        for path, _, value in differences(ExperimentConfig(), config)
        if path.startswith("augmentation.")
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        active = config.augmentation.is_active
        st.markdown(f"**Augmentation**: {literal(', '.join(changed)) if active else 'off'}", width="stretch")
        st.page_link("augment.py", label="Change and preview", icon=":material/auto_awesome_motion:")


main()
