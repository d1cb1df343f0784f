"""Pictures in several arrays, or on disk, taken by row: an import of any size needs little memory."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.datasets.splits import Indices
from core.errors import DatasetError

CHUNK_ROWS = 500


class Rows(Protocol):
    """Pictures of one shape, uint8; an array is one too."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Indices, /) -> NDArray[np.uint8]: ...


class PictureFile:
    """Pictures that are written one after another to a temporary file, which is gone when this is closed."""

    def __init__(self, folder: Path, picture_shape: tuple[int, int, int]) -> None:
        # Not mapped: the limit on the memory of an import counts what is mapped.
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it is closed with this
        self._folder = folder
        self._picture_shape = picture_shape
        self._picture_bytes = int(np.prod(picture_shape))
        self._count = 0

    def __enter__(self) -> "PictureFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def check_space(self, count: int) -> None:
        """Raise DatasetError unless the disk has room for `count` pictures twice: here, and where they are stored."""
        needed, free = 2 * count * self._picture_bytes, shutil.disk_usage(self._folder).free
        if needed > free:
            raise DatasetError(
                f"{count:,} pictures need {needed / 1e6:,.0f} MB of disk space while they are imported; "
                f"{free / 1e6:,.0f} MB are free. Free some space, or choose a smaller image size."
            )

    def append(self, pixels: NDArray[np.uint8]) -> None:
        """Add one picture. All are written before the first is read."""
        assert pixels.shape == self._picture_shape and pixels.dtype == np.uint8
        self._file.write(pixels.tobytes())
        self._count += 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self._count, *self._picture_shape)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rows: Indices, /) -> NDArray[np.uint8]:
        read = np.empty((len(rows), *self._picture_shape), np.uint8)
        for place, row in enumerate(rows):
            self._file.seek(int(row) * self._picture_bytes)
            data = self._file.read(self._picture_bytes)
            read[place] = np.frombuffer(data, np.uint8).reshape(self._picture_shape)
        return read


class Joined:
    """Arrays of pictures of one shape as one, without a copy: the rows of the second follow those of the first."""

    def __init__(self, arrays: Sequence[NDArray[np.uint8]]) -> None:
        self._arrays = arrays
        self._starts = np.cumsum([0, *(len(array) for array in arrays)])

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._arrays[0].shape[1:])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, rows: Indices, /) -> NDArray[np.uint8]:
        read = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for array, start in zip(self._arrays, self._starts, strict=False):
            inside = (rows >= start) & (rows < start + len(array))
            read[inside] = array[rows[inside] - start]
        return read


class Selection:
    """Some rows of `source`, in this order, as `save_dataset` stores them."""

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, source: Rows, rows: Indices) -> None:
        self._source = source
        self._rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._rows), *self._source.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def chunks(self) -> Iterator[NDArray[np.uint8]]:
        """All rows, `CHUNK_ROWS` at a time."""
        for start in range(0, len(self._rows), CHUNK_ROWS):
            yield self._source[self._rows[start : start + CHUNK_ROWS]]
