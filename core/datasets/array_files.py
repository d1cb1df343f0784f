"""The files that hold the arrays of a data set: mapped and judged by their header, whatever has happened to it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def map_array(path: Path, kind: type[np.generic], axes: int) -> NDArray[Any]:
    """A read-only memory map of a `.npy` file, whose array must be of the dtype `kind` with this number of `axes`.

    Raises:
        OSError: it cannot be read.
        ValueError: the file is damaged, with what is wrong in words that can follow its name.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except (OSError, SystemError):
        # The second is no fault of the file: Python 3.11.7 parses in several threads now and then with a SystemError
        # (python/cpython 106905).
        raise
    except Exception as error:
        # The header is an expression of Python. With one flipped bit NumPy raises SyntaxError, TypeError, TokenError,
        # OverflowError, MemoryError, UnicodeError and others, and with many a ValueError that quotes what it found.
        raise ValueError("its header is damaged, or it is cut off") from error
    if array.dtype != kind or array.ndim != axes:
        raise ValueError(f"it holds {array.dtype} numbers of shape {array.shape}")
    if array.offset + array.nbytes != path.stat().st_size:
        raise ValueError(f"its size is not that of {array.shape}")
    return array
