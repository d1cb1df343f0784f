"""Classify: a trained run's answers on your own pictures."""

from typing import Any

import numpy as np
import streamlit as st

from core.datasets.splits import validation_and_test
from core.datasets.storage import load_dataset
from core.runs.records import Run
from core.services import Services
from pages.components import run_words, session
from pages.components.pictures import enlarge, png_bytes
from pages.components.text import literal

SAMPLES = 8
SHOWN_CLASSES = 4
MAX_FILES = 100
CROPS = {"center": "the middle", "pad": "everything, padded", "stretch": "everything, stretched"}


def main() -> None:
    """The page."""
    st.title("Classify", anchor=False)
    services = session.services()
    run = _choose_run(services)
    if run is None:
        st.write("No run has weights yet: train one first.")
        st.page_link("home.py", label="Start a run", icon=":material/play_arrow:")
        return
    st.caption(
        f"{literal(run.name)} learned {len(_class_names(services, run))} classes of {literal(run.dataset)} and was "
        f"right on {run_words.percent(run.best_val_accuracy)} of its validation pictures. It always chooses among its "
        f"classes, even for something it has never seen."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        uploads = st.file_uploader(
            "Your pictures", type=["png", "jpg", "jpeg", "webp", "bmp", "gif"], accept_multiple_files=True,
            key="classify-uploads",
        )  # fmt: skip
    with right:
        crop = st.segmented_control(
            "Use of each picture", list(CROPS), default="center", required=True, format_func=CROPS.__getitem__,
            key="classify-crop", help="The network reads a small square; this is how your picture becomes one.",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Try sample pictures", icon=":material/casino:", on_click=session.draw_samples)
            camera_on = st.toggle(
                "Camera", key="classify-camera", help="Your browser asks before it gives a picture."
            )
    photo = st.camera_input("Take a picture", key="classify-photo") if camera_on else None
    pictures = [(upload.name, upload.getvalue()) for upload in uploads[:MAX_FILES]]
    if len(uploads) > MAX_FILES:
        st.warning(f"The first {MAX_FILES} of {len(uploads):,} pictures are classified.")
    if photo is not None:
        pictures.append(("camera", photo.getvalue()))
    if pictures:
        with st.spinner("Looking at your pictures…"):
            rows = services.engine.predict(run.id, pictures, str(crop))
        _render_rows(rows)
    if session.sample_seed():
        with st.spinner("Looking at sample pictures…"):
            _render_samples(services, run)


def _choose_run(services: Services) -> Run | None:
    runs = [run for run in services.store.list_runs(limit=500) if run.best_epoch is not None]
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
        f"{run_words.percent(by_id[run_id].best_val_accuracy)})",
    )  # fmt: skip
    if chosen != asked:
        st.query_params["run"] = chosen
    return by_id[chosen]


def _class_names(services: Services, run: Run) -> tuple[str, ...]:
    return load_dataset(services.workspace, run.dataset).class_names


def _render_samples(services: Services, run: Run) -> None:
    """Test pictures, which the run has neither trained nor been chosen on, with their true class."""
    dataset = load_dataset(services.workspace, run.dataset)
    _, test = validation_and_test(np.asarray(dataset.y_test), dataset.num_validation)
    chosen = np.random.default_rng(session.sample_seed()).choice(test, SAMPLES, replace=False)
    pictures = [(f"test picture {index}", png_bytes(dataset.x_test[index])) for index in chosen]
    rows = services.engine.predict(run.id, pictures, "stretch")
    truths = [dataset.class_names[int(dataset.y_test[index])] for index in chosen]
    right = sum(row["top"][0]["class"] == truth for row, truth in zip(rows, truths, strict=True))
    st.subheader("Sample pictures", anchor=False)
    st.caption(f"From the test part, never trained on: {right} of {SAMPLES} right.")
    _render_rows(rows, truths)


def _render_rows(rows: list[dict[str, Any]], truths: list[str] | None = None) -> None:
    for row in rows:
        if not row["ok"]:
            st.error(literal(row["error"]), icon=":material/broken_image:")
    shown = [(row, truths[index] if truths else None) for index, row in enumerate(rows) if row["ok"]]
    with st.grid(4, min_column_width=220):
        for row, truth in shown:
            with st.container(border=True):
                _render_answer(row, truth)


def _render_answer(row: dict[str, Any], truth: str | None) -> None:
    best = row["top"][0]
    side = row["seen"].shape
    st.image(
        enlarge(row["seen"]),
        width=160,
        alt=f"{row['image']}: the {side[1]}×{side[0]} pixels that the network sees",
    )
    if truth is None:
        st.caption(f"{literal(row['image'])}: the {side[1]}×{side[0]} pixels that the network sees")
    else:
        verdict = (
            ":green[:material/check: right]" if best["class"] == truth else ":red[:material/close: wrong]"
        )
        st.markdown(f"{verdict}, it is: **{literal(truth)}**")
    for entry in row["top"][:SHOWN_CLASSES]:
        st.progress(
            float(entry["probability"]),
            f"{literal(entry['class'])} {run_words.percent(entry['probability'])}",
        )
    for note in row["notes"]:
        st.caption(literal(note))


main()
