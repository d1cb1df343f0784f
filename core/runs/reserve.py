"""A megabyte of the disk that is kept free, so that runs can be deleted while the disk is full."""

import logging
import os
import shutil
from collections.abc import Callable
from typing import TypeVar

from core.errors import CannotWrite
from core.system.files import write_bytes
from core.workspace import Workspace

RESERVE_BYTES = 1_000_000  # many times what the database needs to mark or forget some runs
# With less free space, training needs it more than the reserve does.
ROOM_BYTES = 3 * RESERVE_BYTES

logger = logging.getLogger(__name__)

T = TypeVar("T")


def keep_reserve(workspace: Workspace) -> None:
    """Write the reserve where it is missing and there is room."""
    try:
        if not workspace.reserve.exists() and shutil.disk_usage(workspace.root).free >= ROOM_BYTES:
            write_bytes(workspace.reserve, os.urandom(RESERVE_BYTES))  # zeros may take no space
    except OSError as error:
        logger.warning("No space could be reserved for deleting runs: %s", error)


def with_reserve(workspace: Workspace, write: Callable[[], T]) -> T:
    """What `write` returns, which on a full disk is called a second time with the reserve released.

    Raises CannotWrite where there is no reserve, or it does not help.
    """
    try:
        return write()
    except CannotWrite:
        if not _release(workspace):
            raise
    return write()


def _release(workspace: Workspace) -> bool:
    try:
        if shutil.disk_usage(workspace.root).free >= RESERVE_BYTES:
            return False  # that is not what is missing
        workspace.reserve.unlink()
    except OSError:
        return False
    return True
