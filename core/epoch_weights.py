"""Compact weights of a run's epochs, one file each, so that one can go back over the epochs. Loads no Keras.

`epochs/000012.npz` in the run's folder is an `.npz` with an array for each weight, called as Keras calls it
(`conv_1/kernel`), and `sha256`, the digest of all others. What has two dimensions or more is in half precision: its
relative error is at most 2^-11, and the answers of the network hardly change.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.system.files import remove_leftovers, write_bytes

FOLDER = "epochs"
LARGEST_HALF = 65_504  # of half precision; beyond it lies infinity
BYTES_PER_WEIGHT = 2
MOST_BYTES = (
    512_000_000  # per run; a run that would take more keeps every 2nd epoch, then every 4th, and so on
)
_ALWAYS = 3  # the first, the best and the last epoch

_DIGEST = "sha256"
_FILE = re.compile(r"(\d{6,})\.npz")

Weights = dict[str, NDArray[Any]]


def compact(weights: Mapping[str, NDArray[np.float32]]) -> Weights:
    """Kernels in half precision, vectors as they are. So stays what half precision cannot hold."""
    return {name: _compact(array) for name, array in weights.items()}


def epoch_path(folder: Path, epoch: int) -> Path:
    """Where the weights of an epoch are kept, if they are."""
    return folder / FOLDER / f"{epoch:06d}.npz"


def write_epoch(folder: Path, epoch: int, weights: Weights) -> None:
    """Keep the weights, by name, in the place of what was kept of this epoch. Raises OSError."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {_DIGEST: np.array(_digest(weights)), **weights}
    np.savez(buffer, **arrays)
    (folder / FOLDER).mkdir(exist_ok=True)
    write_bytes(epoch_path(folder, epoch), buffer.getvalue())


def forget_after(folder: Path, epoch: int) -> None:
    """Remove what was kept of later epochs, which are trained again. No other process may be writing there."""
    for later in kept_epochs(folder):
        if later > epoch:
            epoch_path(folder, later).unlink(missing_ok=True)
    remove_leftovers(folder / FOLDER)


def spacing(epochs: int, size: float, most: float = MOST_BYTES) -> int:
    """Which of the first `epochs` are kept, at `size` bytes each: 1 for all, 2 for every second, 4, 8 and so on.

    It is the least with which they, and the first, best and last one, take at most `most` bytes. More epochs never need
    less, so that epochs can be thinned while they come.
    """
    every = 1
    while every < epochs and kept_count(epochs, every) * size > most:
        every *= 2
    return every


def kept_count(epochs: int, every: int) -> int:
    """The most of the first `epochs` that are kept: each fourth with `every` 4, the first, the best and the last."""
    return epochs if every == 1 else min(epochs, epochs // every + _ALWAYS)


def epoch_ordinal(every: int) -> str:
    """`every epoch`, `every 2nd epoch`, `every 4th epoch`"""
    if every == 1:
        return "every epoch"
    return f"every {every:,}{'nd' if every % 10 == 2 and every % 100 != 12 else 'th'} epoch"


def kept_spacing(folder: Path, most: float = MOST_BYTES) -> int:
    """The `spacing` that the epochs of a run have by now; 1 where none are kept."""
    epochs = kept_epochs(folder)
    return spacing(epochs[-1], _size(epoch_path(folder, epochs[-1])), most) if epochs else 1


def thin(folder: Path, best: int | None, most: float = MOST_BYTES) -> int:
    """Remove what is kept beyond `kept_spacing`, and return that. The first, the `best` and the last epoch stay.

    Raises OSError. A process that is reading an epoch has it already, or finds that it is not kept.
    """
    epochs, every = kept_epochs(folder), kept_spacing(folder, most)
    for epoch in epochs:
        if epoch % every and epoch not in (1, best, epochs[-1]):
            epoch_path(folder, epoch).unlink(missing_ok=True)
    return every


def delete_epochs(folder: Path) -> tuple[int, int]:
    """Remove the weights of all epochs. Returns of how many, and the bytes that they took. Raises OSError.

    A run that trains goes on keeping those of its next epochs; the folder stays for it.
    """
    count = freed = 0
    for epoch in kept_epochs(folder):
        path = epoch_path(folder, epoch)
        size = _size(path)
        path.unlink(missing_ok=True)
        count, freed = count + 1, freed + size
    return count, freed


def kept_bytes(folder: Path) -> int:
    """What the files of all epochs that are kept hold."""
    return sum(_size(epoch_path(folder, epoch)) for epoch in kept_epochs(folder))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # it was deleted or thinned meanwhile


def kept_epochs(folder: Path) -> tuple[int, ...]:
    """The epochs of a run whose weights are kept, in their order."""
    found = (_FILE.fullmatch(path.name) for path in (folder / FOLDER).glob("*.npz"))
    return tuple(sorted(int(match[1]) for match in found if match))


def epoch_digest(folder: Path, epoch: int) -> str | None:
    """The SHA-256 of the weights that are kept of an epoch, as they say themselves; None where there are none."""
    path = epoch_path(folder, epoch)
    try:
        found = path.stat()
        return _read_digest(path, found.st_mtime_ns, found.st_ino)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None


@lru_cache(maxsize=4096)
def _read_digest(path: Path, *_version: int) -> str:
    # NumPy leaves a file open that is damaged.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return str(stored[_DIGEST])


def read_epoch(folder: Path, epoch: int) -> tuple[str, Weights]:
    """The SHA-256 of the weights that are kept of an epoch, and the weights by name, in float32.

    Raises UserError where there are none, or what there is is damaged.
    """
    try:
        data = epoch_path(folder, epoch).read_bytes()
    except OSError:
        raise UserError(f"The weights of epoch {epoch} of this run were not kept.") from None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            weights = {name: stored[name] for name in stored.files if name != _DIGEST}
            digest = str(stored[_DIGEST])
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        weights, digest = {}, ""
    if digest != _digest(weights):
        raise UserError(f"The weights that were kept of epoch {epoch} are damaged and are not used.")
    return digest, {name: array.astype(np.float32) for name, array in weights.items()}


def _compact(array: NDArray[np.float32]) -> NDArray[Any]:
    # What is not a number fails the comparison too.
    if array.ndim < 2 or not np.abs(array).max(initial=0) <= LARGEST_HALF:
        return array
    return array.astype(np.float16)


def _digest(weights: Weights) -> str:
    found = hashlib.sha256()
    for name, array in weights.items():
        found.update(f"{name} {array.dtype} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
