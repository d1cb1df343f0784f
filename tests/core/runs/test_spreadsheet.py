import csv
import io
import math

import pytest

from core.design.presets import PRESETS
from core.epoch import CURVE_KEYS
from core.runs.documents import curves_csv, escape_cell, run_summary, summaries_csv
from core.store.records import RunRequest
from core.store.store import Store


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", '=HYPERLINK("http://x","y")']
)
def test_what_a_spreadsheet_would_run_is_text(text):
    assert escape_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["article 1", "a=b", "1-2", "", "“=1”"])
def test_other_text_stays_as_it_is(text):
    assert escape_cell(text) == text


def test_a_row_per_run_and_epoch(workspace):
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config, '=cmd|" /C calc"!A0'))
    curves = {key: [0.5, math.nan] for key in CURVE_KEYS} | {"epoch": [1, 2], "seconds": [2.0, None]}

    rows = list(csv.DictReader(io.StringIO(curves_csv([(run, curves)]))))

    assert [(row["run"], row["name"], row["epoch"]) for row in rows] == [
        (run.id, "'" + run.name, "1"),
        (run.id, "'" + run.name, "2"),
    ]
    assert [row["val_accuracy"] for row in rows] == ["0.5", ""]
    assert [row["seconds"] for row in rows] == ["2.0", ""]


def test_a_row_per_run_with_text_escaped_and_numbers_as_they_are(workspace):
    with Store(workspace) as store:
        for name in ('=cmd|" /C calc"!A0', "@SUM(A1)", "plain"):
            store.queue_run(RunRequest(PRESETS["tiny"].config, name))
        runs = store.list_runs()
    rows = list(csv.DictReader(io.StringIO(summaries_csv(runs))))
    assert [row["name"] for row in rows] == ["plain", "'@SUM(A1)", "'" + '=cmd|" /C calc"!A0']
    assert list(rows[0]) == list(run_summary(runs[0]))
    assert [float(row["created_at"]) for row in rows] == [run.created_at for run in runs]
    assert rows[0]["gap"] == ""
