"""The example as a bundle, once for all tests, and an empty workspace to import into."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.bundles.importing import import_bundle
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace
from tests.core.bundles.made import example_bundle


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace that the bundle comes from."""
    return Workspace(tmp_path_factory.mktemp("exported")).ensure()


@pytest.fixture(scope="session")
def bundle(exported: Workspace) -> bytes:
    """Of the example run."""
    return example_bundle(exported, exported.root / "example.zip")


@pytest.fixture(scope="session")
def bundle_file(exported: Workspace, bundle: bytes) -> Path:
    """The same as a file: Hypothesis writes down what a test gets."""
    return exported.root / "example.zip"


@pytest.fixture
def take(workspace: Workspace, store: Store, tmp_path: Path) -> Iterator[Callable[[bytes], Run]]:
    """Import bytes into the empty workspace."""

    def take(data: bytes) -> Run:
        path = tmp_path / "given.zip"
        path.write_bytes(data)
        return import_bundle(workspace, store, path)

    yield take


def is_empty(workspace: Workspace, store: Store) -> bool:
    """Whether a workspace has no run and no file of one."""
    return (
        not store.list_runs()
        and not store.trash.list_runs()
        and not store.notes.list_notes()
        and not list(workspace.runs.iterdir())
        and not list(workspace.imports.glob("*"))
    )
