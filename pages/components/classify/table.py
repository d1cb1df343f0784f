"""All answers to own pictures in a table, also as a file."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.comparison.exports import CONTENT_TYPES, CSV, Column, Table, write_table
from core.engine.answers import Answer
from core.engine.looking import Variants, VariedClass
from core.formatting import file_stem, shortened
from core.inspection.looking import disagree
from core.store.records import Run
from pages.components.classify.uploads import LookedAt
from pages.components.kit.browser import is_narrow
from pages.components.kit.downloads import download_made
from pages.components.kit.redraw import render_folded

FEWEST = 2  # one answer is read from its card
NARROW_NAME, NARROW_CHARACTERS = 150, 20  # pixels, and what has room in them
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
    "agree": st.column_config.TextColumn("Agree", help="Whether all runs have the same answer."),
    "variants_mean": st.column_config.NumberColumn(
        "Varied", format="%.1f %%", help="Mean probability of the answer over the variants."
    ),
    "variants_deviation": st.column_config.NumberColumn(
        "±", format="%.1f", help="Standard deviation of that probability over the variants, in points."
    ),
    "variants_kept": st.column_config.NumberColumn("Keep it", help="Variants that get the same answer."),
    "variants": st.column_config.NumberColumn("Of", help="How many variants there are."),
    "error": st.column_config.TextColumn("Error"),
}  # fmt: skip


def render_table(runs: Sequence[Run], looked: Sequence[LookedAt], *, folded: bool = True) -> None:
    """Nothing for a single picture; `folded`: in an expander."""
    if len(looked) < FEWEST:
        return
    if folded:
        render_folded(
            "All answers as a table", "classify-table", lambda: _draw(runs, looked), icon=":material/table:"
        )
    else:
        st.subheader("All answers", anchor=False)
        _draw(runs, looked)


def draw_so_far(runs: Sequence[Run], looked: Sequence[LookedAt]) -> None:
    """The rows that are there, while others are still asked about."""
    table, columns = _shown(runs, looked)
    st.dataframe(
        table, column_config=columns, hide_index=True, placeholder="–", alt="The answers so far"
    )  # fmt: skip


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


def looks_table(runs: Sequence[Run], looked: Sequence[LookedAt]) -> Table:
    """As `answers_table` of the first run; then each other run's first answer, and whether all agree; then variants.

    Numbers are in the same units. A run is named by its place, `run_2` to `run_4`: two may have the same name.
    """
    table = answers_table([each.answer for each in looked])
    errors = table.pop("error")
    for place in range(1, len(runs)):
        firsts = [each.look.answers[place].top[:1] for each in looked]
        table[f"run_{place + 1}"] = Column("text", [runs[place].name for _ in looked])
        table[f"run_{place + 1}_answer"] = Column(
            "text", [first[0].name if first else None for first in firsts]
        )
        table[f"run_{place + 1}_probability"] = Column(
            "number", [first[0].probability if first else None for first in firsts]
        )
    if len(runs) > 1:
        said = [
            ("no" if disagree(each.look.answers) else "yes") if each.answer.top else None for each in looked
        ]
        table["agree"] = Column("text", said)
    if any(each.variants for each in looked):
        varied = [each.variants for each in looked]
        table["variants_mean"] = Column(
            "number", [each and _of_answer(each, row).mean for each, row in _pairs(looked)]
        )
        table["variants_deviation"] = Column(
            "number", [each and _of_answer(each, row).deviation for each, row in _pairs(looked)]
        )
        table["variants_kept"] = Column("number", [each and each.kept for each in varied])
        table["variants"] = Column("number", [each and each.count for each in varied])
    return {**table, "error": errors}


def _pairs(looked: Sequence[LookedAt]) -> list[tuple[Variants | None, LookedAt]]:
    return [(each.variants, each) for each in looked]


def _of_answer(varied: Variants, looked: LookedAt) -> VariedClass:
    """The class that the picture itself is answered with, which variants may find less probable than others."""
    return next(each for each in varied.classes if each.name == looked.answer.best)


def _shown(runs: Sequence[Run], looked: Sequence[LookedAt]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Without the columns in which nothing is known, which the file has, and with the settings of the others."""
    table = looks_table(runs, looked)
    settings: dict[str, Any] = dict(COLUMNS)
    if is_narrow():  # a pinned column of long names would take all of the room
        settings["image"] = st.column_config.TextColumn("Picture", pinned=True, width=NARROW_NAME)
    for place in range(1, len(runs)):
        name = f"run_{place + 1}"
        del table[name]
        settings[f"{name}_answer"] = st.column_config.TextColumn(f"By {runs[place].name}")
        settings[f"{name}_probability"] = st.column_config.NumberColumn("Its probability", format="%.1f %%")
    in_percent = [
        name
        for name in table
        if name.endswith("probability") or name in ("variants_mean", "variants_deviation")
    ]
    table = table | {name: _hundredfold(table[name]) for name in in_percent}
    if is_narrow():  # of long paths, ends tell pictures apart
        table["image"] = Column(
            "text", [shortened(str(each), NARROW_CHARACTERS) for each in table["image"].values]
        )
    shown = {
        name: column.values
        for name, column in table.items()
        if any(each is not None for each in column.values)
    }
    return pd.DataFrame(shown), {name: settings[name] for name in shown}


def _draw(runs: Sequence[Run], looked: Sequence[LookedAt]) -> None:
    table, columns = _shown(runs, looked)
    st.dataframe(
        table, column_config=columns, hide_index=True, placeholder="–", key="classify-answers",
        alt="Each picture with its two likeliest classes",
    )  # fmt: skip
    download_made(
        "Download as CSV", lambda: write_table(looks_table(runs, looked), CSV),
        f"{file_stem(runs[0].name, 'run')}-answers.csv", CONTENT_TYPES[CSV], icon=":material/download:",
        key="classify-csv",
    )  # fmt: skip


def _hundredfold(column: Column) -> Column:
    return Column(column.kind, [each if each is None else 100 * each for each in column.values])
