"""Reads the official archives of known data sets. A pickle is read by an unpickler that makes arrays and no more."""

import gzip
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.catalogue import SOURCES, Source
from core.errors import DatasetError

MAX_MEMBER_BYTES = 250_000_000

Arrays = dict[str, NDArray[Any]]

_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


def read_official(source: Source, paths: list[Path]) -> Arrays:
    """`x_train`, `y_train`, `x_test`, `y_test` from the files of `source`, in its order.

    Raises:
        DatasetError: a file is not what its name says.
    """
    try:
        if source.kind == "cifar":
            arrays = _read_cifar(paths[0])
        else:
            arrays = {
                name: _read_idx(path)
                for name, path in zip(("x_train", "y_train", "x_test", "y_test"), paths, strict=True)
            }
    except (OSError, EOFError, KeyError, ValueError, pickle.UnpicklingError, tarfile.TarError) as error:
        raise DatasetError(f"{paths[0].name} is not the archive of {source.title}: {error}.") from error
    return arrays


def identify_cifar(path: Path) -> Source:
    """Which CIFAR data set an archive holds, by the names in it. Raises DatasetError."""
    try:
        with tarfile.open(path, "r:*") as archive:
            names = {Path(name).name for name in archive.getnames()}
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DatasetError(f"{path.name} cannot be read as an archive: {error}.") from error
    if {"data_batch_1", "test_batch"} <= names:
        return SOURCES["cifar10"]
    if {"train", "test", "meta"} <= names:
        return SOURCES["cifar100"]
    raise DatasetError(
        f"{path.name} is not an official CIFAR archive. Pack folders of pictures as .zip instead."
    )


def _read_cifar(path: Path) -> Arrays:
    members: dict[str, dict[bytes, Any]] = {}
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            name = Path(member.name).name
            if member.isfile() and (
                name.startswith("data_batch_") or name in ("test_batch", "train", "test")
            ):
                if member.size > MAX_MEMBER_BYTES:
                    raise ValueError(f"{name} would take {member.size:,} bytes")
                stream = archive.extractfile(member)
                assert stream is not None  # it is a file
                members[name] = _ArraysOnly(io.BytesIO(stream.read(MAX_MEMBER_BYTES))).load()
    train = [members[name] for name in sorted(members) if name == "train" or name.startswith("data_batch_")]
    test = members.get("test_batch") or members["test"]
    return {
        "x_train": np.concatenate([_cifar_pictures(part) for part in train]),
        "y_train": np.concatenate([_cifar_labels(part) for part in train]),
        "x_test": _cifar_pictures(test),
        "y_test": _cifar_labels(test),
    }


def _cifar_pictures(part: dict[bytes, Any]) -> NDArray[np.uint8]:
    """Rows of 3,072 bytes, the red plane first, → (count, 32, 32, 3)."""
    data = np.asarray(part[b"data"], np.uint8)
    return np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _cifar_labels(part: dict[bytes, Any]) -> NDArray[np.int64]:
    return np.asarray(part[b"fine_labels"] if b"fine_labels" in part else part[b"labels"], np.int64)


def _read_idx(path: Path) -> NDArray[Any]:
    """MNIST's format: two zero bytes, the type (8: unsigned bytes), the number of axes, their lengths, the data."""
    with gzip.open(path) as stream:
        data = stream.read(MAX_MEMBER_BYTES)
    zeros, kind, axes = int.from_bytes(data[:2]), data[2], data[3]
    if zeros != 0 or kind != 8 or axes not in (1, 3):
        raise ValueError("its first bytes are not those of an idx file")
    shape = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis]) for axis in range(axes)]
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)
    return values[..., None] if axes == 3 else values.astype(np.int64)


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that can build numpy arrays, numbers, texts, lists and dicts, and calls nothing else."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, encoding="bytes")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which has no place in a data set")
        return super().find_class(module, name)
