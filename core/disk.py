"""How much room the workspace takes, and how much is left."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.workspace import Workspace


@dataclass(frozen=True)
class DiskUsage:
    """Bytes: of data sets, of the runs' weights and logs, of the database; free and in all on that disk."""

    datasets: int
    runs: int
    database: int
    free: int
    total: int


def disk_usage(workspace: Workspace) -> DiskUsage:
    """Walks the workspace: some milliseconds for a hundred runs."""
    workspace.ensure()
    disk = shutil.disk_usage(workspace.root)
    database = sum(
        path.stat().st_size for path in workspace.root.glob(f"{workspace.database.name}*") if path.is_file()
    )
    return DiskUsage(
        _folder_bytes(workspace.datasets), _folder_bytes(workspace.runs), database, disk.free, disk.total
    )


def _folder_bytes(folder: Path) -> int:
    total = 0
    for entry in _entries(folder):
        try:
            if entry.is_dir(follow_symlinks=False):
                total += _folder_bytes(Path(entry.path))
            else:
                total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue  # a run is being deleted, or a checkpoint replaced, at this moment
    return total


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
