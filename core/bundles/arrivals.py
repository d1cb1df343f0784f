"""Whatever is brought to be imported: a bundle of ConvDeck, or what another tool has recorded; told by its content."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.bundles.contents import MANIFEST, MAX_MEMBERS
from core.bundles.importing import import_bundle, imported_in_words
from core.bundles.unpacking import check_whole
from core.errors import DatasetError, RecordError
from core.foreign.epochs import FoundRun
from core.foreign.importing import add_found
from core.foreign.reading import FORMATS, ZIP, Format, Given, read_runs
from core.foreign.recorded import MAX_FILES
from core.formatting import printable
from core.importing.zip_guard import UNREADABLE, check_directory
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace


@dataclass(frozen=True)
class Wishes:
    """What a person may say beside the files: see `core.foreign.importing.add_found`. A bundle needs none."""

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
    found = look_at(given, wishes.format)
    if found is None:
        if wishes.any:
            raise RecordError("A bundle brings name and data of its run along. Import it without them.")
        return [import_bundle(workspace, store, given[0].path, given[0].name)]
    workspace.ensure()
    return add_found(store, found, wishes.name, wishes.validation_pictures)


def look_at(given: Sequence[Given], file_format: Format | None = None) -> list[FoundRun] | None:
    """The runs of other tools in these files, as `add_found` takes them; None where it is one bundle, whole as a zip.

    Raises RecordError, or BundleError for a zip that is damaged.
    """
    if file_format is not None or not any(is_bundle(each.path) for each in given):
        return read_runs(given, file_format)
    if len(given) > 1:
        raise RecordError("One of these files is a bundle. Import it by itself.")
    check_whole(given[0].path, printable(given[0].name, 60) or "The file")
    return None


def is_bundle(path: Path) -> bool:
    """Whether it is a zip that says so, or a damaged one, of which a bundle's own check says what is wrong."""
    try:
        if path.is_dir():
            return False
        with path.open("rb") as stream:
            if stream.read(2) != ZIP:
                return False
        check_directory(path, path.name, max(MAX_FILES, MAX_MEMBERS))
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except DatasetError:  # of more files than a bundle has: who reads logs says so
        return False
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
