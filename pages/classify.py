"""Classify: a trained run's answers on your own pictures."""

import streamlit as st

from core.formatting import percent
from core.runs.breakdown import caution_in_words
from core.server.services import Services
from core.store.records import Run
from pages.components.classify.cards import render_answers
from pages.components.classify.known import learn_what_it_knows, render_classes, render_problem
from pages.components.classify.samples import are_samples_shown, draw_samples, render_samples
from pages.components.classify.table import render_table
from pages.components.classify.uploads import Picture, look_at
from pages.components.kit import session
from pages.components.kit.pictures import may_use_camera
from pages.components.kit.text import literal

MAX_FILES = 100
AS_TRAINED = "trained"
CROPS = {AS_TRAINED: "As in training", "center": "Crop the middle", "pad": "Pad", "stretch": "Stretch"}


def main() -> None:
    """The page."""
    st.title("Classify", anchor=False)
    services = session.services()
    run = _choose_run(services)
    if run is None:
        st.write("No run has weights yet. Train one first.")
        st.page_link("home.py", label="Start a run", icon=":material/play_arrow:")
        return
    st.caption(
        f"The run “{literal(run.name)}” was trained on {literal(run.dataset)} and is right on "
        f"{percent(run.best_val_accuracy)} of its validation pictures. It always chooses one of the classes "
        f"that it knows, even for something it has never seen."
    )
    st.page_link(
        "inspect_run.py", label="See what it gets wrong", icon=":material/troubleshoot:",
        query_params={"run": run.id},
    )  # fmt: skip
    classes = services.store.breakdowns.validation_at(run.id, run.best_epoch) if run.best_epoch else None
    if caution := caution_in_words(run, classes):
        st.warning(literal(caution), icon=":material/balance:")
    render_classes(services, run)
    left, right = st.columns(2, gap="medium")
    with left:
        uploads = st.file_uploader(
            "Your pictures", accept_multiple_files=True,
            key="classify-uploads",
        )  # fmt: skip
    with right:
        crop = st.segmented_control(
            "How pictures become square", list(CROPS), default=AS_TRAINED, required=True, format_func=CROPS.__getitem__,
            key="classify-crop", wrap=True,
            help="The network reads small square pictures. As in training: like the pictures of its data set.",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Try sample pictures", icon=":material/casino:", on_click=draw_samples)
            camera_on = st.toggle(
                "Camera", key="classify-camera", help="Your browser asks for permission first."
            )
        if camera_on and not may_use_camera():
            st.caption(
                ":material/no_photography: Browsers give a page the camera on localhost and over https only. Choose "
                "files instead."
            )
            camera_on = False
    photo = st.camera_input("Take a picture", key="classify-photo") if camera_on else None
    if len(uploads) > MAX_FILES:
        st.warning(f"Only the first {MAX_FILES} of {len(uploads):,} pictures are classified.")
    pictures = [Picture(upload.file_id, upload.name, upload.getvalue) for upload in uploads[:MAX_FILES]]
    if photo is not None:
        pictures.append(Picture(photo.file_id, "camera", photo.getvalue))
    if not pictures and not are_samples_shown():
        return
    problem = learn_what_it_knows(services, run)
    render_problem(problem)
    if pictures:
        looked = look_at(run, pictures, None if crop == AS_TRAINED else str(crop), with_known=problem is None)
        render_answers(services, run, looked)
        render_table(run, [each.answer for each in looked])
    if are_samples_shown():
        render_samples(services, run, with_known=problem is None)


def _choose_run(services: Services) -> Run | None:
    listed = services.store.list_runs(limit=500, alone_first=True)
    runs = [run for run in listed if run.best_epoch is not None]
    asked = st.query_params.get("run")
    by_id = {run.id: run for run in runs}
    if asked is not None and asked not in by_id:
        st.warning(f"There is no run “{literal(asked[:40])}” with weights here.", icon=":material/link_off:")
    if not runs:
        return None
    ids = list(by_id)
    index = ids.index(asked) if asked in by_id else 0
    chosen = st.selectbox(
        "Run", ids, index,
        format_func=lambda run_id: f"{by_id[run_id].name} ({by_id[run_id].dataset}, "
        f"{percent(by_id[run_id].best_val_accuracy)})",
    )  # fmt: skip
    if chosen != asked:
        st.query_params["run"] = chosen
    return by_id[chosen]


main()
