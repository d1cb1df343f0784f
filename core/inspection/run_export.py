"""A run's best model exported for use elsewhere, as pages, REST and the command line do it."""

import io
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from core.engine.client import Engine
from core.engine.exporting import ExportedModel, export_model
from core.export.formats import ready_format
from core.export.writing import files_of
from core.formatting import file_stem
from core.inspection.answers import Advance
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
        UserError: the run has no weights yet, a package is missing (the sentence says how to install it), or `out`
            cannot be written.
        EngineError: the engine crashed or overran its deadline.
    """
    ready_format(export_format)
    temperature = known_temperature(workspace, engine, run, advance)
    made = export_model(engine, run.id, export_format, out, run.config.dataset, temperature)
    keep_receipt(workspace, run, made, time.time())
    return made


def zipped_export(
    workspace: Workspace, engine: Engine, run: Run, export_format: str, card: Callable[[], str] | None = None
) -> tuple[str, bytes, bool]:
    """The same as one zip: the file or folder, its description with the receipt, the program that uses it, and the
    model card that `card` gives, asked for once the receipt is there.

    Returns the zip's name, its bytes and whether the receipt passed. Raises as `export_run` does.
    """
    stem = file_stem(run.name, run.id)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / ready_format(export_format).file_name(stem)
        made = export_run(workspace, engine, run, export_format, out)
        program = Path(folder) / f"{stem}.py"
        program.write_text(f"{made.python}\n", encoding="utf-8")
        beside = [program]
        if card is not None:
            beside.append(Path(folder) / CARD)
            beside[-1].write_text(card(), encoding="utf-8")
        content = _zipped([made.recipe_path, *files_of(made.path), *beside], Path(folder))
    return f"{stem}-{export_format}.zip", content, made.receipt.passed


def exported_bytes(made: ExportedModel) -> tuple[str, bytes]:
    """A name and the content of the exported file; a folder as a zip."""
    if made.path.is_file():
        return made.path.name, made.path.read_bytes()
    return f"{made.path.name}.zip", _zipped(files_of(made.path), made.path.parent)


def _zipped(paths: Sequence[Path], folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for path in paths:
            file.write(path, path.relative_to(folder))
    return buffer.getvalue()
