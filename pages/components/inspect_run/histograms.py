"""How weights, activations and gradients changed over the epochs: layer by layer, with what vanishing looks like."""

import streamlit as st

from core.engine.histograms import ACTIVATIONS, GRADIENTS, WEIGHTS, EpochHistograms
from core.inspection.answers import weights_by_epoch
from core.inspection.histograms import findings, histograms_of
from pages.components.charts.network_histograms import distribution_figure, size_figure
from pages.components.charts.plotly_marks import CONFIG
from pages.components.kit.browser import is_narrow
from pages.components.kit.cache import VersionedCache
from pages.components.kit.network import Network
from pages.components.kit.text import literal

MOST_KEPT = 16
NAMES = {GRADIENTS: "Gradients", WEIGHTS: "Weights", ACTIVATIONS: "Activations"}
HELP = {
    GRADIENTS: "How much the loss changes with each weight. **Vanishing**: the line of an early layer lies a hundred "
    "times or more below those of late ones, or falls from epoch to epoch while the loss is still high; that layer "
    "hardly learns. **Exploding**: a line shoots up, by ten times or more per epoch; the steps are too long. **Dead**: "
    "all numbers are 0.",
    WEIGHTS: "They begin in a narrow band around 0 and spread as the network learns. A band that does not change "
    "belongs to a layer that does not learn; one that keeps growing, to steps that are too long or to no "
    "weight decay.",
    ACTIVATIONS: "What each layer gives. After ReLU nothing is below 0, and half of the numbers being 0 is usual. "
    "**Dead**: nearly all are 0. **Exploding**: the numbers grow from layer to layer or from epoch to epoch.",
}  # fmt: skip

_kept: VersionedCache[tuple[EpochHistograms, ...]] = VersionedCache(MOST_KEPT)


def render_histograms(network: Network) -> None:
    """Of the epochs whose weights are kept; measured once, with the progress on the page."""
    found = _histograms(network)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        part = str(
            st.segmented_control(
                "Numbers", list(NAMES), default=GRADIENTS, required=True, format_func=NAMES.__getitem__,
                key="inspect-histograms-part",
            )
        )  # fmt: skip
        key, layers = f"inspect-histograms-{network.run.id}-{part}", list(found[-1].of(part))
        layer = str(st.selectbox("Layer", layers, key=f"{key}-layer-{len(layers)}", width=320))
    for sentence in findings(found):
        st.markdown(f":orange[:material/warning:] {literal(sentence)}")
    st.caption(HELP[part])
    left, right = st.columns(2, gap="large")
    with right:
        st.plotly_chart(
            distribution_figure(
                [each.epoch for each in found], [each.of(part)[layer] for each in found],
                f"{NAMES[part]} of {layer}: share of each value", is_narrow=is_narrow(),
            ),
            key=f"{key}-map-{layer}", config={**CONFIG, "displayModeBar": False}, width="stretch",
            alt=f"How the {part} of {layer} are distributed in each epoch",
        )  # fmt: skip
    with left:
        st.plotly_chart(
            size_figure(
                {each.epoch: {name: one.rms for name, one in each.of(part).items()} for each in found},
                f"Size of the {part} (root mean square)", is_narrow=is_narrow(),
            ),
            key=f"{key}-size", config={**CONFIG, "displayModeBar": False}, width="stretch",
            alt=f"How large the {part} of each layer are in each epoch",
        )  # fmt: skip
    st.caption(_how(part, found))


def _how(part: str, found: tuple[EpochHistograms, ...]) -> str:
    epochs = f"{len(found)} epochs whose weights were kept. " if len(found) > 1 else ""
    if part == WEIGHTS:
        return f"{epochs}The numbers of the kernels, without biases and batch normalisation."
    measured = f"{epochs}Measured on the first {found[0].pictures} training pictures, without augmentation and dropout"
    if part == ACTIVATIONS:
        return f"{measured}. Layers that only pick, arrange or average numbers are left out."
    return f"{measured}: the gradient of their mean cross-entropy, without label smoothing and weight decay."


def _histograms(network: Network) -> tuple[EpochHistograms, ...]:
    services, run = network.services, network.run
    kept = weights_by_epoch(services.workspace, run)
    version = tuple((epoch, each.sha256) for epoch, each in kept.items())

    def measure() -> tuple[EpochHistograms, ...]:
        place = st.empty()
        with st.spinner("Measuring the network of each epoch. This is done once…"):
            found = histograms_of(
                services.workspace, services.engine, run,
                lambda done, of: place.progress(min(1.0, done / max(1, of)), f"{done} of {of} epochs"),
            )  # fmt: skip
        place.empty()
        return found

    return _kept.get((services.workspace.root, run.id), version, measure)
