"""What was measured of a run's weights, kept in its folder as files of arrays: answers, maps, histograms.

A file says of which weights it is, by their SHA-256. It can always be measured again: so what cannot be read or written
costs no more than the time for that.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.system.files import write_bytes

MOST_KEPT = (
    24  # files per folder: both parts of a dozen epochs; answers take 0.2 MB each on CIFAR-10, maps 0.5
)
_DIGEST = "sha256"


def read_arrays(path: Path, sha256: str) -> dict[str, NDArray[Any]] | None:
    """As `write_arrays` kept them. None where there are none of these weights, or they cannot be read."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            if str(stored[_DIGEST]) != sha256:
                return None  # the epoch was trained again
            return {name: stored[name] for name in stored.files if name != _DIGEST}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def write_arrays(path: Path, sha256: str, **arrays: NDArray[Any]) -> None:
    """Keep them, and of the folder the MOST_KEPT newest files. What cannot be written is measured again."""
    buffer = io.BytesIO()
    stored: dict[str, Any] = {_DIGEST: np.array(sha256), **arrays}
    np.savez(buffer, **stored)
    try:
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, buffer.getvalue())
        for old in sorted(path.parent.glob("*.npz"), key=lambda path: path.stat().st_mtime)[:-MOST_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return
