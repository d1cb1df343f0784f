"""A visitor's own photo before both networks: what they see of it, and their answers side by side."""

import hashlib

import streamlit as st

from core.engine.answers import Answer
from core.errors import ConvDeckError
from core.formatting import percent
from core.server.services import Services
from core.store.records import Run
from pages.components.home.story_sample import render_another, sample_for
from pages.components.kit import session
from pages.components.kit.answers import render_bars, render_seen, right_or_wrong
from pages.components.kit.pictures import png_bytes
from pages.components.kit.text import error_text, literal

ANCHOR = "your-own-photo"


def render_photo(services: Services, run: Run, fork: Run) -> None:
    """Both answer the same picture: an upload, or else a sample."""
    st.subheader("Your own photo", anchor=ANCHOR)
    left, right = st.columns([2, 3], gap="large")
    with left:
        upload = st.file_uploader("Your picture", key="story-photo")
        sample = sample_for(services, run)
        if upload is None and sample is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption("Until then, a picture that neither network has seen:", width="content")
                render_another("photo")
        elif upload is not None:
            st.caption(f"{literal(upload.name)}. Remove it to see samples again.")
    if upload is None and sample is None:
        return
    truth = None
    if upload is not None:
        name, data, crop = upload.name, upload.getvalue(), "center"
    else:
        name, data, crop, truth = "sample", png_bytes(sample.pixels), "stretch", sample.truth
    with right, st.spinner("Both networks look at it…"):
        try:
            answers = [_answer(services, each, name, data, crop) for each in (run, fork)]
        except ConvDeckError as error:
            st.error(literal(error_text(error)), icon=":material/broken_image:")
            return
    seen = answers[0].seen
    if seen is None:
        left.error(literal(answers[0].error or ""), icon=":material/broken_image:")
        return
    with left:
        height, width = seen.shape[:2]
        render_seen(seen, f"The {width}×{height} pixels that the networks see")
        st.caption(f"These {width}×{height} pixels are all that the networks see.")
        for note in answers[0].notes:
            st.caption(literal(note))
    with right:
        columns = st.columns(2, gap="medium", border=True)
        for column, each, title, answer in zip(
            columns, (run, fork), ("Without augmentation", "With augmentation"), answers, strict=True
        ):
            with column:
                st.markdown(f"**{title}**")
                if truth is not None:
                    st.markdown(right_or_wrong(answer.best, truth))
                render_bars(answer)
                so_far = (
                    ""
                    if each.state.is_finished
                    else f" so far, after {each.epoch} of {each.total_epochs} epochs"
                )
                st.caption(f"Right on {percent(each.best_val_accuracy)} of its validation pictures{so_far}")
        if truth is None:
            st.caption(
                "They always choose among the classes they know, even for something they have never seen."
            )


def _answer(services: Services, run: Run, name: str, data: bytes, crop: str) -> Answer:
    digest = hashlib.sha256(data).hexdigest()
    return _asked(run.id, (run.attempt, run.best_epoch), name, digest, crop, data)


@st.cache_data(max_entries=32, show_spinner=False)
def _asked(
    run_id: str, weights: tuple[int, int | None], name: str, digest: str, crop: str, _data: bytes
) -> Answer:
    """The engine's answer, kept for as long as run, weights, picture and crop are these."""
    return session.services().engine.predict(run_id, [(name, _data)], crop)[0]
