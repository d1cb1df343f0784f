"""What is known of a data set: pictures per class and part, what is to be kept in mind, what an import left out."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.datasets.catalogue import SOURCES
from core.datasets.class_counts import ClassCount, count_notes
from core.datasets.saving import REPORT
from core.datasets.splits import counts_of
from core.datasets.storage import Dataset, DatasetInfo, load_dataset
from core.errors import UserError
from core.formatting import count_of
from core.importing.report import ImportReport, load_report
from core.workspace import Workspace
from pages.components.kit.cache import VersionedCache
from pages.components.kit.text import literal

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
    """One box of what misleads, and one of what else is worth knowing."""
    serious = report.serious()
    others = [sentence for sentence in report.sentences() if sentence not in serious]
    if serious:
        st.warning(_points(serious), icon=":material/warning:")
    if others:
        st.info(_points(others), icon=":material/info:")


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
        rows = [(each.file, each.reason) for each in report.left_out]
        st.dataframe(pd.DataFrame(rows, columns=["File", "Reason"]), hide_index=True, key=key)


def _points(sentences: Sequence[str]) -> str:
    if len(sentences) == 1:
        return literal(sentences[0])
    return "\n".join(f"- {literal(sentence)}" for sentence in sentences)
