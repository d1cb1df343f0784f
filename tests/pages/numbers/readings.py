"""What a page shows, as a visitor reads it, and what the database holds, as SQLite gives it."""

import re
import sqlite3
from collections.abc import Iterable

import pandas as pd
import pyarrow as pa
from streamlit.testing.v1 import AppTest

from core.workspace import Workspace

NUMBER = re.compile(r"(?<![\w.#/-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w-])")
TEXTS = ("title", "subheader", "markdown", "caption", "error", "warning", "info", "code")


def read_numbers(texts: Iterable[str]) -> set[str]:
    return {found for text in texts for found in NUMBER.findall(text)}


def texts_of(page: AppTest) -> list[str]:
    words = [str(element.value) for kind in TEXTS for element in getattr(page, kind)]
    words += [f"{tile.label} {tile.value}" for tile in page.metric]
    return [typed(text.replace("\\", "")) for text in words]


def typed(text: str) -> str:
    """With the space and the hyphen of a keyboard for the unbroken space and the minus sign that people see."""
    return text.replace("\xa0", " ").replace("\N{MINUS SIGN}", "-")


def chart_data(chart) -> pd.DataFrame:
    return pa.ipc.open_stream(chart.proto.data.data).read_pandas()


def sql(workspace: Workspace, query: str, *values: object) -> list[sqlite3.Row]:
    """The rows of a query; a row's columns by place or by name."""
    connection = sqlite3.connect(workspace.database)
    connection.row_factory = sqlite3.Row
    rows = connection.execute(query, values).fetchall()
    connection.close()
    return rows


def epochs_of(workspace: Workspace, run_id: str) -> list[sqlite3.Row]:
    """The rows of a run's epochs in their order."""
    query = (
        "SELECT epochs.* FROM epochs JOIN runs ON number = run_number WHERE runs.id = ? ORDER BY epochs.epoch"
    )
    return sql(workspace, query, run_id)
