"""One picture in a dialog: its pixels, what the run makes of it, and where it is in the data set.

Whatever explains an answer for a single picture, such as where the network looks, belongs below its classes.
"""

import numpy as np
import streamlit as st

from core.formatting import percent
from core.inspection.answers import SplitAnswers
from core.system.frames import Pixels
from pages.components.kit.answers import right_or_wrong
from pages.components.kit.pictures import render_pixels
from pages.components.kit.text import literal

SIDE = 256
MOST_CLASSES = 5


@st.dialog("One picture", width="medium", icon=":material/image_search:")
def render_one(answers: SplitAnswers, place: int, pixels: Pixels) -> None:
    """The picture at `place` along the answers. `pixels` are (height, width, 1 or 3)."""
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
