"""The example as one small file: settings, curves and the best model of a run that this project trained itself.

A zip with `run.json` and the pair that `core.training.saved` wrote, byte for byte. `python -m core example` makes it
anew.
"""

import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from core.config import ExperimentConfig
from core.epoch import CURVE_KEYS, Curves, EpochRow
from core.errors import RunError
from core.store.records import FinishedRun, Run
from core.system.files import replacing

EXAMPLE_FILE = Path(__file__).with_name("overfits.zip")
EXAMPLE_ID = "deckexamp2"  # the same everywhere: whoever imports it twice writes the same files
EXAMPLE_NAME = "Example: a small network overfits"
EXAMPLE_PRESET = "overfit"
LOG = (
    "This run comes with ConvDeck. It was trained on Shapes beforehand, by `python -m core example`, and is like any "
    "other run from here on."
)
_DESCRIPTION = "run.json"
_SAME_DATE = (1980, 1, 1, 0, 0, 0)  # the same run gives the same file


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
    with replacing(out) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
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
