"""A run's best model exported for use elsewhere, as pages, REST and the command line do it."""

import io
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from core.engine.client import Engine
from core.engine.exporting import ExportedModel, export_model
from core.export.formats import ready_format
from core.export.writing import files_of
from core.formatting import file_stem
from core.inspection.answers import BEST, Advance, weights_of
from core.inspection.kept_receipts import keep_receipt
from core.inspection.prediction import known_temperature
from core.store.records import Run
from core.workspace import Workspace

CARD = "MODEL_CARD.md"


def export_run(
    workspace: Workspace, engine: Engine, run: Run, export_format: str, out: Path, advance: Advance | None = None
) -> ExportedModel:  # fmt: skip
    """As `core.engine.exporting.export_model`, with the run's data set and temperature.

    Raises:
        UserError: the run has no weights yet or has just saved others, a package is missing (the sentence says how to
            install it), or `out` cannot be written.
        EngineError: the engine crashed or overran its deadline.
    """
    ready_format(export_format)
    # Before the temperature, which is that of the weights that there are then.
    sha256 = weights_of(workspace, run, BEST).sha256
    temperature = known_temperature(workspace, engine, run, advance)
    made = export_model(engine, run.id, export_format, out, run.config.dataset, temperature, sha256)
    keep_receipt(workspace, run, made, time.time())
    return made


def zipped_export(
    workspace: Workspace, engine: Engine, run: Run, export_format: str, out: Path, card: Callable[[], str] | None = None
) -> tuple[Path, bool]:  # fmt: skip
    """The same as one zip in the folder `out`: the file or folder, its description with the receipt, the program that
    uses it, and the model card that `card` gives, asked for once the receipt is there.

    Returns where the zip is, and whether the receipt passed. Raises as `export_run` does.
    """
    stem, form = file_stem(run.name, run.id), ready_format(export_format)
    target = out / f"{stem}-{export_format}.zip"
    with tempfile.TemporaryDirectory(dir=out) as made_in:
        folder = Path(made_in)
        made = export_run(workspace, engine, run, export_format, folder / form.file_name(stem))
        program = folder / f"{stem}.py"
        program.write_text(f"{made.python}\n", encoding="utf-8")
        beside = [program]
        if card is not None:
            beside.append(folder / CARD)
            beside[-1].write_text(card(), encoding="utf-8")
        _write_zip(target, [made.recipe_path, *files_of(made.path), *beside], folder)
    return target, made.receipt.passed


def exported_bytes(made: ExportedModel) -> tuple[str, bytes]:
    """A name and the content of the exported file; a folder as a zip."""
    if made.path.is_file():
        return made.path.name, made.path.read_bytes()
    buffer = io.BytesIO()
    _write_zip(buffer, files_of(made.path), made.path.parent)
    return f"{made.path.name}.zip", buffer.getvalue()


def _write_zip(target: Path | BinaryIO, paths: Sequence[Path], folder: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for path in paths:
            file.write(path, path.relative_to(folder))
