"""Below a run's measures: which classes have so few pictures that an accuracy hides them, with all of the numbers."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.datasets.class_counts import ClassCount, count_notes
from core.runs.verdicts import class_counts_of
from core.server.services import Services
from core.store.records import Run
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import literal


def render_class_pictures(services: Services, run: Run) -> None:
    """Nothing where every class has enough, and where the run's data is not here any more."""
    counts = class_counts_of(services.workspace, run) or ()
    if not (notes := count_notes(counts)):
        return
    st.caption(f":material/balance: {literal(' '.join(notes))}")
    render_folded(
        "Pictures per class",
        f"class-pictures-{run.id}",
        lambda: _render_table(counts),
        icon=":material/photo_library:",
    )


def _render_table(counts: Sequence[ClassCount]) -> None:
    st.dataframe(
        class_table(counts),
        hide_index=True,
        alt="The training, validation and test pictures of each class that this run uses",
    )


def class_table(counts: Sequence[ClassCount]) -> pd.DataFrame:
    """A row per class, in the order of the network's outputs."""
    rows = [(each.name, each.train, each.validation, each.test) for each in counts]
    return pd.DataFrame(rows, columns=["Class", "Training", "Validation", "Test"])
