"""Brings in data from outside: an `.npz` file, a zip or folder of class folders, or an official CIFAR archive."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from core.datasets.catalogue import SOURCES
from core.datasets.class_folders import read_folder, read_zip
from core.datasets.folder_layout import clean_class_name
from core.datasets.readers import Arrays, read_cifar
from core.datasets.storage import (
    ARRAYS,
    MAX_ARRAY_BYTES,
    MAX_CLASSES,
    Dataset,
    Progress,
    Report,
    check_is_free,
    save_dataset,
)
from core.errors import DatasetError
from core.formatting import printable, reason
from core.system.files import sha256_of
from core.workspace import Workspace


def import_here(
    workspace: Workspace,
    name: str,
    path: Path,
    image_size: int | None = None,
    progress: Report | None = None,
    shown_name: str | None = None,
) -> Dataset:
    """What `import_dataset` does, in this process. Raises DatasetError as that does."""
    check_is_free(workspace, name)
    report = progress or (lambda progress: None)
    if not path.exists():
        raise DatasetError(f"There is nothing at {path}.")
    shown = printable(shown_name or path.name, 60) or "The file"
    report(Progress(f"Reading {shown}"))
    class_names: tuple[str, ...] | None = None
    num_validation: int | None = None
    if path.is_dir():
        class_names, arrays, num_validation = read_folder(path, image_size, report)
    elif path.suffix.lower() == ".npz":
        class_names, arrays = _read_npz(path, shown)
    elif path.suffix.lower() == ".zip":
        class_names, arrays, num_validation = read_zip(path, shown, image_size, report)
    elif path.name.lower().endswith((".tar.gz", ".tgz", ".tar")):
        _check_official(path, name, shown)
        official, arrays = read_cifar(path, shown)
        class_names = official.class_names
    else:
        raise DatasetError(f"{shown} is neither .npz, .zip, .tar.gz nor a folder of class folders.")
    title, description = name, f"Imported from {shown}."
    source = SOURCES.get(name)
    if source is not None:
        _check_known(arrays, name, class_names)
        class_names, title, description = source.class_names, source.title, source.description
    if class_names is None:
        largest = int(arrays["y_train"].max(initial=0))
        # A label of 10^9 must not make 10^9 names.
        if largest >= MAX_CLASSES:
            raise DatasetError(
                f"y_train must hold labels from 0 to {MAX_CLASSES - 1} at most, not {largest:,}."
            )
        class_names = tuple(str(label) for label in range(largest + 1))
    report(Progress("Storing"))
    workspace.ensure()
    with FileLock(workspace.datasets / f".{name}.lock"):
        return save_dataset(workspace, name, title, description, class_names, arrays, num_validation)


def _read_npz(path: Path, shown: str) -> tuple[tuple[str, ...] | None, Arrays]:
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(entry.file_size for entry in archive.infolist())
        if declared > MAX_ARRAY_BYTES:
            raise DatasetError(
                f"{shown} would take {declared:,} bytes; at most {MAX_ARRAY_BYTES:,} are allowed."
            )
        with np.load(path, allow_pickle=False) as stored:
            missing = [name for name in ARRAYS if name not in stored.files]
            if missing:
                raise DatasetError(
                    f"{shown} has no {', '.join(missing)}: it needs x_train, y_train, x_test and y_test."
                )
            arrays = {name: stored[name] for name in ARRAYS}
            names = stored["class_names"] if "class_names" in stored.files else None
            if not all(isinstance(array, np.ndarray) for array in arrays.values()):
                raise ValueError("its entries are no arrays")
    except DatasetError:
        raise
    # What NumPy and zipfile raise for a damaged file is open-ended: see `core.datasets.array_files`.
    except Exception as error:
        raise DatasetError(f"{shown} cannot be read as .npz: {reason(error)}.") from error
    class_names = None if names is None else tuple(clean_class_name(str(name)) for name in np.ravel(names))
    return class_names, {
        name: _pictures(a) if name[0] == "x" else _labels(a, name) for name, a in arrays.items()
    }


def _pictures(array: NDArray[Any]) -> NDArray[Any]:
    """Grey pictures without a channel axis get one."""
    return array[..., None] if array.ndim == 3 else array


def _labels(array: NDArray[Any], name: str) -> NDArray[np.int64]:
    """(count,) from (count,) or (count, 1) whole numbers."""
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if not np.issubdtype(flat.dtype, np.integer):
        raise DatasetError(f"{name} must hold whole numbers, not {flat.dtype}.")
    return flat.astype(np.int64)


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


def _check_known(arrays: Arrays, name: str, class_names: tuple[str, ...] | None) -> None:
    source = SOURCES[name]
    if class_names is not None and class_names != source.class_names:
        raise DatasetError(
            f"The classes are not those of {source.title} in its own order. Choose another name for it."
        )
    shape = tuple(arrays["x_train"].shape[1:])
    counts = [arrays[name].shape[0] if arrays[name].ndim else 0 for name in ("x_train", "x_test")]
    if shape != source.image_shape or counts != [source.num_train, source.num_test]:
        raise DatasetError(
            f"{source.title} has {source.num_train:,} training and {source.num_test:,} test pictures of "
            f"{'×'.join(map(str, source.image_shape))}; this file has {counts[0]:,} and {counts[1]:,} of "
            f"{'×'.join(map(str, shape))}. Choose another name for it."
        )
