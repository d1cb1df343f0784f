"""The example: one small file, and how it gets into a new workspace when a server starts there, once and never again.

The file is a zip with `run.json`, which has settings and curves of a run that this project trained itself, and the pair
that `core.training.saved_models` wrote of its best model, byte for byte. `python -m core example` makes it again.
"""

import json
import logging
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from core.config import ExperimentConfig
from core.epoch import CURVE_KEYS, Curves, EpochRow
from core.errors import ConvDeckError, RunError
from core.store.records import FinishedRun, Run
from core.store.store import Store
from core.system.files import replacing, write_bytes
from core.workspace import Workspace

SWITCH = "CONVDECK_EXAMPLE"
LOCK_SECONDS = 10.0
EXAMPLE_FILE = Path(__file__).with_name("overfits.zip")
EXAMPLE_ID = "deckexamp2"  # the same everywhere: importing it twice writes the same files
EXAMPLE_NAME = "Example: a small network overfits"
EXAMPLE_PRESET = "overfit"
LOG = (
    "This run comes with ConvDeck. It was trained on Shapes beforehand, by `python -m core example`, and can be used "
    "like any other run."
)
_DESCRIPTION = "run.json"
_SAME_DATE = (1980, 1, 1, 0, 0, 0)  # the same run gives the same file

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Example:
    """A run to be imported, and its files by name."""

    run: FinishedRun
    files: dict[str, bytes]


def write_example(run: Run, curves: Curves, folder: Path, out: Path) -> None:
    """Pack a finished run whose files are in `folder`. Raises RunError when it has no saved model, and OSError."""
    models = sorted(folder.glob("best-*.keras"))
    if not models:
        raise RunError(f"“{run.name}” has no saved model.")
    pair = (models[-1].with_suffix(".json"), models[-1])
    described = {"name": EXAMPLE_NAME, "preset": run.preset, "config": run.config.to_dict(), "curves": curves}
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(_DESCRIPTION, _SAME_DATE), json.dumps(described, allow_nan=False))
        for path in pair:
            with (
                path.open("rb") as source,
                archive.open(zipfile.ZipInfo(path.name, _SAME_DATE), "w") as target,
            ):
                shutil.copyfileobj(source, target)


def read_example(path: Path = EXAMPLE_FILE) -> Example:
    """Raises OSError when the file is not there, and ValueError when it is damaged or from another version."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        described = json.loads(files.pop(_DESCRIPTION))
        config = ExperimentConfig.from_json(json.dumps(described["config"]))
        columns = [described["curves"][key] for key in CURVE_KEYS]
        epochs = tuple(EpochRow(*values) for values in zip(*columns, strict=True))
        name, preset = described["name"], described["preset"]
    except (zipfile.BadZipFile, KeyError, TypeError, EOFError) as error:
        raise ValueError(f"{path} holds no example: {error}") from error
    return Example(FinishedRun(EXAMPLE_ID, name, preset, config, epochs, LOG), files)


def is_wanted() -> bool:
    """`CONVDECK_EXAMPLE=off` leaves the example out."""
    return os.environ.get(SWITCH, "on").strip().lower() not in ("off", "0", "no", "false")


def import_example(workspace: Workspace, store: Store) -> bool:
    """Put the example into a workspace that never had a run. Returns whether it was put there.

    Whatever goes wrong is only logged: without the example everything works. The model comes
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
    """Draw Shapes before the first run on it has to wait. If this fails, that run reports why."""
    from core.datasets.prepare import ensure_dataset  # here: a server whose workspace has it draws nothing

    try:
        ensure_dataset(workspace, "shapes")
    except (OSError, ConvDeckError) as error:
        logger.warning("Shapes could not be drawn ahead: %s", error)
