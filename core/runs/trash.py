"""The trash as people use it: delete several runs and restore them as one, delete a run for good now, or leave that to
the server after a week.
"""

import contextlib
import logging
import shutil
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from core.errors import CannotWrite, ConvDeckError, IllegalTransition, NotAllowed, RunError, RunNotFound
from core.formatting import count_of
from core.runs.reserve import keep_reserve, with_reserve
from core.runs.starting_weights import keep_for_others
from core.scheduling.service import ensure_scheduler
from core.store.records import Run
from core.store.store import Store
from core.store.trash import KEPT_SECONDS, TrashedBatch
from core.workspace import Workspace, folder_bytes

# How old a size may be that is shown at each drawing.
SIZE_SECONDS = 30.0
# Behind the id in the name of a folder whose files go before the database could note it.
_GOING = ".deleted"

logger = logging.getLogger(__name__)


def delete_runs(workspace: Workspace, run_ids: Sequence[str], wait_seconds: float = 5.0) -> TrashedBatch:
    """Move runs into the trash together, all or none: one action, which `restore_runs` undoes.

    Raises as `core.runs.control.delete_run` does, for the first that cannot be deleted.
    """
    ensure_scheduler(workspace)
    with Store(workspace) as store:
        wait_for_processes(store, run_ids, wait_seconds)
        try:
            return with_reserve(workspace, lambda: store.trash.put_all(run_ids))
        except (IllegalTransition, NotAllowed) as error:
            if len(run_ids) == 1:
                raise
            raise type(error)(f"{error} None of the {len(run_ids):,} runs was deleted.") from None


def restore_runs(workspace: Workspace, run_ids: Sequence[str]) -> list[Run]:
    """Bring runs back from the trash together. Those whose files are gone or being deleted are left out.

    Raises RunNotFound when that is so of all; RunError likewise.
    """
    going = _going(workspace)
    wanted = [run_id for run_id in run_ids if run_id not in going]
    if run_ids and not wanted:
        raise RunError("The files of these runs are being deleted, so they cannot be restored any more.")
    with Store(workspace) as store:
        return store.trash.restore_all(wanted)


def wait_for_processes(store: Store, run_ids: Iterable[str], wait_seconds: float) -> None:
    """Wait until the processes of those that have ended are gone, because they may still write; at most this long.

    Raises RunNotFound.
    """
    deadline = time.monotonic() + wait_seconds
    for run_id in run_ids:
        run = store.get_run(run_id)
        while run.state.is_finished and run.pid is not None and time.monotonic() < deadline:
            time.sleep(0.1)
            run = store.get_run(run_id)


def restore_run(workspace: Workspace, run_id: str) -> Run:
    """Bring a run back from the trash as it was. Raises RunNotFound; RunError when its files are being deleted."""
    with Store(workspace) as store:
        if run_id in _going(workspace):
            raise RunError("The files of this run are being deleted, so it cannot be restored any more.")
        return store.trash.restore(run_id)


def purge_run(workspace: Workspace, run_id: str) -> None:
    """Delete a run in the trash for good.

    Raises RunNotFound; IllegalTransition while it has a process; RunError when its files cannot be deleted.
    """
    _purge(workspace, run_id=run_id)


def empty_trash(workspace: Workspace) -> int:
    """Delete all runs in the trash for good. Returns how many. Raises RunError as `purge_run`."""
    return _purge(workspace)


def purge_expired(workspace: Workspace) -> int:
    """Delete for good what has been in the trash for KEPT_SECONDS. Returns how many; what goes wrong is logged."""
    try:
        count = _purge(workspace, before=time.time() - KEPT_SECONDS)
        for run_id in _going(workspace):
            with contextlib.suppress(RunNotFound):
                count += _purge(workspace, run_id=run_id)
        return count
    except ConvDeckError as error:
        logger.warning("Old runs in the trash could not be deleted; trying again later. %s", error)
        return 0


def trash_bytes(workspace: Workspace, run_ids: Iterable[str]) -> int:
    """How much the files of these runs hold, as of at most SIZE_SECONDS ago."""
    return _folders_bytes(workspace.runs, tuple(run_ids), int(time.monotonic() / SIZE_SECONDS))


def trash_in_words(workspace: Workspace) -> str | None:
    """What emptying the trash would free: `2 runs, 42.0 MB`; None where that is nothing or cannot be read."""
    try:
        with Store(workspace) as store:
            ids = store.trash.to_purge()
    except ConvDeckError:
        return None
    size = trash_bytes(workspace, ids)
    return f"{count_of(len(ids), 'run')}, {size / 1e6:.1f} MB" if size else None


@lru_cache(maxsize=4)
def _folders_bytes(runs: Path, run_ids: tuple[str, ...], period: int) -> int:
    return sum(folder_bytes(runs / run_id) for run_id in run_ids)


def _purge(workspace: Workspace, run_id: str | None = None, before: float | None = None) -> int:
    with Store(workspace) as store:
        try:
            ids = with_reserve(workspace, lambda: store.trash.begin_purge(run_id=run_id, before=before))
        except CannotWrite:
            # The files first, so that there is space to note it.
            going = store.trash.to_purge(run_id=run_id, before=before)
            keep_for_others(workspace, store, going)
            if not _take_files(workspace, going):
                raise
            ids = store.trash.begin_purge(run_id=run_id, before=before)
        problem = None
        keep_for_others(workspace, store, ids)
        for each in ids:
            try:
                _remove(workspace.run_folder(each))
                _remove(_going_folder(workspace, each))
            except OSError as error:
                problem = error  # it stays, and is tried again by the next purge
                continue
            store.trash.end_purge(each)
    keep_reserve(workspace)
    if problem is not None:
        raise RunError(
            f"Files of deleted runs are left in {workspace.runs}: {problem.strerror}. Fix the folder's permissions; "
            "the server tries again every hour."
        ) from problem
    return len(ids)


def _take_files(workspace: Workspace, run_ids: Iterable[str]) -> int:
    """Delete the runs' files, in folders renamed first: until the database knows, nothing restores such a run.

    Returns how many had files.
    """
    count = 0
    for run_id in run_ids:
        going = _going_folder(workspace, run_id)
        with contextlib.suppress(OSError):
            workspace.run_folder(run_id).rename(going)
            count += 1
            for path in going.iterdir():  # the folder itself stays
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
    return count


def _going(workspace: Workspace) -> set[str]:
    return {path.name.removesuffix(_GOING) for path in workspace.runs.glob(f"*{_GOING}")}


def _going_folder(workspace: Workspace, run_id: str) -> Path:
    return workspace.runs / f"{run_id}{_GOING}"


def _remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it never got as far as writing anything
        shutil.rmtree(folder)
