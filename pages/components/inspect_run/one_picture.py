"""One picture in a dialog: its pixels, what the run makes of it, where it is in the data set, and what it looks at."""

import numpy as np
import streamlit as st

from core.datasets.splits import resize
from core.engine.explanation import Explanation
from core.formatting import percent
from core.inspection.answers import Numbers, SplitAnswers, weights_of
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.kit import session
from pages.components.kit.answers import right_or_wrong
from pages.components.kit.explanations import render_explanations
from pages.components.kit.pictures import render_pixels
from pages.components.kit.text import literal

SIDE = 256
MOST_CLASSES = 5
AT, SHOWS_REASON = "inspect-picture", "inspect-shows-reason"


@st.dialog("One picture", width="medium", icon=":material/image_search:")
def render_one(services: Services, run: Run, answers: SplitAnswers, places: Numbers, pixels: Pixels) -> None:
    """The picture that was opened last of those at `places` along the answers, and a way to the ones beside it.

    `pixels` are (places, height, width, 1 or 3).
    """
    at = min(int(session.widget_value(AT, 0)), len(places) - 1)
    _render_picture(answers, int(places[at]), pixels[at])
    with st.container(horizontal=True, gap="small"):
        for label, icon, step in (("Previous", "arrow_back", -1), ("Next", "arrow_forward", 1)):
            st.button(
                label, key=f"inspect-picture-{step}", icon=f":material/{icon}:", on_click=open_one, args=(at + step,),
                disabled=not 0 <= at + step < len(places),
            )  # fmt: skip
    # Stays on from one picture to the next.
    if st.toggle("Show what it looks at", key=SHOWS_REASON):
        _render_reason(services, run, answers, int(places[at]), pixels[at])


def open_one(at: int) -> None:
    """Have the dialog show the picture at this place of the page."""
    session.set_widget(AT, at)


def _render_reason(services: Services, run: Run, answers: SplitAnswers, place: int, pixels: Pixels) -> None:
    weights = weights_of(services.workspace, run, answers.epoch)
    shape = run.config.dataset.picture_shape(pixels.shape)
    seen = pixels if shape == pixels.shape else resize(pixels[None], shape[0])[0]
    row = int(answers.rows[place])

    def ask(method: str, layer: str | None, class_name: str | None) -> Explanation:
        return services.engine.explain_pixels(
            run.id, seen, method, layer, class_name, f"Picture {row}", weights.which
        )

    render_explanations(ask, f"inspect-{run.id}-{weights.sha256[:16]}-{row}")


def _render_picture(answers: SplitAnswers, place: int, pixels: Pixels) -> None:
    names = answers.class_names
    truth, answer = names[answers.labels[place]], names[answers.predicted[place]]
    left, right = st.columns(2, gap="medium")
    with left:
        render_pixels(pixels, SIDE, width="stretch", alt=f"A picture of {truth}, enlarged")
    with right:
        st.markdown(f"Taken for **{literal(answer)}**. {right_or_wrong(answer, truth)}")
        probabilities = answers.probabilities[place]
        best = np.argsort(-probabilities, kind="stable")[:MOST_CLASSES].tolist()
        label = int(answers.labels[place])
        for each in best if label in best else [*best, label]:
            name = literal(names[each])
            share = percent(float(probabilities[each]))
            st.progress(
                float(min(1.0, probabilities[each])), f"{f'**{name}**' if each == label else name} {share}"
            )
    st.caption(
        f"Row {int(answers.rows[place]):,} of the data set's test arrays (counted from 0). "
        f"Loss {float(answers.losses[place]):.3f}."
    )
