"""How the example gets into a new workspace: when a server starts there, once, and never again."""

import logging
import os
import shutil

from filelock import FileLock, Timeout

from core.errors import ConvDeckError
from core.example.archive import Example, read_example
from core.store.store import Store
from core.system.files import write_bytes
from core.workspace import Workspace

SWITCH = "CONVDECK_EXAMPLE"
LOCK_SECONDS = 10.0

logger = logging.getLogger(__name__)


def is_wanted() -> bool:
    """`CONVDECK_EXAMPLE=off` leaves the example out."""
    return os.environ.get(SWITCH, "on").strip().lower() not in ("off", "0", "no", "false")


def import_example(workspace: Workspace, store: Store) -> bool:
    """Put the example into a workspace that never had a run. Returns whether it was put there.

    Whatever goes wrong is written to the log and nothing else: without the example everything works. The model comes
    first and the run after it, so that a run that is seen has its model; what a crash in between leaves is written
    over by the next start.
    """
    if not is_wanted():
        return False
    try:
        if not store.never_had_runs():
            return False
        example = read_example()
        # Another server that starts at this moment must not take away what this one is writing.
        with FileLock(workspace.root / "example.lock", timeout=LOCK_SECONDS):
            return _import(workspace, store, example)
    except (OSError, ValueError, Timeout, ConvDeckError) as error:
        logger.warning("The example is left out: %s", error)
        return False


def _import(workspace: Workspace, store: Store, example: Example) -> bool:
    if not store.never_had_runs():
        return False
    folder = workspace.run_folder(example.run.id)
    added = False
    try:
        shutil.rmtree(folder, ignore_errors=True)  # of a crash, and perhaps of another version's example
        folder.mkdir(parents=True)
        for name, data in example.files.items():
            write_bytes(folder / name, data)
        added = store.import_first(example.run)
    finally:
        if not added:
            shutil.rmtree(folder, ignore_errors=True)
    return added


def draw_shapes_ahead(workspace: Workspace) -> None:
    """Have Shapes at hand before somebody waits for the first run on it. What goes wrong is told to that run."""
    from core.datasets.prepare import ensure_dataset  # here: a server whose workspace has it draws nothing

    try:
        ensure_dataset(workspace, "shapes")
    except (OSError, ConvDeckError) as error:
        logger.warning("Shapes could not be drawn ahead: %s", error)
