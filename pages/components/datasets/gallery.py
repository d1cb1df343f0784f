"""A look inside a data set: how many pictures each class has, and some of them."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.datasets.storage import Dataset
from pages.components.kit.pictures import contact_sheet
from pages.components.kit.text import literal

GALLERY = 12
SHOWN_CLASSES = 20
# Nominal: names such as 0 to 9 would become a scale otherwise. Unsorted: in the data set's own order.
COUNTS_CHART: dict[str, Any] = {
    "title": "Training pictures per class",
    "height": {"step": 22},
    "mark": {"type": "bar", "tooltip": True},
    "encoding": {
        "x": {"field": "pictures", "type": "quantitative", "title": None, "axis": {"tickMinStep": 1}},
        "y": {"field": "class", "type": "nominal", "sort": None, "title": None},
    },
}


def render_inside(dataset: Dataset) -> None:
    """Pictures per class as bars, and the first pictures of each chosen class."""
    left, right = st.columns([1, 2], gap="large")
    with left:
        alt = f"Training pictures per class of {dataset.title}"
        st.vega_lite_chart(class_counts(dataset), COUNTS_CHART, alt=alt)
    with right:
        labels = np.asarray(dataset.y_train)
        names = dataset.class_names[:SHOWN_CLASSES]
        shown = st.multiselect(
            "Classes", range(len(dataset.class_names)), list(range(len(names))),
            format_func=lambda index: dataset.class_names[index], key=f"classes-{dataset.id}",
        )  # fmt: skip
        for index in shown:
            rows = np.flatnonzero(labels == index)[:GALLERY]
            name = dataset.class_names[index]
            with st.container(gap="xsmall"):
                st.caption(literal(name))
                st.image(
                    contact_sheet(np.asarray(dataset.x_train[rows]), columns=GALLERY), width="stretch",
                    alt=f"{len(rows)} pictures of the class {name}",
                )  # fmt: skip


def class_counts(dataset: Dataset) -> pd.DataFrame:
    """A row per class, in the data set's own order: its name and its number of training pictures."""
    counts = np.bincount(np.asarray(dataset.y_train), minlength=len(dataset.class_names))
    return pd.DataFrame({"class": list(dataset.class_names), "pictures": counts})
