"""Classify: a trained run's answers on your own pictures."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.datasets.splits import validation_and_test
from core.datasets.storage import load_dataset
from core.errors import DatasetError
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import run_words, session
from pages.components.kit.pictures import png_bytes, render_pixels
from pages.components.kit.text import literal

SAMPLES = 8
SHOWN_CLASSES = 4
MAX_FILES = 100
CHUNK = 25  # pictures a request: the engine answers others in between, and the words beside the wheel move
KEPT_CHUNKS = 16
CROPS = {"center": "the middle", "pad": "everything, padded", "stretch": "everything, stretched"}


@dataclass(frozen=True)
class Picture:
    """A picture to be looked at: an id that stays the same across reruns, its name, and how to get its bytes."""

    id: str
    name: str
    read: Callable[[], bytes]


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
        f"The run “{literal(run.name)}” was trained on {literal(run.dataset)} and right on "
        f"{run_words.percent(run.best_val_accuracy)} of its validation pictures. It always chooses among the classes "
        f"that it knows, even for something it has never seen."
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
            key="classify-crop", wrap=True,
            help="The network reads a small square; this is how your picture becomes one.",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Try sample pictures", icon=":material/casino:", on_click=session.draw_samples)
            camera_on = st.toggle(
                "Camera", key="classify-camera", help="Your browser asks before it gives a picture."
            )
    photo = st.camera_input("Take a picture", key="classify-photo") if camera_on else None
    if len(uploads) > MAX_FILES:
        st.warning(f"The first {MAX_FILES} of {len(uploads):,} pictures are classified.")
    pictures = [Picture(upload.file_id, upload.name, upload.getvalue) for upload in uploads[:MAX_FILES]]
    if photo is not None:
        pictures.append(Picture(photo.file_id, "camera", photo.getvalue))
    if pictures:
        _render_rows(_look_at(run, pictures, str(crop)))
    if session.sample_seed():
        _render_samples(services, run)


def _look_at(run: Run, pictures: Sequence[Picture], crop: str) -> list[dict[str, Any]]:
    """The run's answers, in order; only what it was not asked before with the same weights is asked."""
    rows = []
    for start in range(0, len(pictures), CHUNK):
        chunk = pictures[start : start + CHUNK]
        with st.spinner(f"Looking at pictures {start + 1} to {start + len(chunk)} of {len(pictures)}…"):
            # A run saves its best weights before it says that it has new ones.
            weights = (run.attempt, run.best_epoch)
            rows += _answers(run.id, weights, crop, tuple(picture.id for picture in chunk), chunk)
    return rows


@st.cache_data(max_entries=KEPT_CHUNKS, show_spinner=False)
def _answers(
    run_id: str,
    weights: tuple[int, int | None],
    crop: str,
    ids: tuple[str, ...],
    _pictures: Sequence[Picture],
) -> list[dict[str, Any]]:
    """The engine's rows with the likeliest classes, kept for as long as run, weights, crop and pictures are these."""
    sent = [(picture.name, picture.read()) for picture in _pictures]
    rows = session.services().engine.predict(run_id, sent, crop)
    return [{**row, "top": row["top"][:SHOWN_CLASSES]} for row in rows]


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
        f"{run_words.percent(by_id[run_id].best_val_accuracy)})",
    )  # fmt: skip
    if chosen != asked:
        st.query_params["run"] = chosen
    return by_id[chosen]


def _render_samples(services: Services, run: Run) -> None:
    """Test pictures, which the run has neither trained nor been chosen on, with their true class."""
    st.subheader("Sample pictures", anchor=False)
    try:
        dataset = load_dataset(services.workspace, run.dataset)
    except DatasetError as error:
        st.warning(f"They are gone. {literal(str(error))}", icon=":material/photo_library:")
        return
    _, test = validation_and_test(np.asarray(dataset.y_test), dataset.num_validation)
    count = min(SAMPLES, len(test))
    chosen = np.random.default_rng(session.sample_seed()).choice(test, count, replace=False)
    rows = _look_at(run, [_sample(dataset.x_test[index], int(index)) for index in chosen], "stretch")
    truths = [dataset.class_names[int(dataset.y_test[index])] for index in chosen]
    right = sum(row["top"][0]["class"] == truth for row, truth in zip(rows, truths, strict=True))
    st.caption(f"From the test part, never trained on: {right} of {count} right.")
    _render_rows(rows, truths)


def _sample(pixels: NDArray[np.uint8], index: int) -> Picture:
    data = png_bytes(pixels)
    return Picture(hashlib.sha256(data).hexdigest(), f"test picture {index}", lambda: data)


def _render_rows(rows: list[dict[str, Any]], truths: list[str] | None = None) -> None:
    for row in rows:
        if not row["ok"]:
            st.error(literal(row["error"]), icon=":material/broken_image:")
    shown = [(row, truths[index] if truths else None) for index, row in enumerate(rows) if row["ok"]]
    with st.grid(4, min_column_width=160):
        for row, truth in shown:
            with st.container(border=True):
                _render_answer(row, truth)


def _render_answer(row: dict[str, Any], truth: str | None) -> None:
    best = row["top"][0]
    side = row["seen"].shape
    render_pixels(
        row["seen"],
        160,
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
