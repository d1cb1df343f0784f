"""Pages about real runs on uneven classes: what each says beside accuracy."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.runs.breakdown import caution_in_words
from core.store.class_accuracy import ClassCounts
from core.store.records import RunData
from core.store.store import Store
from pages.components.runs.table import table_data, table_row
from tests.core.conftest import own_data
from tests.pages.visits import open_page, unfold, words
from tests.uneven import draw_leaves

FEW = (
    "Few training pictures: rare (10). Better are 20 or more per class. The classes are uneven: healthy has 120 "
    "training pictures, rare 10."
)


def test_the_page_of_a_run_has_its_pictures_and_balanced_accuracy(uneven_home) -> None:
    with Store(uneven_home.workspace) as store:
        run = store.get_run(uneven_home.run_id)
    page = open_page("runs.py", run=run.id)
    tiles = {tile.label: tile.value for tile in page.metric}
    assert tiles["Balanced"] == f"{100 * run.balanced_accuracy:.1f} %"
    assert FEW in words(page)
    unfold(page, "Pictures per class")
    shown = next(each.value for each in page.dataframe if "Class" in each.value)
    assert shown.to_numpy().tolist() == [["healthy", 120, 60, 60], ["ill", 30, 15, 15], ["rare", 10, 5, 5]]


def test_the_page_of_a_run_has_a_table_of_accuracies(uneven_home) -> None:
    with Store(uneven_home.workspace) as store:
        run = store.get_run(uneven_home.run_id)
        classes = store.breakdowns.validation_at(run.id, run.best_epoch)
    page = unfold(open_page("runs.py", run=run.id), "Accuracy per class")
    shown = next(each.value for each in page.dataframe if "Right" in each.value)
    assert shown["Class"].tolist() == ["healthy", "ill", "rare"]
    assert shown["Validation pictures"].tolist() == [60, 15, 5]
    assert shown["Right"].tolist() == classes.right[-1].tolist()
    assert shown["Validation"].tolist() == pytest.approx((100 * classes.right[-1] / [60, 15, 5]).tolist())
    assert f"After epoch {run.best_epoch}, the best one" in words(page)


def test_classify_says_what_the_accuracy_hides(uneven_home) -> None:
    with Store(uneven_home.workspace) as store:
        run = store.get_run(uneven_home.run_id)
    text = words(open_page("classify.py", run=run.id))
    assert f"with each class counted the same, {100 * run.balanced_accuracy:.1f} % are right." in text


def test_what_a_caution_says() -> None:
    """By hand: 1.96 · √(0.25 / 10) is 31 points; (7/7 + 1/2 + 0/1) / 3 is 50 %."""
    run = run_of(("healthy", "rust", "blight"), 10)
    classes = ClassCounts(np.array([7, 2, 1]), np.array([[7, 1, 0]]))
    assert caution_in_words(run, classes) == (
        "That was measured on 10 pictures alone, so it is known to about ± 31 points. Its classes are uneven: with "
        "each class counted the same, 50.0 % are right. No validation picture of “blight” was right."
    )
    even = ClassCounts(np.array([500, 500]), np.array([[400, 300]]))
    assert caution_in_words(run_of(("a", "b"), 1000), even) is None


def run_of(class_names: tuple[str, ...], num_validation: int) -> Any:
    return SimpleNamespace(data=RunData("d", class_names, 100, num_validation), class_names=class_names)


def test_the_table_has_a_column_only_for_uneven_classes(uneven_home) -> None:
    with Store(uneven_home.workspace) as store:
        run = store.get_run(uneven_home.run_id)
    table = table_data([table_row(run, (), [])])
    assert table["balanced"].tolist() == [pytest.approx(100 * run.balanced_accuracy)]

    even = replace(run, uneven_classes=False)
    assert "balanced" not in table_data([table_row(even, (), [])])
    assert len(table_data([table_row(even, (), []), table_row(run, (), [])])["balanced"].dropna()) == 1


def test_a_study_says_both(uneven_home) -> None:
    page = open_page("studies.py", study=uneven_home.study_id)
    text = words(page)
    assert (
        "Classes are uneven: they do not count the same in the accuracy of the headline. Balanced accuracy: "
        in text
    )
    columns = [list(each.value.columns) for each in page.dataframe]
    assert any(sum("balanced" in str(name) for name in names) == 2 for names in columns)


def test_design_hints_at_uneven_classes_only_where_they_are(workspace) -> None:
    draw_leaves(workspace)
    own_data(workspace, "pets", count=200)
    hint = "The classes are uneven: healthy has 240 training pictures, rare 20."
    for dataset, hinted in (("leaves", True), ("pets", False)):
        page = open_page("design.py", dataset=dataset)
        field = next(each for each in page.selectbox if (each.key or "").endswith("dataset.id"))
        field.set_value(dataset).run()
        assert not page.exception
        assert (hint in words(page)) is hinted
