"""Why a run does not get on although nothing is wrong with it: its disk is full or its folder cannot be written.

Told from the reading side alone, because the run's process cannot write it down: how much room there is, how much the
run needs, and how long its process has reported nothing.
"""

import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from core.datasets.lookup import dataset_shape
from core.design.architecture import describe_network
from core.errors import UserError
from core.runs.trash import trash_in_words
from core.store.database import FULL_BYTES
from core.store.records import Run
from core.store.states import RunState
from core.system.processes import is_alive
from core.workspace import Workspace

# While it trains, a process reports twice a second; while it measures and saves, not at all, which may take a while.
SILENT_SECONDS = 60.0
# What database and logs need beside the weights.
RESERVE_BYTES = 1_000_000
# More than the weights of any network need. With this much free, no further check is necessary.
MOST_BYTES = 4_000_000_000
# Weights and what the optimizer keeps of each, in a checkpoint, and the weights once more in the saved model.
BYTES_PER_PARAMETER = 4 * (3 + 1)


def trouble_of(workspace: Workspace, run: Run) -> str | None:
    """What keeps a waiting or active run from getting on and what to do, in sentences; None where nothing does."""
    if run.state.is_finished:
        return None
    then = _what_follows(run)
    try:
        free = shutil.disk_usage(workspace.root).free
    except OSError as error:
        return f"The workspace {workspace.root} cannot be reached: {error.strerror}. {then}"
    if not os.access(workspace.root, os.W_OK):
        return (
            f"The workspace {workspace.root} cannot be written, so nothing can be saved: make the folder writable. "
            f"{then}"
        )
    needed = 0 if free >= MOST_BYTES else _needed_bytes(workspace, run)
    is_full = free < FULL_BYTES
    # With less than it needs, a run starts all the same, in its turn.
    if free >= needed or (run.state is RunState.WAITING and not is_full):
        return None
    trash = trash_in_words(workspace)
    what = f"The disk of the workspace is {'full' if is_full else 'nearly full'}"
    room = f"{_megabytes(free)} are free, about {_megabytes(needed)} are needed"
    how = "Free some space"
    if trash:
        how += f": empty the trash ({trash}) on System or with python -m core trash --empty"
    if (run.state is RunState.RUNNING and not _is_silent(run)) or (
        run.state is RunState.STARTING and not is_full
    ):
        return (
            f"{what}: {room} to save an epoch. {how}. Otherwise, this run waits at the end of epoch {run.epoch + 1} "
            "until there is enough."
        )
    return f"{what}: {room}. {how}. {then}"


def first_trouble(workspace: Workspace, runs: Iterable[Run]) -> str | None:
    """That of the first of several runs that has any: the disk is the same for all."""
    return next(filter(None, (trouble_of(workspace, run) for run in runs)), None)


def _what_follows(run: Run) -> str:
    if run.pid is not None and run.pid_started is not None and not is_alive(run.pid, run.pid_started):
        return "The training process has ended; once that can be recorded, this run can be resumed."
    epoch = min(run.epoch + 1, run.total_epochs)
    match run.state:
        case RunState.WAITING | RunState.STARTING:
            return "This run then starts in its turn."
        case RunState.PAUSED:
            return f"This run is paused in epoch {epoch}; resume it afterwards."
        case _:
            return f"Training waits in epoch {epoch} and then continues by itself."


def _is_silent(run: Run) -> bool:
    return run.heartbeat is None or time.time() - run.heartbeat > SILENT_SECONDS


def _needed_bytes(workspace: Workspace, run: Run) -> int:
    """For one more epoch: a checkpoint and a model, as large as those that are there or as its network makes them."""
    folder = workspace.run_folder(run.id)
    weights = _largest(folder, "*.checkpoint") + _largest(folder, "*.keras")
    return RESERVE_BYTES + (weights or BYTES_PER_PARAMETER * _num_parameters(workspace, run))


def _largest(folder: Path, pattern: str) -> int:
    try:
        return max((path.stat().st_size for path in folder.glob(pattern)), default=0)
    except OSError:
        return 0  # one was removed a moment ago


def _num_parameters(workspace: Workspace, run: Run) -> int:
    """0 where settings or data cannot be read."""
    try:
        config = run.config
        return describe_network(config.model, *dataset_shape(workspace, config.dataset)).parameters
    except UserError:
        return 0


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
