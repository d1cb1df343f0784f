"""What is known of a data set: pictures per class and part, what is to be kept in mind, what an import left out."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import pandas as pd
import streamlit as st

from core.datasets.catalogue import SOURCES
from core.datasets.class_counts import ClassCount, count_notes
from core.datasets.saving import REPORT
from core.datasets.splits import counts_of
from core.datasets.storage import Dataset, DatasetInfo, load_dataset
from core.errors import UserError
from core.formatting import count_of
from core.importing.parts import CAME_WITHOUT
from core.importing.report import ImportReport, LeftOut, load_report
from core.workspace import Workspace
from pages.components.kit.cache import VersionedCache
from pages.components.kit.text import literal

MOST_IN_TABLE, MOST_REASONS = 100, 10
ALL_ROWS = 20  # a table of up to this many classes does not scroll
_serious: VersionedCache[tuple[str, ...]] = VersionedCache(64)


def report_of(workspace: Workspace, dataset: Dataset) -> ImportReport:
    """The report of its import; where none is kept, what its labels say."""
    counts = counts_of(dataset)
    kept = load_report(workspace, dataset.id)
    return (
        kept
        if kept is not None and kept.classes == counts
        else ImportReport(counts, notes=tuple(count_notes(counts)))
    )


def serious_of(workspace: Workspace, info: DatasetInfo) -> tuple[str, ...]:
    """What makes accuracies on a person's own data set misleading, as sentences; nothing of the known ones."""
    if info.state != "ready" or info.id in SOURCES:
        return ()

    def find() -> tuple[str, ...]:
        try:
            return tuple(report_of(workspace, load_dataset(workspace, info.id)).serious_findings())
        except UserError:
            return ()  # removed or damaged since it was listed

    try:
        written = (workspace.datasets / info.id / REPORT).stat().st_mtime_ns
    except OSError:
        written = None
    return _serious.get((workspace.root, info.id), (info.digest, written), find)


def render_notes(report: ImportReport) -> None:
    """One box of what misleads, one of what was done to the pictures, and a line on what is only as usual."""
    serious = report.serious()
    # A report of an older version may end a sentence earlier.
    others = [note for note in report.notes if not any(each.startswith(note) for each in serious)]
    usual = [note for note in others if note.startswith(CAME_WITHOUT)]
    others = [note for note in others if note not in usual]
    if serious:
        st.warning(_points(serious), icon=":material/warning:")
    if others:
        st.info(_points(others), icon=":material/info:")
    for note in usual:
        st.caption(literal(note))


def render_counts(report: ImportReport, key: str) -> None:
    """A row per class with its pictures in each part. The bars make uneven classes visible."""
    table = counts_table(report.classes)
    most = int(table["Training"].max()) if len(table) else 1
    st.dataframe(
        table, hide_index=True, height="content" if len(table) <= ALL_ROWS else 38 * ALL_ROWS, key=key,
        column_config={
            "Class": st.column_config.TextColumn(pinned=True),
            "Training": st.column_config.ProgressColumn(
                format="%d", min_value=0, max_value=max(most, 1), width=110
            ),
            "Validation": st.column_config.NumberColumn(width="small"),
            "Test": st.column_config.NumberColumn(width="small"),
        },
        alt="Pictures per class for training, validation and test",
    )  # fmt: skip


def counts_table(classes: Sequence[ClassCount]) -> pd.DataFrame:
    """A row per class, in the data set's own order."""
    rows = [(each.name, each.train, each.validation, each.test) for each in classes]
    return pd.DataFrame(rows, columns=["Class", "Training", "Validation", "Test"])


def render_left_out(report: ImportReport, key: str) -> None:
    """What was not imported, and why."""
    if not report.left_out:
        return
    with st.expander(f"Left out: {count_of(len(report.left_out), 'file')}"):
        render_files(report.left_out, key)


def render_files(files: Sequence[LeftOut], key: str) -> None:
    """Files with the whole reason of each: `st.dataframe` cuts long ones, `st.table` is slow with many rows."""
    rows = [(each.file, each.reason) for each in files]
    if len(rows) <= MOST_IN_TABLE:
        shown = [(literal(file), literal(reason)) for file, reason in rows]
        height: int | Literal["content"] = "content" if len(rows) <= ALL_ROWS else 480
        st.table(
            pd.DataFrame(shown, columns=["File", "Reason"]),
            border="horizontal",
            hide_index=True,
            height=height,
        )
        return
    counted = Counter(reason for _, reason in rows).most_common(MOST_REASONS)
    st.markdown(_points([f"{count_of(count, 'file')}: {reason}" for reason, count in counted]))
    st.dataframe(pd.DataFrame(rows, columns=["File", "Reason"]), hide_index=True, key=key)


def _points(sentences: Sequence[str]) -> str:
    if len(sentences) == 1:
        return literal(sentences[0])
    return "\n".join(f"- {literal(sentence)}" for sentence in sentences)
