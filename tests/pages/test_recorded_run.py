"""Every page with a run of another tool, of which there are curves alone: it is shown, or refused in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.bundles.arrivals import import_any
from core.datasets.prepare import ensure_dataset
from core.foreign.reading import Given
from core.server.services import get_services
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.workspace import Workspace
from tests.core.foreign.written import CURVES, csv_of
from tests.core.studies.ended import TINY, create, end, spec
from tests.pages.visits import open_page, unfold, words

CSV = csv_of("epoch,loss,accuracy,val_loss,val_accuracy", [(epoch, *row) for epoch, row in enumerate(CURVES)])


@pytest.fixture
def runs(workspace: Workspace, tmp_path: Path) -> Iterator[tuple[Run, Run]]:
    """The one of another tool, and one of ours, besides a study."""
    ensure_dataset(workspace, "shapes")
    file = tmp_path / "theirs.csv"
    file.write_bytes(CSV)
    with Store(workspace) as store:
        (theirs,) = import_any(workspace, store, [Given(file, "theirs.csv")])
        ours = end(store, store.queue_run(RunRequest(TINY, name="ours")))
        create(store, spec("seeds", TINY, num_seeds=2))
        yield theirs, ours
    get_services().engine.close()


@pytest.mark.parametrize(
    "name", ["runs", "compare", "inspect_run", "classify", "augment", "notebook", "design"]
)
def test_a_link_to_it_shows_it_or_says_what_it_lacks(name: str, runs: tuple[Run, Run]) -> None:
    theirs, _ = runs
    page = open_page(f"{name}.py", run=theirs.id)  # which fails where a page raises
    if name in ("runs", "compare"):
        assert not page.error
    if name == "runs":
        assert theirs.name in words(page)
    if name in ("inspect_run", "classify"):
        assert f"“{theirs.name}” was imported from Keras" in words(page)
    if name == "augment":
        assert f"“{theirs.name}” has no weights, so" in words(page)


def test_design_and_augment_do_not_begin_from_it(runs: tuple[Run, Run]) -> None:
    theirs, _ = runs
    for name in ("design", "augment"):
        assert f"“{theirs.name}” was imported from Keras" in words(
            open_page(f"{name}.py", **{"from": theirs.id})
        )


@pytest.mark.parametrize("name", ["home", "studies", "sweeps", "datasets", "lesson"])
def test_pages_that_choose_no_run_open_beside_it(name: str, runs: tuple[Run, Run]) -> None:
    assert not open_page(f"{name}.py").error


def test_no_study_begins_from_it(runs: tuple[Run, Run]) -> None:
    theirs, ours = runs
    page = open_page("studies.py", kind="seeds", runs=f"{theirs.id},{ours.id}")
    assert [f"“{theirs.name}” was imported from Keras" in each.value for each in page.warning] == [True]
    links = [each.proto.label for each in open_page("runs.py", run=theirs.id).get("page_link")]
    assert "Signal or noise?" not in links
    assert "Signal or noise?" in [
        each.proto.label for each in open_page("runs.py", run=ours.id).get("page_link")
    ]


def test_all_that_is_folded_on_its_page_opens(runs: tuple[Run, Run]) -> None:
    theirs, _ = runs
    assert not unfold(open_page("runs.py", run=theirs.id)).error


def test_it_stands_beside_a_run_of_ours(runs: tuple[Run, Run]) -> None:
    theirs, ours = runs
    for name in ("runs", "compare", "inspect_run", "classify"):
        page = open_page(f"{name}.py", run=f"{theirs.id},{ours.id}")
        if name in ("runs", "compare"):
            assert not page.error
