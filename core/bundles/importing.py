"""A bundle becomes a run of this workspace, under a new id, or leaves nothing behind.

Its files are unpacked into `imports/ID/files`. In the transaction that adds the run they move to `runs/ID` as its last
step. A process that is killed before the commit leaves a folder in `imports`, by which the next import and the next
server know what to remove.
"""

import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from core.bundles.unpacking import unpack
from core.datasets.identity import data_problem
from core.errors import BundleError, CannotWrite
from core.formatting import printable, reason
from core.store.records import Run
from core.store.store import Store
from core.system.files import sync_folder
from core.workspace import Workspace

LOCK_SECONDS = 60.0
_FILES = "files"


def import_bundle(workspace: Workspace, store: Store, path: Path, shown_name: str | None = None) -> Run:
    """The run in the bundle at `path`, which sentences call `shown_name`; it belongs to the acting person.

    Raises:
        BundleError: it is damaged, hostile or of a newer ConvDeck.
        NotAllowed: the class does not know who imports it.
        CannotWrite: the disk is full or cannot be written. Nothing of the bundle is kept then, as in every other case.
    """
    shown = printable(shown_name or path.name, 60) or "The file"
    workspace.ensure()
    try:
        with FileLock(workspace.imports_lock, timeout=LOCK_SECONDS):
            _clean(workspace, store)
            return _import(workspace, store, path, shown)
    except Timeout:
        raise BundleError("Another bundle is being imported. Try again in a minute.") from None
    except OSError as error:
        raise CannotWrite(
            f"{shown} cannot be unpacked: {reason(error)}. Free some space and try again."
        ) from error


def _import(workspace: Workspace, store: Store, path: Path, shown: str) -> Run:
    run_id = store.whole_runs.free_id()
    staging, folder = workspace.imports / run_id, workspace.run_folder(run_id)
    try:
        unpacked = unpack(path, shown, staging / _FILES)

        def place() -> None:
            (staging / _FILES).replace(folder)
            sync_folder(workspace.runs)

        return store.whole_runs.add(unpacked.whole, run_id, unpacked.source, place)
    finally:
        _remove(workspace, store, run_id)


def remove_interrupted_imports(workspace: Workspace, store: Store) -> None:
    """Remove what imports have left whose process was killed; nothing while one is under way."""
    if not workspace.imports.is_dir():
        return
    try:
        with FileLock(workspace.imports_lock, timeout=0):
            _clean(workspace, store)
    except (OSError, Timeout):
        return


def _clean(workspace: Workspace, store: Store) -> None:
    workspace.imports.mkdir(exist_ok=True)
    for left in workspace.imports.iterdir():
        _remove(workspace, store, left.name)


def _remove(workspace: Workspace, store: Store, run_id: str) -> None:
    """What an import of this id has left outside of the store, and its run's folder where there is no such run."""
    if not store.whole_runs.is_known(run_id):
        shutil.rmtree(workspace.run_folder(run_id), ignore_errors=True)
    shutil.rmtree(workspace.imports / run_id, ignore_errors=True)


def imported_in_words(workspace: Workspace, run: Run) -> list[str]:
    """What is worth knowing of a run that was just imported, in sentences."""
    found = []
    if problem := data_problem(workspace, run):
        found.append(
            f"{problem} Until then its curves, settings and notes can be read, and it answers pictures of your own."
        )
    origin = run.origin
    if origin is not None and origin.parent_id is not None and origin.parent_id == run.parent_id:
        name = f"“{origin.parent_name}” ({origin.parent_id})" if origin.parent_name else origin.parent_id
        found.append(f"It was forked from {name}.")
    return found
