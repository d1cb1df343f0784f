"""Precision, recall and F1 of each class, the worst first."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.inspection.evaluation import SplitEvaluation
from pages.components.inspect_run.evaluations import PARTS
from pages.components.kit.browser import is_narrow

MOST_PIXELS = 460
ROW_PIXELS = 35
NARROW_NAME = 120


def render_classes(evaluation: SplitEvaluation) -> None:
    """The table of classes; a click on a heading sorts it."""
    st.subheader("Class by class", anchor=False)
    table = classes_frame(evaluation)
    share: dict[str, Any] = {"min_value": 0.0, "max_value": 100.0, "format": "%.1f %%", "width": 110}
    st.dataframe(
        table, hide_index=True, height=min(MOST_PIXELS, ROW_PIXELS * (len(table) + 1) + 3), placeholder="–",
        column_config={
            # On a phone a pinned column of long names would take all of the room.
            "Class": st.column_config.TextColumn(pinned=True, width=NARROW_NAME if is_narrow() else None),
            "Precision": st.column_config.ProgressColumn(
                help="When it gives this answer, how often is that right?", **share
            ),
            "Recall": st.column_config.ProgressColumn(help="How many pictures of this class does it find?", **share),
            "F1": st.column_config.ProgressColumn(
                help="Precision and recall in one number (their harmonic mean): high only where both are high.", **share
            ),
            "Pictures": st.column_config.NumberColumn(
                help=f"{PARTS[evaluation.answers.split]} pictures of this class. Of few pictures, measures are rough.",
                format="localized",
            ),
        },
        alt="Precision, recall, F1 and number of pictures of each class, the worst first",
    )  # fmt: skip
    if any(each.precision is None for each in evaluation.classes):
        st.caption("A class without precision is one that the run never answers.")


def classes_frame(evaluation: SplitEvaluation) -> pd.DataFrame:
    """A row per class, measures in percent, the lowest F1 first."""
    rows = sorted(evaluation.classes, key=lambda each: -1.0 if each.f1 is None else each.f1)
    return pd.DataFrame(
        {
            "Class": [each.name for each in rows],
            "Precision": _in_percent([each.precision for each in rows]),
            "Recall": _in_percent([each.recall for each in rows]),
            "F1": _in_percent([each.f1 for each in rows]),
            "Pictures": [each.support for each in rows],
        }
    )


def _in_percent(values: Sequence[float | None]) -> "pd.Series[float]":
    return 100 * pd.Series(values, dtype=float)
