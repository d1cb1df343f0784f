"""The part of a picture that a run sees, chosen in a dialog: the frame, and at once what becomes of the answer."""

import streamlit as st

from core.engine.looking import Asked, File, look, read_original
from core.errors import ConvDeckError
from core.images import Box
from core.inspection.temperature import calibrated
from core.server.services import Services
from core.store.records import Run
from pages.components.classify.uploads import LookedAt
from pages.components.kit import session
from pages.components.kit.answers import render_bars, render_seen
from pages.components.kit.cropping import ORIGINAL_SIDE, crop_frame
from pages.components.kit.text import error_text, literal

SEEN_SIDE = 128


def chosen_part(picture_id: str) -> Box | None:
    """The part that this visitor has chosen of a picture."""
    return session.widget_value(_key(picture_id))


def render_crop_button(services: Services, run: Run, looked: LookedAt) -> None:
    """It opens the dialog. A picture whose part was chosen says so."""
    label = "Crop" if looked.picture.box is None else "Cropped"
    if st.button(label, icon=":material/crop:", type="tertiary", key=f"crop-{looked.key}"):
        try:
            data = looked.picture.read()
            original = _original(looked.picture.id, services, looked.picture.name, data)
        except ConvDeckError as error:
            st.error(literal(error_text(error)), icon=":material/broken_image:")
            return
        st.dialog(f"Crop {literal(looked.picture.name)}", width="medium")(_render_dialog)(
            services, run, looked, data, original
        )


def _render_dialog(services: Services, run: Run, looked: LookedAt, data: bytes, original: bytes) -> None:
    picture, seen = looked.picture, looked.answer.seen
    assert seen is not None
    box = crop_frame(original, f"{picture.name}, whole", seen.shape, f"frame-{picture.id}", picture.box)
    try:
        (found,) = look(services.engine, [Asked(run.id)], [File(picture.name, data, box)])
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/broken_image:")
        return
    (answer,) = found.answers
    if looked.answer.temperature is not None:
        answer = calibrated(answer, looked.answer.temperature)
    if answer.seen is None:
        st.error(literal(answer.error or ""), icon=":material/broken_image:")
        return
    left, right = st.columns([1, 2], vertical_alignment="center")
    with left:
        render_seen(answer.seen, f"{picture.name}: what the network sees of this part", SEEN_SIDE)
    with right:
        render_bars(answer)
    if st.button("Use this part", type="primary", icon=":material/check:", key="crop-use"):
        session.set_widget(_key(picture.id), box)
        st.rerun()


def _key(picture_id: str) -> str:
    return f"part-of-{picture_id}"


@st.cache_data(max_entries=16, show_spinner=False)
def _original(picture_id: str, _services: Services, name: str, _data: bytes) -> bytes:
    return read_original(_services.engine, name, _data, ORIGINAL_SIDE)
