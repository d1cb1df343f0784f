"""Where everything that ConvDeck writes lives."""

import os
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
    def scheduler_lock(self) -> Path:
        return self.root / "scheduler.lock"

    @property
    def scheduler_log(self) -> Path:
        return self.root / "scheduler.log"

    @property
    def standby_wish(self) -> Path:
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
                    f"The workspace {self.root} cannot be written: {error.strerror}. Make room or mend its rights, or "
                    "choose another folder with CONVDECK_HOME."
                ) from error
        return self
