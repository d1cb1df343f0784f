"""Brings in data from outside: an `.npz` file, a zip or folder of class folders, or an official CIFAR archive."""

from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from core.datasets.catalogue import SOURCES
from core.datasets.class_counts import class_counts, count_notes
from core.datasets.file_names import files_document
from core.datasets.readers import Arrays, read_cifar
from core.datasets.rows import Joined, PictureFile, Selection
from core.datasets.saving import save_dataset
from core.datasets.splits import validation_and_test
from core.datasets.storage import Dataset, Progress, Report, check_is_free
from core.errors import DatasetError
from core.formatting import printable
from core.importing.class_folders import read_class_folders
from core.importing.duplicates import find_duplicates
from core.importing.entries import list_folder, open_zip
from core.importing.npz_arrays import read_npz
from core.importing.parts import PART_NAMES, Collected, Parts, assign_parts
from core.importing.reading import Reading
from core.importing.report import ImportReport, shorten_left_out
from core.system.files import sha256_of
from core.workspace import Workspace


def import_here(
    workspace: Workspace,
    name: str,
    path: Path,
    reading: Reading | None = None,
    progress: Report | None = None,
    shown_name: str | None = None,
) -> Dataset:
    """What `import_dataset` does, in this process. Raises DatasetError as that does."""
    check_is_free(workspace, name)
    reading = reading or Reading()
    report = progress or (lambda progress: None)
    if not path.exists():
        raise DatasetError(f"There is nothing at {path}.")
    shown = printable(shown_name or path.name, 60) or "The file"
    report(Progress(f"Reading {shown}"))
    reading.check()
    workspace.ensure()
    if path.suffix.lower() == ".npz":
        return _store(workspace, name, shown, read_npz(path, shown), None, report)
    if path.name.lower().endswith((".tar.gz", ".tgz", ".tar")) and path.is_file():
        _check_official(path, name, shown)
        official, arrays = read_cifar(path, shown)
        return _store(workspace, name, shown, _of_arrays(official.class_names, arrays), None, report)
    with PictureFile(workspace.datasets, (reading.size, reading.size, 3)) as pictures:
        if path.is_dir():
            collected = read_class_folders(list_folder(path), reading, pictures, report)
        elif path.suffix.lower() == ".zip":
            with open_zip(path, shown) as listing:
                collected = read_class_folders(listing, reading, pictures, report)
        else:
            raise DatasetError(f"{shown} is neither .npz, .zip, .tar.gz nor a folder of class folders.")
        return _store(workspace, name, shown, collected, reading.crop, report)


def _store(
    workspace: Workspace, name: str, shown: str, collected: Collected, crop: str | None, report: Report
) -> Dataset:
    """Decide which pictures are for what, look for duplicates, and store it all with what is worth knowing."""
    source = SOURCES.get(name)
    title, description, notes = name, f"Imported from {shown}.", list(collected.notes)
    num_validation: int | None = None
    if source is not None:
        _check_known(collected, name)
        collected.class_names, title, description = source.class_names, source.title, source.description
        # As everybody has it: its own parts, and halves of its test part.
        train, held_out = (np.flatnonzero(collected.parts == part) for part in (0, 2))
        validation, test = validation_and_test(collected.labels[held_out])
        parts = collected.parts.copy()
        parts[held_out[validation]] = 1
    else:
        parts, chosen = assign_parts(collected.labels, collected.parts, len(collected.class_names))
        notes += chosen
        train, validation, test = (np.flatnonzero(parts == part) for part in range(len(PART_NAMES)))
        num_validation, held_out = len(validation), np.concatenate([validation, test])
    report(Progress("Looking for duplicates"))
    found = _report(collected, parts, notes)
    report(Progress("Storing"))
    arrays: dict[str, Selection | NDArray[Any]] = {
        "x_train": Selection(collected.pictures, train),
        "y_train": collected.labels[train],
        "x_test": Selection(collected.pictures, held_out),
        "y_test": collected.labels[held_out],
    }
    files = None
    if crop is not None:  # of folders and zips; arrays have no files
        files = files_document(*([collected.names[int(row)] for row in rows] for rows in (train, held_out)))
    with FileLock(workspace.datasets / f".{name}.lock"):
        return save_dataset(
            workspace,
            name,
            title,
            description,
            collected.class_names,
            arrays,
            num_validation,
            crop=crop,
            report=found.to_json(),
            files=files,
        )


def _report(collected: Collected, parts: Parts, notes: list[str]) -> ImportReport:
    number = len(collected.class_names)
    counts = class_counts(
        collected.class_names,
        {
            name: np.bincount(collected.labels[parts == part], minlength=number)
            for part, name in enumerate(PART_NAMES)
        },
    )
    duplicates = find_duplicates(collected.pictures, collected.labels, parts, collected.names)
    left_out, more = shorten_left_out(collected.left_out)
    return ImportReport(counts, left_out, duplicates, (*notes, *count_notes(counts), *more))


def _of_arrays(class_names: tuple[str, ...], arrays: Arrays) -> Collected:
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(np.int64)
    num_train = len(arrays["y_train"])
    parts = np.zeros(len(labels), np.int8)
    parts[num_train:] = PART_NAMES.index("test")
    names = [f"{x}[{row}]" for x in ("x_train", "x_test") for row in range(len(arrays[x]))]
    return Collected(class_names, Joined([arrays["x_train"], arrays["x_test"]]), labels, parts, names)


def _check_official(path: Path, name: str, shown: str) -> None:
    """Counts and shapes would not tell an archive under an official name that has other pictures or labels in it."""
    source = SOURCES.get(name)
    if source is None or source.kind != "cifar":
        return
    (archive,) = source.archives
    digest = sha256_of(path)
    if digest != archive.digest:
        raise DatasetError(
            f"{shown} is not the official archive of {source.title}: its SHA-256 begins with "
            f"{digest[:12]}, the official one's with {archive.digest[:12]}. Choose another name for it, or download "
            f"the official one: python -m core datasets add {name}"
        )


def _check_known(collected: Collected, name: str) -> None:
    source = SOURCES[name]
    numbered = tuple(str(label) for label in range(len(source.class_names)))  # an .npz without names
    if collected.class_names not in (source.class_names, numbered):
        raise DatasetError(
            f"The classes are not those of {source.title} in its own order. Choose another name for it."
        )
    shape = collected.pictures.shape[1:]
    counts = [int(np.sum(collected.parts == part)) for part in range(len(PART_NAMES))]
    if shape != source.image_shape or counts != [source.num_train, 0, source.num_test]:
        raise DatasetError(
            f"{source.title} has {source.num_train:,} training and {source.num_test:,} test pictures of "
            f"{'×'.join(map(str, source.image_shape))}; this file has {counts[0]:,} and {counts[2]:,} of "
            f"{'×'.join(map(str, shape))}{f', and {counts[1]:,} for validation' if counts[1] else ''}. Choose another "
            "name for it."
        )
