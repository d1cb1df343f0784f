"""A look inside a data set: its size and cut, what its import reported, and its pictures by part and class."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.datasets.splits import validation_and_test
from core.datasets.storage import Dataset
from core.formatting import count_of
from core.workspace import Workspace
from pages.components.datasets.report import render_counts, render_left_out, render_notes, report_of
from pages.components.kit import session_uploads
from pages.components.kit.picture_grid import picture_grid
from pages.components.kit.pictures import contact_sheet
from pages.components.kit.text import literal

PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}
CROPS = {
    "center": "those that were not square were cropped to the middle",
    "pad": "those that were not square were padded",
    "stretch": "those that were not square were stretched",
}
ALL_CLASSES = -1
COLUMNS = 12  # of the sheet; of a class while all are shown
MOST_SHOWN = 120
PAGE_BYTES = 6_000_000  # of pixels that are sent for one page


def render_inside(workspace: Workspace, dataset: Dataset) -> None:
    """What it is, what is to be kept in mind, counts and pictures."""
    report = report_of(workspace, dataset)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(literal(facts(dataset)), width="stretch")
        # While a file waits to be imported, that is the next step.
        kind: Literal["primary", "secondary"] = "secondary" if session_uploads.held_upload() else "primary"
        if st.button("Train on it", icon=":material/play_arrow:", type=kind, key=f"train-{dataset.id}"):
            st.switch_page("design.py", query_params={"dataset": dataset.id})
    render_notes(report)
    left, right = st.columns([2, 3], gap="large")
    with left:
        render_counts(report, f"counts-{dataset.id}")
        render_left_out(report, f"left-out-{dataset.id}")
    with right:
        _render_pictures(dataset)


def facts(dataset: Dataset) -> str:
    """`144 pictures of 32×32 pixels, in 5 classes; those that were not square were cropped to the middle.`"""
    height, width, channels = dataset.image_shape
    total = len(dataset.y_train) + len(dataset.y_test)
    cut = f"; {CROPS[dataset.crop]}" if dataset.crop in CROPS else ""
    return (
        f"{count_of(total, 'picture')} of {width}×{height} pixels{' in grey' if channels == 1 else ''}, "
        f"{len(dataset.class_names)} classes{cut}."
    )


def rows_of_part(
    dataset: Dataset, part: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """(stored pictures, rows of the part in them, the label of each of these rows)."""
    if part == "train":
        labels = np.asarray(dataset.y_train)
        return dataset.x_train, np.arange(len(labels)), labels
    labels = np.asarray(dataset.y_test)
    validation, test = validation_and_test(labels, dataset.num_validation)
    rows = validation if part == "validation" else test
    return dataset.x_test, rows, labels[rows]


def _render_pictures(dataset: Dataset) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.segmented_control(
            "Part", list(PARTS), default="train", required=True, format_func=PARTS.__getitem__,
            key=f"part-{dataset.id}",
        )  # fmt: skip
        chosen = st.selectbox(
            "Class", [ALL_CLASSES, *range(len(dataset.class_names))], key=f"class-{dataset.id}",
            format_func=lambda label: "All classes" if label == ALL_CLASSES else dataset.class_names[label],
        )  # fmt: skip
    part = part or "train"
    pictures, rows, labels = rows_of_part(dataset, part)
    per_page = max(COLUMNS, min(MOST_SHOWN, PAGE_BYTES // int(np.prod(dataset.image_shape))))
    if chosen == ALL_CLASSES:
        groups = _first_of_each(
            labels, len(dataset.class_names), max(1, per_page // COLUMNS), dataset.id, part
        )
    else:
        groups = _page_of_class(labels, chosen, per_page, dataset.id, part)
    shown = np.concatenate([places for _, places in groups]) if groups else np.zeros(0, np.int64)
    if not len(shown):
        st.caption(f"There are no {PARTS[part].lower()} pictures of it.")
        return
    sheet = contact_sheet(np.asarray(pictures[rows[shown]]), COLUMNS, scale=1, gap=0)
    words = [
        (_heading(dataset, label, places, labels), _labels(dataset, label, places, part))
        for label, places in groups
    ]
    height, width = dataset.image_shape[:2]
    picture_grid(sheet, (width, height), COLUMNS, words, key=f"pictures-{dataset.id}")
    st.caption("Click a picture to enlarge it.")


def _first_of_each(
    labels: NDArray[np.int64], num_classes: int, per_page: int, dataset_id: str, part: str
) -> list[tuple[int, NDArray[np.int64]]]:
    """The first pictures of each class, some classes per page: (class, places along `labels`)."""
    page = _page(-(-num_classes // per_page), f"classes-{dataset_id}-{part}")
    shown = range(page * per_page, min((page + 1) * per_page, num_classes))
    return [(label, np.flatnonzero(labels == label)[:COLUMNS]) for label in shown]


def _page_of_class(
    labels: NDArray[np.int64], label: int, per_page: int, dataset_id: str, part: str
) -> list[tuple[int, NDArray[np.int64]]]:
    """All pictures of one class, as many as fit per page."""
    places = np.flatnonzero(labels == label)
    page = _page(max(1, -(-len(places) // per_page)), f"page-{dataset_id}-{part}-{label}")
    return [(label, places[page * per_page : (page + 1) * per_page])]


def _page(count: int, key: str) -> int:
    """The page that is chosen, from 0."""
    return st.pagination(count, key=key) - 1 if count > 1 else 0


def _heading(dataset: Dataset, label: int, places: Sequence[int], labels: NDArray[np.int64]) -> str:
    total = int(np.sum(labels == label))
    name = dataset.class_names[label]
    return f"{name}: {len(places):,} of {total:,}" if len(places) < total else f"{name}: {total:,}"


def _labels(dataset: Dataset, label: int, places: Sequence[int], part: str) -> list[str]:
    """What each picture is, for its enlargement and for those who cannot see it."""
    return [f"{dataset.class_names[label]}: {PARTS[part].lower()} picture {place + 1:,}" for place in places]
