"""Units that never respond: named layer by layer, with what they mean and what to try."""

import streamlit as st

from core.engine.layers import DeadUnits
from core.formatting import count_of, percent
from pages.components.kit.network import Network
from pages.components.kit.text import literal

MANY = 0.2  # of a layer
EXPLANATION = (
    "A unit with ReLU is dead when what it adds up is never above 0: it gives 0 for every picture, so it says nothing, "
    "and no gradient reaches its weights, so it does not come back by itself. Typical causes are steps that were too "
    "long, and large negative biases."
)
SUGGESTIONS = (
    "Try a smaller learning rate or a warm-up, batch normalisation, or Leaky ReLU or GELU, whose gradient is not 0 "
    "below 0. If the accuracy is good enough, the layer may only have more channels than it needs: use fewer filters."
)


def render_dead_units(network: Network) -> None:
    """Measured once, with its progress."""
    place = st.empty()
    with st.spinner("Looking for units that never respond. This is done once…"):
        found = network.dead(
            lambda done, of: place.progress(min(1.0, done / max(1, of)), f"{done:,} of {of:,} pictures")
        )
    place.empty()
    st.markdown(literal(headline(found)), help=EXPLANATION)
    if not found.of:
        return
    lines = [
        f"- {':orange[:material/warning:] ' if len(found.dead[each.name]) >= MANY * each.channels else ''}"
        f"{literal(found.in_words(each))}"
        for each in found.of
        if found.dead[each.name]
    ]
    if lines:
        st.markdown("\n".join(lines))
        st.caption(f"{EXPLANATION} {SUGGESTIONS}")
    alive = [each.name for each in found.of if not found.dead[each.name]]
    if alive:
        st.caption(literal(f"Without a dead unit: {', '.join(alive)}."))


def headline(found: DeadUnits) -> str:
    """How many of how many, on how many pictures."""
    if not found.of:
        return "No layer of this network ends with ReLU, so none of its units can be dead in this sense."
    total = sum(each.channels for each in found.of)
    shown = count_of(found.pictures, "validation picture")
    if not found.total:
        return f"None of {total:,} units is dead: each responds to at least one of {shown}."
    share = percent(found.total / total)
    return f"{found.total:,} of {count_of(total, 'unit')} ({share}) are 0 everywhere in all of {shown}."
