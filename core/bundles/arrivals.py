"""Whatever is brought to be imported: a bundle of ConvDeck, or what another tool has recorded; told by its content."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.bundles.contents import MANIFEST
from core.bundles.importing import import_bundle, imported_in_words
from core.errors import RecordError
from core.foreign.importing import import_recorded
from core.foreign.reading import FORMATS, ZIP, Format, Given
from core.importing.zip_guard import UNREADABLE
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace


@dataclass(frozen=True)
class Wishes:
    """What a person may say beside the files: see `core.foreign.importing.import_recorded`. A bundle needs none."""

    format: Format | None = None
    name: str | None = None
    validation_pictures: int | None = None

    @property
    def any(self) -> bool:
        return self != Wishes()


def import_any(
    workspace: Workspace, store: Store, given: Sequence[Given], wishes: Wishes | None = None
) -> list[Run]:
    """The new runs. Raises BundleError, RecordError, RunError, NotAllowed or CannotWrite; then nothing is kept."""
    wishes = wishes or Wishes()
    if wishes.format is None and any(is_bundle(each.path) for each in given):
        if len(given) > 1:
            raise RecordError("One of these files is a bundle. Import it by itself.")
        if wishes.any:
            raise RecordError("A bundle brings name and data of its run along. Import it without them.")
        return [import_bundle(workspace, store, given[0].path, given[0].name)]
    workspace.ensure()
    return import_recorded(store, given, wishes.format, wishes.name, wishes.validation_pictures)


def is_bundle(path: Path) -> bool:
    """Whether it is a zip that says so, or a damaged one, of which a bundle's own check says what is wrong."""
    try:
        if path.is_dir():
            return False
        with path.open("rb") as stream:
            if stream.read(2) != ZIP:
                return False
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (*UNREADABLE, zipfile.LargeZipFile, NotImplementedError, ValueError):
        return path.exists()


def parse_format(text: str | None) -> Format | None:
    """Raises RecordError for another word."""
    if not text:
        return None
    for each in FORMATS:
        if each == text:
            return each
    raise RecordError(f"The format can be {', '.join(FORMATS)}, not {text[:40]!r}.")


def runs_in_words(workspace: Workspace, store: Store, runs: Sequence[Run]) -> list[str]:
    """What is worth knowing of runs that were just imported: of those of other tools, what was made of them."""
    found = []
    for run in runs:
        if run.recorded_by is None:
            found += imported_in_words(workspace, run)
            continue
        before = f"“{run.name}”: " if len(runs) > 1 else ""
        found += [before + line.text for line in store.log(run.id)]
    return found
