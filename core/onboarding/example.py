"""The example: one small file, and how it gets into a new workspace when a server starts there, once and never again.

The file is a zip with `run.json`, which has settings, curves and breakdowns of a run that this project trained itself.
Beside it is byte for byte what that run left: the pair that `core.training.saved_models` wrote of its best model, and
the weights of some epochs. `python -m core example` makes it again.
"""

import json
import logging
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.config import ExperimentConfig
from core.epoch import CURVE_KEYS, Curves, EpochRow
from core.epoch_weights import epoch_path, kept_epochs
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


def write_example(
    run: Run, curves: Curves, details: Mapping[int, Mapping[str, Any]], folder: Path, out: Path
) -> None:
    """Pack a finished run whose files are in `folder`; `details` by epoch are what `Breakdowns.details` gives.

    Raises RunError when it has no saved model, and OSError.
    """
    models = sorted(folder.glob("best-*.keras"))
    if not models:
        raise RunError(f"“{run.name}” has no saved model.")
    described = {
        "name": EXAMPLE_NAME, "preset": run.preset, "config": run.config.to_dict(), "curves": curves,
        "details": [details.get(epoch) for epoch in curves["epoch"]],
    }  # fmt: skip
    weights = [epoch_path(folder, epoch) for epoch in packed_epochs(kept_epochs(folder))]
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_entry(_DESCRIPTION), json.dumps(described, allow_nan=False, separators=(",", ":")))
        for path in (models[-1].with_suffix(".json"), models[-1], *weights):
            archive.writestr(_entry(path.relative_to(folder).as_posix()), path.read_bytes())


def packed_epochs(kept: Sequence[int]) -> list[int]:
    """Those of the `kept` epochs whose weights are packed: 1, 2, 4, 8 and so on, and the last one.

    Most changes in the first epochs. The weights of all 25 would take 2 MB.
    """
    return [epoch for epoch in kept if epoch & (epoch - 1) == 0 or epoch == kept[-1]]


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _SAME_DATE)
    # By itself: the archive's own way of compressing does not hold for a ZipInfo.
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def read_example(path: Path = EXAMPLE_FILE) -> Example:
    """Raises OSError when the file is not there, and ValueError when it is damaged or from another version."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        described = json.loads(files.pop(_DESCRIPTION))
        config = ExperimentConfig.from_stored(described["config"])
        columns = [described["curves"][key] for key in CURVE_KEYS]
        rows = zip(*columns, described["details"], strict=True)
        epochs = tuple(EpochRow(*values) for values in rows)
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
        for name, data in example.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
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
