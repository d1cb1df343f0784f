"""All answers to own pictures in a table, also as a file."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.comparison.exports import CONTENT_TYPES, CSV, Column, Table, write_table
from core.engine.answers import Answer
from core.formatting import file_stem
from core.store.records import Run
from pages.components.kit.redraw import render_folded

FEWEST = 2  # one answer is read from its card
COLUMNS = {
    "image": st.column_config.TextColumn("Picture", pinned=True),
    "answer": st.column_config.TextColumn("Answer"),
    "probability": st.column_config.NumberColumn("Probability", format="%.1f %%"),
    "second": st.column_config.TextColumn("Second"),
    "second_probability": st.column_config.NumberColumn("Its probability", format="%.1f %%"),
    "known": st.column_config.TextColumn(
        "Known", help="Whether it is like the pictures that the run was trained on."
    ),
    "distance_percentile": st.column_config.NumberColumn(
        "Farther than", format="%.1f %%",
        help="Percent of the validation pictures that are nearer to the training pictures, in the network's features.",
    ),
    "error": st.column_config.TextColumn("Error"),
}  # fmt: skip


def render_table(run: Run, answers: Sequence[Answer]) -> None:
    """Folded; nothing for a single picture."""
    if len(answers) >= FEWEST:
        render_folded(
            "All answers as a table", "classify-table", lambda: _draw(run, answers), icon=":material/table:"
        )


def answers_table(answers: Sequence[Answer]) -> Table:
    """A row per picture. Probabilities are from 0 to 1, the percentile from 0 to 100; what is not known is None."""
    names, probabilities = (
        [
            [getattr(each, field) for each in answer.top[:2]] + [None] * (2 - len(answer.top))
            for answer in answers
        ]
        for field in ("name", "probability")
    )
    found = [answer.knowledge for answer in answers]
    return {
        "image": Column("text", [answer.image for answer in answers]),
        "answer": Column("text", [first for first, _ in names]),
        "probability": Column("number", [first for first, _ in probabilities]),
        "second": Column("text", [second for _, second in names]),
        "second_probability": Column("number", [second for _, second in probabilities]),
        "known": Column("text", [each and ("yes" if each.is_known else "no") for each in found]),
        "distance_percentile": Column("number", [each and each.percentile for each in found]),
        "error": Column("text", [answer.error for answer in answers]),
    }


def _draw(run: Run, answers: Sequence[Answer]) -> None:
    table = answers_table(answers)
    in_percent = {name: _hundredfold(table[name]) for name in ("probability", "second_probability")}
    # A column in which nothing is known is left out here; the file always has all of them.
    shown = {
        name: column.values
        for name, column in (table | in_percent).items()
        if any(each is not None for each in column.values)
    }
    st.dataframe(
        pd.DataFrame(shown), column_config={name: COLUMNS[name] for name in shown}, hide_index=True, placeholder="–",
        key="classify-answers", alt="Each picture with its two likeliest classes",
    )  # fmt: skip
    st.download_button(
        "Download as CSV", lambda: write_table(table, CSV), f"{file_stem(run.name, 'run')}-answers.csv",
        CONTENT_TYPES[CSV], icon=":material/download:", on_click="ignore", key="classify-csv",
    )  # fmt: skip


def _hundredfold(column: Column) -> Column:
    return Column(column.kind, [each if each is None else 100 * each for each in column.values])
