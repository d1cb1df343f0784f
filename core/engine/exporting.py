"""Exports as the engine's client gives them: a run's best model in a file, and how its answers compare."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from core.config import DatasetConfig
from core.engine.client import Engine
from core.export.receipt import Receipt


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """A model in a file or folder of its own, and its description: where both are, and what that says.

    `sha256` is the digest of the weights that were exported. `description` has the recipe, `format`, `bytes` and the
    receipt, see docs/command-line.md.
    """

    path: Path
    recipe_path: Path
    description: dict[str, Any]
    sha256: str

    @property
    def receipt(self) -> Receipt:
        """How its answers compare with those of the run's model."""
        return Receipt(**self.description["receipt"])

    @property
    def bytes(self) -> int:
        return int(self.description["bytes"])

    @property
    def sentences(self) -> tuple[str, ...]:
        """For people: what goes in and what comes out."""
        return tuple(self.description["sentences"])

    @property
    def snippet(self) -> str:
        """A few lines that ask the file about a picture; the first says what to install."""
        return "\n".join(self.description["snippet"])

    @property
    def python(self) -> str:
        """A program that answers pictures as this app does."""
        return "\n".join(self.description["python"])

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"path": str(self.path), "recipe_path": str(self.recipe_path), **self.description}


def export_model(
    engine: Engine,
    run_id: str,
    export_format: str,
    out: Path,
    dataset: DatasetConfig | None = None,
    temperature: float | None = None,
    sha256: str | None = None,
) -> ExportedModel:
    """Write a run's best model to `out`, one of `core.export.formats.FORMATS`, open it again and compare its answers.

    Without `dataset`, that of the run, pictures are made up. The description says how answers get their `temperature`.
    With `sha256`, these weights or none are exported.

    Raises:
        UserError: the run has no weights yet, or others than `sha256` by now, a package is missing, or the file cannot
            be written.
        EngineError: the engine crashed or overran its deadline.
    """
    document = {
        "run_id": run_id, "format": export_format, "dataset": None if dataset is None else asdict(dataset),
        "temperature": temperature,
    }  # fmt: skip
    made, _ = engine.ask({"method": "export", "out": str(out), "sha256": sha256, **document}, {})
    description, _ = engine.ask({"method": "check_export", **document, **made}, {})
    return ExportedModel(Path(made["path"]), Path(made["recipe_path"]), description, made["sha256"])
