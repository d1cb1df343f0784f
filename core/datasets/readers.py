"""Reads the official archives of known data sets. A pickle is read by an unpickler that makes pictures and no more."""

import gzip
import io
import pickle
import pickletools
import tarfile
from pathlib import Path
from typing import IO, Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from core.datasets.catalogue import SOURCES, Source
from core.errors import DatasetError
from core.formatting import printable, reason

MAX_UNFOLDED_BYTES = 400_000_000  # twice what an official archive unfolds to
# CIFAR-100 pickled again by Python 3, which writes more, takes 600,000 operations in all; a list of one byte takes 64.
MAX_OPERATIONS = 1_000_000

Arrays = dict[str, NDArray[Any]]
Members = dict[str, dict[bytes, Any]]


def read_official(source: Source, paths: list[Path]) -> Arrays:
    """`x_train`, `y_train`, `x_test`, `y_test` from the files of `source`, in its order.

    Raises:
        DatasetError: a file is not what its name says.
    """
    if source.kind == "cifar":
        shown = printable(paths[0].name, 60)
        found, arrays = read_cifar(paths[0], shown)
        if found.id != source.id:
            raise DatasetError(f"{shown} holds {found.title}, not {source.title}.")
        return arrays
    names = ("x_train", "y_train", "x_test", "y_test")
    return {name: _read_idx(path) for name, path in zip(names, paths, strict=True)}


def read_cifar(path: Path, shown: str) -> tuple[Source, Arrays]:
    """Which CIFAR data set an official archive (`.tar.gz` or `.tar`), called `shown`, holds, and its arrays.

    Raises:
        DatasetError: it is no such archive, or a damaged one.
    """
    try:
        members = _cifar_members(path)
        if {"data_batch_1", "test_batch"} <= members.keys():
            source, test = SOURCES["cifar10"], members["test_batch"]
            train = [members[name] for name in sorted(members) if name.startswith("data_batch_")]
        elif {"train", "test"} <= members.keys():
            source, test, train = SOURCES["cifar100"], members["test"], [members["train"]]
        else:
            raise DatasetError(
                f"{shown} is not an official CIFAR archive. Pack folders of pictures as .zip instead."
            )
        read = [_cifar_part(part) for part in train]
        x_test, y_test = _cifar_part(test)
        return source, {
            "x_train": np.concatenate([pictures for pictures, _ in read]),
            "y_train": np.concatenate([labels for _, labels in read]),
            "x_test": x_test,
            "y_test": y_test,
        }
    except DatasetError:
        raise
    # What a broken archive or pickle raises is open-ended, as pickle's own documentation says.
    except Exception as error:
        raise DatasetError(f"{shown} cannot be read as a CIFAR archive: {reason(error)}.") from error


class _Counted:
    """A stream that gives a limited number of bytes: 100 KB can unfold to 100 GB."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._left = most

    def read(self, size: int) -> bytes:
        data = self._stream.read(min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"it unfolds to more than {MAX_UNFOLDED_BYTES:,} bytes")
        return data


def _cifar_members(path: Path) -> Members:
    """The pickled parts by name. The archive is read once, front to back, and never written to disk."""
    with path.open("rb") as begin:
        packed = begin.read(2) == b"\x1f\x8b"
    members: Members = {}
    operations = 0
    with cast("IO[bytes]", gzip.open(path) if packed else path.open("rb")) as stream:
        counted = cast("IO[bytes]", _Counted(stream, MAX_UNFOLDED_BYTES))  # tarfile only calls its read()
        with tarfile.open(fileobj=counted, mode="r|") as archive:
            for member in archive:
                name = Path(member.name).name
                if name.startswith("data_batch_") or name in ("test_batch", "train", "test"):
                    # 214 bytes can describe a sparse member of gigabytes, whose holes tarfile fills with zeros.
                    if member.issparse() or member.size > MAX_UNFOLDED_BYTES:
                        raise ValueError(f"{printable(name, 40)} is sparse or far too large")
                    content = archive.extractfile(member) if member.isfile() else None
                    if content is not None:
                        data = content.read()
                        operations += _check_operations(data, MAX_OPERATIONS - operations)
                        members[name] = _PicturesOnly(data).load()
    return members


def _check_operations(pickled: bytes, most: int) -> int:
    """How many operations a pickle takes. Raises ValueError when they are too many or one of them asks for much."""
    count = 0
    for operation, argument, _ in pickletools.genops(pickled):
        count += 1
        if count > most:
            raise ValueError("it takes more operations than any CIFAR archive")
        # The memo is a table up to the largest index: one of 10^8 takes 1.5 GB.
        if "PUT" in operation.name and isinstance(argument, int) and argument >= MAX_OPERATIONS:
            raise ValueError(f"it uses place {argument:,} of the memo")
    return count


def _cifar_part(part: dict[bytes, Any]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(count, 32, 32, 3) pictures from rows of 3,072 bytes, the red plane first, and their (count,) labels."""
    data: NDArray[np.uint8] = part[b"data"].values
    pictures = np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    labels = part[b"fine_labels"] if b"fine_labels" in part else part[b"labels"]
    # Checked before numpy sees them: lists in lists, each named again and again, unfold without end.
    if type(labels) is not list or any(type(label) is not int for label in labels):
        raise ValueError("its labels are no list of whole numbers")
    if len(labels) != len(pictures):
        raise ValueError(f"it has {len(labels):,} labels for {len(pictures):,} pictures")
    return pictures, np.array(labels, np.int64)


def _read_idx(path: Path) -> NDArray[Any]:
    """MNIST's format: two zero bytes, the type (8: unsigned bytes), the number of axes, their lengths, the data."""
    try:
        with gzip.open(path) as stream:
            data = stream.read(MAX_UNFOLDED_BYTES)
        zeros, kind, axes = int.from_bytes(data[:2]), data[2], data[3]
        if zeros != 0 or kind != 8 or axes not in (1, 3):
            raise ValueError("its first bytes are not those of an idx file")
        shape = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis]) for axis in range(axes)]
        values = np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except Exception as error:
        raise DatasetError(f"{printable(path.name, 60)} cannot be read as idx: {reason(error)}.") from error
    return values[..., None] if axes == 3 else values.astype(np.int64)


class _PickledArray:
    """Stands in for a numpy array while unpickling, so that no code of numpy's sees what the file claims."""

    values: NDArray[np.uint8]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, _, column_first, data = state
        self.values = np.frombuffer(data, np.uint8).reshape(shape, order="F" if column_first else "C")


class _PickledDtype:
    """Stands in for a numpy dtype; the only one in these archives is unsigned bytes."""

    def __init__(self, code: bytes | str, *_: object) -> None:
        if code not in (b"u1", "u1"):
            raise pickle.UnpicklingError("it holds numbers other than bytes")

    def __setstate__(self, state: object) -> None:
        pass  # Byte order and the like mean nothing for single bytes.


def _reconstruct(*_: object) -> _PickledArray:
    return _PickledArray()


class _PicturesOnly(pickle.Unpickler):
    """An unpickler for dicts, lists, numbers, texts and arrays of bytes; it never calls what a file names."""

    _STANDS_IN: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): None,
        ("numpy", "dtype"): _PickledDtype,
    }

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="bytes")
        self._bytes_left = len(data)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return self._encode
        if (module, name) not in self._STANDS_IN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which has no place in a data set")
        return self._STANDS_IN[module, name]

    def _encode(self, text: str, encoding: str) -> bytes:
        """How newer Pythons write bytes in older pickles. Each text is there once, so all fit into the file."""
        self._bytes_left -= len(text)
        if self._bytes_left < 0:
            raise pickle.UnpicklingError("it names the same text again and again")
        return text.encode("latin-1")
