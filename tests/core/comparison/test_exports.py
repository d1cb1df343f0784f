"""Exports, read back by others."""

import csv
import io

import pandas as pd
import pytest

from core.comparison.exports import FORMATS, export_curves, export_runs
from core.comparison.facts import read_facts
from core.store.states import RunState
from tests.core.comparison.made import stored

EPOCHS = [{"val_accuracy": 0.25, "val_loss": 2.0, "seconds": 1.5}, {"val_accuracy": 0.5, "seconds": 1.5}]


@pytest.fixture
def runs(store):
    blocks = {"model.blocks": [{"kernel_sizes": [3, 5], "padding": "same"}, {}]}
    first = stored(store, blocks, EPOCHS, name="=SUM(A1)")
    store.marks.add_tags([first], ["b", "a"])
    stored(store, {"training.early_stopping_patience": 3}, state=RunState.FAILED, name="lost, and ü")
    return read_facts(store)[::-1]


def read(data: bytes, file_format: str) -> pd.DataFrame:
    return (pd.read_csv if file_format == "csv" else pd.read_parquet)(io.BytesIO(data))


@pytest.mark.parametrize("file_format", FORMATS)
def test_runs_have_every_setting_result_and_tag(runs, file_format) -> None:
    table = read(export_runs(runs, file_format), file_format)
    assert table["id"].tolist() == [run.id for run in runs]
    assert set(table.columns) > {path for run in runs for path in run.settings} | set(runs[0].results)
    assert table["val_accuracy"].tolist()[0] == 0.5 and pd.isna(table["val_accuracy"][1])
    assert table["state"].tolist() == ["FINISHED", "FAILED"] and table["epochs"].tolist() == [2, 0]
    assert table["optimizer.learning_rate"].tolist() == [0.001, 0.001]
    assert pd.isna(table["training.early_stopping_patience"][0])
    assert table["training.early_stopping_patience"][1] == 3
    assert pd.isna(table["model.blocks[1].filters"][1]) and table["model.blocks[1].filters"][0] == 32
    assert table["name"][1] == "lost, and ü"


def test_in_parquet_lists_are_lists_and_types_do_not_depend_on_the_runs(runs) -> None:
    import pyarrow.parquet

    table = read(export_runs(runs, "parquet"), "parquet")
    assert [list(tags) for tags in table["tags"]] == [["a", "b"], []]
    assert list(table["model.blocks[0].kernel_sizes"][0]) == [3, 5] and table["name"][0] == "=SUM(A1)"
    both, one = (
        pyarrow.parquet.read_schema(io.BytesIO(export_runs(some, "parquet"))) for some in (runs, runs[1:])
    )
    assert {name: one.field(name).type for name in one.names}.items() <= {
        name: both.field(name).type for name in both.names
    }.items()


def test_in_csv_no_cell_is_a_formula_and_lists_are_json(runs) -> None:
    first, second = csv.DictReader(io.StringIO(export_runs(runs, "csv").decode()))
    assert (first["name"], first["tags"], first["model.blocks[0].kernel_sizes"]) == (
        "'=SUM(A1)", '["a", "b"]', "[3, 5]",
    )  # fmt: skip
    assert second["model.blocks[1].filters"] == second["val_accuracy"] == ""


@pytest.mark.parametrize("file_format", FORMATS)
def test_curves_are_long(store, runs, file_format) -> None:
    table = read(export_curves(store, runs, file_format), file_format)
    assert table["run"].tolist() == [runs[0].id] * 2 and table["epoch"].tolist() == [1, 2]
    assert table["val_accuracy"].tolist() == [0.25, 0.5] and pd.isna(table["val_loss"][1])
    assert read(export_curves(store, [], file_format), file_format).empty
