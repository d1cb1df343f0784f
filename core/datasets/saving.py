"""Puts a data set into the workspace: all of it at once or nothing, whatever happens on the way."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.file_names import FILES
from core.datasets.rows import Selection
from core.datasets.storage import (
    ARRAYS,
    DESCRIPTION,
    Dataset,
    check_arrays,
    check_is_free,
    check_num_validation,
    digest_of,
    load_dataset,
)
from core.errors import DatasetError
from core.system.files import sha256_of, sync_folder
from core.workspace import Workspace

REPORT = "report.json"
_LEFT_OVER_SECONDS = 24 * 3600


def save_dataset(
    workspace: Workspace,
    dataset_id: str,
    title: str,
    description: str,
    class_names: Sequence[str],
    arrays: Mapping[str, NDArray[Any] | Selection],
    num_validation: int | None = None,
    *,
    crop: str | None = None,
    report: Mapping[str, Any] | None = None,
    files: Mapping[str, Any] | None = None,
) -> Dataset:
    """Check and store a data set; readers see the old one or the new one, never a part.

    `arrays` has `x_train`, `y_train`, `x_test` and `y_test`, as in `core.datasets.storage.Dataset`, where
    `num_validation` and `crop` are described too; pictures may be a `Selection`, which is read in portions. `report`
    says what was made of what was imported, see `core.importing.report`; `files` is a `files_document`.

    Raises:
        DatasetError: the arrays are no pictures with labels, or the name is taken by a data set that is here.
    """
    check_is_free(workspace, dataset_id)
    check_arrays(arrays, class_names)
    check_num_validation(num_validation, len(arrays["x_test"]))
    if len(set(class_names)) < len(class_names):
        raise DatasetError("Two classes have the same name.")
    folder = workspace.datasets / dataset_id
    workspace.ensure()
    _clear_left_overs(workspace, dataset_id)
    temporary = workspace.datasets / f".{dataset_id}.{secrets.token_hex(4)}"
    temporary.mkdir()
    try:
        digests = {}
        for name in ARRAYS:
            _write_array(temporary / f"{name}.npy", arrays[name])
            digests[name] = sha256_of(temporary / f"{name}.npy")
        described = {
            "id": dataset_id,
            "title": title,
            "description": description,
            "class_names": list(class_names),
            "sha256": digests,
            "num_validation": num_validation,
            "crop": crop,
        }
        if report is not None:
            _write_json(temporary / REPORT, report)
        if files is not None:
            _write_json(temporary / FILES, files)
        _write_json(temporary / DESCRIPTION, {**described, "digest": digest_of(described)})
        sync_folder(temporary)
        try:
            temporary.rename(folder)
            sync_folder(workspace.datasets)
        except OSError:
            if not folder.exists():
                raise
            # Another process stored the same data set first; that one is whole.
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return load_dataset(workspace, dataset_id)


def _write_array(path: Path, array: NDArray[Any] | Selection) -> None:
    with path.open("wb") as stream:
        if isinstance(array, Selection):
            header = {"descr": "|u1", "fortran_order": False, "shape": array.shape}
            np.lib.format.write_array_header_1_0(stream, header)
            for chunk in array.chunks():
                stream.write(np.ascontiguousarray(chunk).data)
        else:
            kind = np.uint8 if array.ndim == 4 else np.int64
            np.save(stream, np.ascontiguousarray(array, dtype=kind))
        stream.flush()
        os.fsync(stream.fileno())


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        json.dump(document, stream)
        stream.flush()
        os.fsync(stream.fileno())


def _clear_left_overs(workspace: Workspace, dataset_id: str) -> None:
    """What a process that was killed while it stored or deleted this data set has left."""
    for temporary in workspace.datasets.glob(f".{dataset_id}.[0-9a-f]*"):
        is_old = time.time() - temporary.stat().st_mtime > _LEFT_OVER_SECONDS
        if temporary.is_dir() and temporary.suffix != ".download" and is_old:
            shutil.rmtree(temporary, ignore_errors=True)
