"""What is exported in these tests: models saved as a run saves them."""

from pathlib import Path

from core.export.formats import FORMATS
from core.export.recipe import Source
from core.export.writing import Export, export_model
from core.training.saved_models import SavedModel, load_run_model


def source_of(saved: SavedModel, run: str = "run", temperature: float | None = None) -> Source:
    return Source(
        saved.model, saved.path, saved.sha256, saved.epoch, saved.class_names, saved.image_shape, saved.crop, run,
        "shapes", temperature,
    )  # fmt: skip


def exported(folder: Path, out: Path, export_format: str = "keras", measured=None) -> Export:
    """The best model of the run in `folder`, exported to `out`."""
    return export_model(source_of(load_run_model(folder), folder.name), FORMATS[export_format], out, measured)
