"""The trash as people use it: restore a run, delete it for good now, or leave that to the server after a week."""

import logging
import shutil
import time
from collections.abc import Iterable

from core.errors import ConvDeckError, RunError
from core.store.records import Run
from core.store.store import Store
from core.store.trash import KEPT_SECONDS
from core.workspace import Workspace, folder_bytes

logger = logging.getLogger(__name__)


def restore_run(workspace: Workspace, run_id: str) -> Run:
    """Bring a run back from the trash as it was. Raises RunNotFound."""
    with Store(workspace) as store:
        return store.trash.restore(run_id)


def purge_run(workspace: Workspace, run_id: str) -> None:
    """Delete a run in the trash for good. Raises RunNotFound; RunError when its files cannot be deleted."""
    with Store(workspace) as store:
        _purge(workspace, store, store.trash.begin_purge(run_id=run_id))


def empty_trash(workspace: Workspace) -> int:
    """Delete all runs in the trash for good. Returns how many. Raises RunError as `purge_run`."""
    with Store(workspace) as store:
        return _purge(workspace, store, store.trash.begin_purge())


def purge_expired(workspace: Workspace) -> int:
    """Delete for good what has been in the trash for KEPT_SECONDS. Returns how many; what goes wrong is logged."""
    try:
        with Store(workspace) as store:
            return _purge(workspace, store, store.trash.begin_purge(before=time.time() - KEPT_SECONDS))
    except ConvDeckError as error:
        logger.warning("Old runs in the trash could not be deleted; trying again later. %s", error)
        return 0


def trash_bytes(workspace: Workspace, run_ids: Iterable[str]) -> int:
    """How much the files of these runs hold."""
    return sum(folder_bytes(workspace.run_folder(run_id)) for run_id in run_ids)


def _purge(workspace: Workspace, store: Store, run_ids: list[str]) -> int:
    problem = None
    for run_id in run_ids:
        try:
            shutil.rmtree(workspace.run_folder(run_id))
        except FileNotFoundError:
            pass  # it never got as far as writing anything
        except OSError as error:
            problem = error  # it stays, and is tried again by the next purge
            continue
        store.trash.end_purge(run_id)
    if problem is not None:
        raise RunError(
            f"Files of deleted runs are left in {workspace.runs}: {problem.strerror}. Fix the folder's permissions; "
            "the server tries again every hour."
        ) from problem
    return len(run_ids)
