"""What a run looks at in a picture, drawn: the map over the picture, the same with random weights, and the check."""

from collections.abc import Callable

import streamlit as st

from core.engine.explanation import ALIKE, METHOD_NAMES, METHODS, Explanation
from core.engine.heat_map import lay_over, render_explanation
from core.errors import ConvDeckError
from core.formatting import file_stem
from pages.components.kit.browser import is_narrow
from pages.components.kit.cache import KEPT, VersionedCache
from pages.components.kit.downloads import download_made
from pages.components.kit.pictures import render_pixels
from pages.components.kit.text import error_text, literal, unbroken

SIDE, NARROW_SIDE = 200, 130  # three side by side in a dialog; on a phone the maps alone
GRAD_CAM = METHODS[0]

SANITY_CHECK = (
    "A map that looks the same with random weights says nothing about what the network has learned (Adebayo et al., "
    "arXiv 1810.03292). The similarity is the mean rank correlation with five such maps: 1 is the same, "
    f"0 is unrelated. Below {ALIKE:g} the map passes."
)

# Of a method, a layer or None, and a class or None: as `Engine.explain_pixels` takes them.
Ask = Callable[[str, str | None, str | None], Explanation]

_explanations: VersionedCache[Explanation] = VersionedCache(KEPT)


def render_explanations(ask: Ask, key: str, version: str = "") -> None:
    """Maps of one picture, with a choice of method, layer and class.

    `ask` asks the engine. `key` stands for the picture, the run and its weights: fields are called by it, and what was
    answered is kept under it. With a `version` of the weights it stands for the picture and the run alone, so that the
    fields stay from one version to the next. Call it where it is open, for it asks at once, and in a fragment, which it
    draws again.
    """
    method = st.segmented_control(
        "What it looks at", METHODS, default=GRAD_CAM, required=True, format_func=METHOD_NAMES.__getitem__,
        key=f"explain-method-{key}",
        help="Where the network finds evidence for a class. Grad-CAM reads it from a convolution layer. Occlusion "
        "covers one part of the picture after another, and sees how much less then speaks for the class.",
    )  # fmt: skip
    maps = st.container()
    try:
        explanation = _explain(ask, (key, version), str(method), None, None)
        layer, class_name = _choose(explanation, key)
        explanation = _explain(ask, (key, version), str(method), layer, class_name)
    except ConvDeckError as error:
        maps.error(literal(error_text(error)), icon=":material/error:")
        return
    with maps:
        _draw(explanation, key)


def _explain(
    ask: Ask, key: tuple[str, str], method: str, layer: str | None, class_name: str | None
) -> Explanation:
    def make() -> Explanation:
        with st.spinner("Looking at what it looks at…"):
            return ask(method, layer, class_name)

    return _explanations.get((*key, method, layer, class_name), None, make)


def _choose(first: Explanation, key: str) -> tuple[str | None, str | None]:
    """The layer and the class that are chosen; None for those that it has looked at already."""
    with st.expander("More: " + ("layer and class" if first.layer else "class"), key=f"explain-more-{key}"):
        layer = first.layer
        if first.layer is not None:
            layer = st.selectbox(
                "Layer", first.layers, first.layers.index(first.layer), key=f"explain-layer-{key}",
                persist_state="session",
                help="Early layers see edges and colours in fine detail. Late ones see whole shapes, coarsely.",
            )  # fmt: skip
        names = [each.name for each in first.top]
        class_name = st.selectbox(
            "Class", names, names.index(first.class_name), key=f"explain-class-{key}",
            help="The most probable first. Other classes show what speaks for those.",
        )  # fmt: skip
    return (
        None if layer == first.layer else layer,
        None if class_name == first.class_name else class_name,
    )


def _draw(explanation: Explanation, key: str) -> None:
    seen, side = explanation.seen, NARROW_SIDE if is_narrow() else SIDE
    pictures = {
        f"{METHOD_NAMES[explanation.method]} for “{explanation.class_name}”": lay_over(seen, explanation.map),
        "The same with random weights": lay_over(seen, explanation.random_map),
    }
    if not is_narrow():
        pictures = {"What the network sees": seen, **pictures}
    with st.container(horizontal=True, gap="small"):
        for title, pixels in pictures.items():
            with st.container(width=side, gap="xsmall"):
                render_pixels(pixels, SIDE, width=side, alt=f"{explanation.image}: {title}")
                st.caption(literal(title))
    icon = ":green[:material/check:]" if explanation.passes else ":orange[:material/help_center:]"
    st.markdown(f"{icon} {unbroken(explanation.sentence)}", help=SANITY_CHECK)
    for note in explanation.notes:
        st.caption(literal(note))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption("Yellow is the strongest evidence, violet none.", width="content")
        download_made(
            "Download", lambda: render_explanation(explanation),
            _file_name(explanation),
            "image/png", icon=":material/download:", type="tertiary", key=f"explain-download-{key}",
            help="Both maps beside the picture, as PNG.",
        )  # fmt: skip


def _file_name(explanation: Explanation) -> str:
    name = explanation.image.rpartition(".")[0] or explanation.image
    return f"{file_stem(name, 'picture')}-{explanation.method}.png"
