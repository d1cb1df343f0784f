"""Below a run's curves: which classes overfit, which pictures are learned and forgotten, what wrong labels become of.

Drawn again at each tick of the live part, so only what is looked at is drawn, and read again only when there is one
more epoch.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from core.datasets.followed import load_followed
from core.datasets.identity import check_same_data
from core.errors import ConvDeckError
from core.runs.breakdown import (
    class_names_of,
    memorised_in_words,
    smallest_class_in_words,
    why_no_breakdown,
)
from core.server.services import Services
from core.store.breakdowns import CorruptedLabels, Followed, RunBreakdown
from core.store.class_accuracy import Counts
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace
from pages.components.charts import class_map
from pages.components.charts.memorisation import memorisation_data, memorisation_spec
from pages.components.kit.cache import per_epoch
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import literal
from pages.components.runs.picture_strips import data_uri, strip_data, strip_spec


def render_breakdown(services: Services, run: Run) -> None:
    """Nothing before the run's first epoch has ended."""
    if not run.epoch:
        return
    store = services.store
    details = _breakdown_of(store, run)
    if details is None:
        st.caption(why_no_breakdown(run))
        return
    names = class_names_of(services.workspace, run, details.num_classes)
    labels = ["Classes", "Pictures", *(["Labels"] if details.corrupted else [])]
    tabs = dict(zip(labels, st.tabs(labels, key=f"details-{run.id}", on_change="rerun"), strict=True))
    if tabs["Classes"].open:
        with tabs["Classes"]:
            _render_classes(store, run, details, names)
    if tabs["Pictures"].open:
        with tabs["Pictures"]:
            _render_pictures(services, run, details, names)
    if "Labels" in tabs and tabs["Labels"].open:
        with tabs["Labels"]:
            _render_labels(store, run, details)


def _render_classes(store: Store, run: Run, details: RunBreakdown, names: Sequence[str]) -> None:
    measure = st.segmented_control(
        "Colour",
        list(class_map.MEASURES),
        default="gap",
        format_func=class_map.MEASURES.__getitem__,
        key="class-map-measure",
        label_visibility="collapsed",
        required=True,
        persist_state="session",
    )
    st.vega_lite_chart(
        _class_table(store, run, details),
        class_map.class_spec(measure, names, _theme()),
        key=f"classes-{run.id}-{measure}",
        width="stretch",
        alt=f"{class_map.MEASURES[measure]} of each class by epoch",
    )
    st.caption(
        _shown_classes_in_words(details)
        + "Gap: clean training minus validation accuracy of the class in that epoch. Orange: the network knows the "
        "class's training pictures better than new ones. "
        + literal(smallest_class_in_words(details.validation, names))
    )
    render_folded(
        "Accuracy per class",
        f"class-accuracy-{run.id}",
        lambda: _render_accuracies(run, details, names),
        icon=":material/table:",
    )


def _render_accuracies(run: Run, details: RunBreakdown, names: Sequence[str]) -> None:
    epochs = details.epochs.tolist()
    epoch = run.best_epoch if run.best_epoch in epochs else epochs[-1]
    st.caption(
        f"After epoch {epoch}{', the best one, whose weights are kept' if epoch == run.best_epoch else ''}."
    )
    share = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(
        accuracy_table(details, names, epochs.index(epoch)),
        column_config={"Validation": share, "Clean training": share},
        hide_index=True,
        alt=f"Validation and training accuracy of each class after epoch {epoch}",
    )


def accuracy_table(details: RunBreakdown, names: Sequence[str], place: int) -> pd.DataFrame:
    """A row per class, in the order of the network's outputs, of the epoch at this place; accuracies in percent."""
    validation, clean = details.validation, details.clean
    return pd.DataFrame(
        {
            "Class": list(names),
            "Right": validation.right[place],
            "Validation pictures": validation.count,
            "Validation": 100 * validation.accuracy[place],
            "Clean training": 100 * clean.accuracy[place],
        }
    )


def _theme() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


def _shown_classes_in_words(details: RunBreakdown) -> str:
    if details.num_classes <= class_map.MOST_CLASSES:
        return ""
    return f"The {class_map.MOST_CLASSES} of {details.num_classes} classes with the largest gap now. "


def _render_pictures(services: Services, run: Run, details: RunBreakdown, names: Sequence[str]) -> None:
    thumbnails = _thumbnails_of(services.workspace, run, details)
    columns = st.columns(2, gap="medium")
    parts = (
        ("Training pictures", details.training_pictures),
        ("Validation pictures", details.validation_pictures),
    )
    for index, (title, followed) in enumerate(parts):
        with columns[index]:
            st.markdown(f"**{title}**")
            st.caption(_remembered_in_words(followed))
            st.vega_lite_chart(
                _strip_table(services.store, run, details.epochs, followed, part=title),
                strip_spec(followed, names, thumbnails and thumbnails[index], _theme()),
                key=f"strips-{run.id}-{index}",
                width="stretch",
                alt=f"{title}: right or wrong by epoch",
            )
    if thumbnails is None:
        st.caption(
            f"The pictures cannot be shown: the data set {literal(run.dataset)} has changed or is missing."
        )
    st.caption(
        "Forgotten: right after one epoch, wrong after the next. The stronger the colour, the surer the answer. Every "
        "run on this data follows the same pictures."
    )


@per_epoch(32)
def _breakdown_of(store: Store, run: Run) -> RunBreakdown | None:
    return store.breakdowns.read(run.id)


def balanced_curve(store: Store, run: Run) -> list[float]:
    """The balanced accuracy of each epoch that has a breakdown."""
    details = _breakdown_of(store, run)
    return [] if details is None else details.validation.balanced_accuracy.tolist()


@per_epoch(32)
def _class_table(store: Store, run: Run, details: RunBreakdown) -> pa.Table:
    return _arrow(class_map.class_data(details))


@per_epoch(32)
def _strip_table(store: Store, run: Run, epochs: Counts, followed: Followed, *, part: str) -> pa.Table:
    return _arrow(strip_data(epochs, followed))


@per_epoch(32)
def _label_table(store: Store, run: Run, epochs: Counts, corrupted: CorruptedLabels) -> pa.Table:
    return _arrow(memorisation_data(epochs, corrupted))


def _arrow(data: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(data, preserve_index=False)


def _remembered_in_words(followed: Followed) -> str:
    ever, forgotten = followed.learned > 0, followed.forgotten > 0
    kept, again = int((ever & ~forgotten).sum()), int(forgotten.sum())
    return (
        f"Of {len(ever)}, {kept} learned and kept, {again} forgotten at least once, {int((~ever).sum())} "
        "never learned."
    )


def _thumbnails_of(
    workspace: Workspace, run: Run, details: RunBreakdown
) -> tuple[list[str], list[str]] | None:
    try:
        check_same_data(workspace, run)
        drawn = _read_thumbnails(workspace, run, str(workspace.root), run.id, run.attempt)
    except ConvDeckError:
        return None
    # Of an older run it is not known whether another data set was added under the same name since.
    expected = (details.training_pictures.true_labels, details.validation_pictures.true_labels)
    return drawn[0] if all(map(np.array_equal, drawn[1], expected)) else None


@st.cache_data(max_entries=32, show_spinner=False)
def _read_thumbnails(
    _workspace: Workspace, _run: Run, root: str, run_id: str, attempt: int
) -> tuple[tuple[list[str], list[str]], tuple[list[int], list[int]]]:
    found = load_followed(_workspace, _run.config.dataset)
    return (
        ([data_uri(pixels) for pixels in found.training], [data_uri(pixels) for pixels in found.validation]),
        (found.training_labels.tolist(), found.validation_labels.tolist()),
    )


def _render_labels(store: Store, run: Run, details: RunBreakdown) -> None:
    corrupted = details.corrupted
    assert corrupted is not None
    st.markdown(literal(memorised_in_words(int(details.epochs[-1]), corrupted)))
    st.vega_lite_chart(
        _label_table(store, run, details.epochs, corrupted),
        memorisation_spec(),
        key=f"labels-{run.id}",
        width="stretch",
        alt="Wrong labels learned by heart, true classes despite a wrong label, and correct labels, by epoch",
    )
    st.caption(
        "This run trains on some labels that were made wrong on purpose. No pattern leads to them, so a network that "
        "answers with one has learned that very picture by heart."
    )
