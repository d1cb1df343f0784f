"""Where everything that ConvDeck writes lives, and how much room it takes."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Workspace:
    """One folder with the database, the data sets and the runs. Names inside it are generated, never typed."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Workspace":
        """`CONVDECK_HOME`, or `workspace/` in the project's folder."""
        home = os.environ.get("CONVDECK_HOME")
        return cls(Path(home).expanduser().resolve() if home else PROJECT_ROOT / "workspace")

    @property
    def database(self) -> Path:
        return self.root / "convdeck.sqlite3"

    @property
    def datasets(self) -> Path:
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def drafts(self) -> Path:
        return self.root / "drafts"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def imports(self) -> Path:
        return self.root / "imports"

    @property
    def imports_lock(self) -> Path:
        return self.root / "imports.lock"

    @property
    def reserve(self) -> Path:
        return self.root / "reserve"

    @property
    def class_key(self) -> Path:
        return self.root / "class-key"

    @property
    def scheduler_lock(self) -> Path:
        return self.root / "scheduler.lock"

    @property
    def scheduler_log(self) -> Path:
        return self.root / "scheduler.log"

    @property
    def searcher_lock(self) -> Path:
        return self.root / "searcher.lock"

    @property
    def searcher_log(self) -> Path:
        return self.root / "searcher.log"

    @property
    def sinks_lock(self) -> Path:
        return self.root / "sinks.lock"

    @property
    def sinks_log(self) -> Path:
        return self.root / "sinks.log"

    @property
    def alerter_lock(self) -> Path:
        return self.root / "alerter.lock"

    @property
    def alerter_log(self) -> Path:
        return self.root / "alerter.log"

    @property
    def standby_request(self) -> Path:
        return self.root / "standby.wish"

    @property
    def standby_log(self) -> Path:
        return self.root / "standby.log"

    def run_folder(self, run_id: str) -> Path:
        """The folder of a run's checkpoints and log. `run_id` must come from the store."""
        return self.runs / run_id

    def ensure(self) -> "Workspace":
        """Create the folders that are missing and return self. Raises UserError when that cannot be done."""
        for folder in (self.root, self.datasets, self.runs):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(
                    f"The workspace {self.root} cannot be written: {error.strerror}. Free some space, fix the "
                    "folder's permissions, or set CONVDECK_HOME to another folder."
                ) from error
        return self


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
        folder_bytes(workspace.datasets), folder_bytes(workspace.runs), database, disk.free, disk.total
    )


def folder_bytes(folder: Path) -> int:
    """What the files in it hold; 0 where there is no such folder."""
    total = 0
    for entry in _entries(folder):
        try:
            if entry.is_dir(follow_symlinks=False):
                total += folder_bytes(Path(entry.path))
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
