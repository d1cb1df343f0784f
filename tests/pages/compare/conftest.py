"""A workspace with 40 runs in 8 settings, written once; each test gets a copy of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit

from core.runs import trash
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace
from tests.pages.compare.stocked import stock


@pytest.fixture(scope="session")
def stocked_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the 40 runs are; not to be changed."""
    root = tmp_path_factory.mktemp("stocked") / "workspace"
    with Store(Workspace(root).ensure()) as store:
        stock(store)
    return root


@pytest.fixture
def store(stocked_root: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of a copy, which is the current workspace; nothing starts a scheduler."""
    shutil.copytree(stocked_root, workspace.root, dirs_exist_ok=True)
    monkeypatch.setattr(trash, "ensure_scheduler", lambda workspace: None)
    with Store(workspace) as store:
        yield store


@pytest.fixture
def runs(store: Store) -> list[Run]:
    """In the order of their making."""
    return store.list_runs()[::-1]


@pytest.fixture
def tick(monkeypatch):
    """Tick rows of the table and draw the page again; AppTest has no click for it."""
    rows: list[int] = []
    drawn = streamlit.dataframe

    def dataframe(*arguments, **options):
        drawn(*arguments, **options)
        return SimpleNamespace(selection=SimpleNamespace(rows=list(rows)))

    monkeypatch.setattr(streamlit, "dataframe", dataframe)

    def tick(page, *wanted: int):
        rows[:] = wanted
        page.run()
        assert not page.exception

    return tick
