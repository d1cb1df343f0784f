"""The run that comes with ConvDeck shows on Runs and on Inspect what every new run shows."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.datasets.prepare import ensure_dataset
from core.formatting import percent
from core.onboarding.example import EXAMPLE_ID, import_example
from core.server.services import get_services
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace
from pages.components.inspect_run.side_by_side import is_same_data
from tests.pages.visits import open_page, unfold, words


@pytest.fixture
def example(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("CONVDECK_EXAMPLE", "on")
    ensure_dataset(workspace, "shapes")
    with Store(workspace) as store:
        assert import_example(workspace, store)
        yield store.get_run(EXAMPLE_ID)
    get_services().engine.close()


def look_at(tab: str) -> AppTest:
    page = open_page("runs.py", run=EXAMPLE_ID)
    page.session_state[f"details-{EXAMPLE_ID}"] = tab
    page.run()
    assert not page.exception and not page.error
    return page


def test_runs_has_its_classes_and_its_followed_pictures(example: Run) -> None:
    page = look_at("Classes")
    assert [tab.label for tab in page.tabs] == ["Classes", "Pictures"]
    assert len(page.get("vega_lite_chart")) == 3  # accuracy, loss, classes
    assert len(look_at("Pictures").get("vega_lite_chart")) == 4  # of training, and of validation


def test_inspect_measures_its_best_epoch_and_has_its_confusions_over_the_epochs(example: Run) -> None:
    page = open_page("inspect_run.py", run=EXAMPLE_ID, split="validation")
    assert not page.error and not page.warning
    # Another processor rounds otherwise, which turns a close answer of the 1,500 now and then.
    assert percent(example.best_val_accuracy)[:2] in words(page)
    unfold(page, "Over the epochs")
    assert "Largest confusions after epoch 25" in words(page)


def test_it_can_be_held_against_runs_on_the_same_data_though_it_has_no_digest(example: Run) -> None:
    newer = replace(example, id="newer", dataset_digest="ab" * 32, class_names_json='["circle"]')
    assert is_same_data(example, newer) and is_same_data(newer, example)
    assert not is_same_data(example, replace(newer, dataset="cifar10"))
    assert not is_same_data(newer, replace(newer, dataset_digest="cd" * 32))
