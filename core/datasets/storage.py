"""Data sets on disk: a folder with memory-mapped arrays that all workers share, put in place at once or not at all."""

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config.dataset import DATASET_ID, NOT_KNOWN
from core.datasets.catalogue import SOURCES, Source
from core.errors import DatasetError
from core.formatting import listed, reason
from core.system.files import sha256_of
from core.visitors.person import check_not_visitor
from core.workspace import Workspace

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
MAX_CLASSES = 1000
MAX_SIDE = 256
MAX_ARRAY_BYTES = 4_000_000_000
DESCRIPTION = "dataset.json"
# What the arrays hold, and their axes.
_PICTURES, _LABELS = (np.uint8, 4), (np.int64, 1)


@dataclass(frozen=True)
class Progress:
    """How far a preparation is: a stage in words, and done of total (0: not known) in its own unit."""

    stage: str
    done: int = 0
    total: int = 0


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Dataset:
    """A data set that is stored.

    `x_*` are read-only memory maps, uint8 (count, height, width, channels) with 1 or 3 channels; `y_*` are int64
    (count,), indices into `class_names`. The first `num_validation` rows of the test arrays are the validation part
    that came with the data set; None: it came without one, and `splits` halves the test arrays. `digest` are 64
    hexadecimal digits: two data sets have the same exactly when a run would learn the same from both, see `digest_of`.
    `crop` is how its pictures were brought to their shape, see `core.images.fit_picture`; None: they came in it.
    """

    id: str
    title: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    num_validation: int | None
    digest: str
    crop: str | None = None


@dataclass(frozen=True)
class DatasetInfo:
    """What lists show of a data set.

    `state` is `ready`, `available` (to be drawn or downloaded) or `damaged`; then `description` says what is wrong,
    and the numbers of a person's own one are 0, since nothing else knows them. `digest` is as in `Dataset`, None unless
    it is ready. `crop` is as in `Dataset`.
    """

    id: str
    title: str
    state: str
    description: str
    num_train: int
    num_validation: int
    num_test: int
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    size_bytes: int
    digest: str | None = None
    crop: str | None = None

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "num_classes": self.num_classes}


def load_dataset(workspace: Workspace, dataset_id: str, *, verify: bool = False) -> Dataset:
    """Map a data set that is stored. With `verify`, each file's SHA-256 is checked first.

    Raises:
        DatasetError: it is not here, or a file is damaged (which is named).
    """
    check_id(dataset_id)
    folder = workspace.datasets / dataset_id
    if not folder.is_dir():
        raise DatasetError(f"The data set {dataset_id} is not here.")
    described, loaded = _open(folder, verify=verify)
    num_validation = described.get("num_validation")
    try:
        check_arrays(loaded, described["class_names"])
        check_num_validation(num_validation, len(loaded["x_test"]))
    except DatasetError as error:
        raise _damaged(dataset_id, reason(error)) from error
    height, width, channels = loaded["x_train"].shape[1:]
    return Dataset(
        dataset_id, described["title"], tuple(described["class_names"]), (height, width, channels), **loaded,
        num_validation=num_validation, digest=digest_of(described), crop=described.get("crop"),
    )  # fmt: skip


def list_datasets(workspace: Workspace) -> list[DatasetInfo]:
    """All that are stored or available: the built-in one, the known ones, then the person's own.

    A damaged one is listed too, so that it can be removed: its name is taken. Only what is read within
    milliseconds is judged here; the content of the arrays is judged by `load_dataset`.
    """
    own = sorted(
        folder.name
        for folder in (workspace.datasets.iterdir() if workspace.datasets.is_dir() else ())
        if DATASET_ID.fullmatch(folder.name) and folder.name not in SOURCES and folder.is_dir()
    )
    return [_info(workspace, dataset_id) for dataset_id in [*SOURCES, *own]]


def describe_dataset(workspace: Workspace, dataset_id: str) -> DatasetInfo | None:
    """What `list_datasets` says of one data set, without opening the others; None where it is not known."""
    if not DATASET_ID.fullmatch(dataset_id):
        return None
    is_known = dataset_id in SOURCES or (workspace.datasets / dataset_id).is_dir()
    return _info(workspace, dataset_id) if is_known else None


def delete_dataset(workspace: Workspace, dataset_id: str) -> None:
    """Delete what is stored of a data set. Raises DatasetError when it is not here, NotAllowed for visitors."""
    check_not_visitor("delete a data set")
    check_id(dataset_id)
    folder = workspace.datasets / dataset_id
    if not folder.is_dir():
        raise DatasetError(f"The data set {dataset_id} is not here.")
    temporary = workspace.datasets / f".{dataset_id}.{secrets.token_hex(4)}"
    folder.rename(temporary)
    shutil.rmtree(temporary, ignore_errors=True)


def is_ready(workspace: Workspace, dataset_id: str) -> bool:
    """Whether the data set is stored."""
    check_id(dataset_id)
    return _describe(workspace.datasets / dataset_id) is not None


def digest_of(described: Mapping[str, Any]) -> str:
    """The digest of a data set with this description: of its class names in order, its arrays and its validation part.

    It comes from the SHA-256 of each array that is stored with them, so no array is read. Name, title and description
    are no part of it.
    """
    arrays = [described["sha256"][name] for name in ARRAYS]
    identity = [described["class_names"], described.get("num_validation"), arrays]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def check_id(dataset_id: str) -> None:
    """Raise DatasetError unless the id may become a folder's name."""
    if dataset_id == NOT_KNOWN:
        raise DatasetError("This run was trained elsewhere, on pictures that ConvDeck does not have.")
    if not isinstance(dataset_id, str) or not DATASET_ID.fullmatch(dataset_id):
        raise DatasetError(
            "A data set's name is 1 to 40 lowercase letters, digits, '-' or '_', such as my-flowers."
        )


def check_is_free(workspace: Workspace, dataset_id: str) -> None:
    """Raise DatasetError when the name is no name or is taken by a data set that is here, whole or damaged."""
    check_id(dataset_id)
    if (workspace.datasets / dataset_id).exists():
        raise DatasetError(
            f"There is a data set {dataset_id} already. Remove it first, or choose another name."
        )


def check_arrays(arrays: Mapping[str, Any], class_names: Sequence[str]) -> None:
    """Raise DatasetError unless the four arrays hold pictures and labels of these classes."""
    num_classes = len(class_names)
    if not 2 <= num_classes <= MAX_CLASSES:
        raise DatasetError(f"A data set needs 2 to {MAX_CLASSES:,} classes, not {num_classes:,}.")
    for part, least in (("train", num_classes), ("test", 2)):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.ndim != 4 or x.shape[-1] not in (1, 3) or x.dtype != np.uint8:
            raise DatasetError(
                f"x_{part} must hold uint8 pictures of shape (count, height, width, 1 or 3), not {x.dtype} {x.shape}."
            )
        if not 8 <= min(x.shape[1:3]) <= max(x.shape[1:3]) <= MAX_SIDE:
            raise DatasetError(
                f"Pictures must be from 8 to {MAX_SIDE} pixels wide and high, not {x.shape[1:3]}."
            )
        if y.shape != (len(x),):
            raise DatasetError(
                f"y_{part} must hold one label for each of {len(x):,} pictures, not {y.shape}."
            )
        if len(x) < least:
            raise DatasetError(f"x_{part} has {len(x):,} pictures; at least {least:,} are needed.")
        if y.min() < 0 or y.max() >= num_classes:
            raise DatasetError(f"y_{part} must hold labels from 0 to {num_classes - 1}.")
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        raise DatasetError("x_train and x_test hold pictures of different shapes.")
    missing = sorted(set(range(num_classes)) - set(np.unique(arrays["y_train"]).tolist()))
    if missing:
        raise DatasetError(
            f"There is no training picture of {listed([class_names[label] for label in missing], 5)}."
        )


def check_num_validation(num_validation: object, num_test: int) -> None:
    """Raise DatasetError unless the first `num_validation` of a test part can be its validation part."""
    if num_validation is not None and not (isinstance(num_validation, int) and 0 < num_validation < num_test):
        raise DatasetError(
            f"The validation part must have 1 to {num_test - 1:,} of {num_test:,} pictures, not {num_validation!r}."
        )


def _info(workspace: Workspace, dataset_id: str) -> DatasetInfo:
    folder = workspace.datasets / dataset_id
    if not folder.is_dir():
        return _known_info(SOURCES[dataset_id])
    try:
        return _stored_info(folder, _versions(folder))
    except DatasetError as error:
        source = SOURCES.get(dataset_id)
        nothing = DatasetInfo(dataset_id, dataset_id, "damaged", "", 0, 0, 0, (), (0, 0, 0), 0)
        return replace(_known_info(source) if source else nothing, state="damaged", description=str(error))


def _versions(folder: Path) -> tuple[tuple[int, ...] | None, ...]:
    """What the file system says of each file of a data set; changes when one is written again. None: missing."""

    def version(name: str) -> tuple[int, ...] | None:
        try:
            found = (folder / name).stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    return tuple(version(name) for name in (DESCRIPTION, *(f"{name}.npy" for name in ARRAYS)))


# Asked for by every visitor at every tick of a live run. To open an array is to have Python parse its header, and while
# other threads do the same, Python 3.11.7 fails at that now and then with a SystemError (python/cpython 106905).
@lru_cache(maxsize=256)
def _stored_info(folder: Path, versions: tuple[tuple[int, ...] | None, ...]) -> DatasetInfo:
    """`versions` are those of its files: it is read again when they are others. Raises DatasetError, each time."""
    described, arrays = _open(folder)
    num_train, height, width, channels = arrays["x_train"].shape
    num_test = len(arrays["x_test"])
    num_validation = described.get("num_validation") or num_test // 2
    size = sum((folder / f"{name}.npy").stat().st_size for name in ARRAYS)
    return DatasetInfo(
        folder.name, described["title"], "ready", described["description"], num_train, num_validation,
        num_test - num_validation, tuple(described["class_names"]), (height, width, channels), size,
        digest_of(described), described.get("crop"),
    )  # fmt: skip


def _known_info(source: Source) -> DatasetInfo:
    num_validation = source.num_test // 2
    return DatasetInfo(
        source.id, source.title, "available", source.description, source.num_train, num_validation,
        source.num_test - num_validation, source.class_names, source.image_shape, source.download_bytes,
    )  # fmt: skip


def _open(folder: Path, *, verify: bool = False) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The description and the mapped arrays. Raises DatasetError when one is missing, cut or something else."""
    described = _describe(folder)
    if described is None:
        raise _damaged(folder.name, f"{DESCRIPTION} cannot be read")
    arrays = {}
    for name in ARRAYS:
        path = folder / f"{name}.npy"
        try:
            if verify and sha256_of(path) != described["sha256"][name]:
                raise ValueError("its content has changed")
            arrays[name] = map_array(path, *(_PICTURES if name.startswith("x") else _LABELS))
        except (OSError, ValueError) as error:
            raise _damaged(folder.name, f"{path.name}: {reason(error)}") from error
    return described, arrays


def _describe(folder: Path) -> dict[str, Any] | None:
    """The stored description; None when there is none, it is not one, or it is not as it was written."""
    try:
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(described, dict):
        return None
    names, digests = described.get("class_names"), described.get("sha256")
    whole = (
        isinstance(described.get("title"), str)
        and isinstance(described.get("description"), str)
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and isinstance(digests, dict)
        and digests.keys() >= set(ARRAYS)
        and isinstance(described.get("num_validation"), int | None)
        and isinstance(described.get("crop"), str | None)
    )
    # Descriptions of older versions have no digest. Title and description may be edited by hand.
    is_own = whole and described.get("digest") in (None, digest_of(described))
    return described if is_own else None


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


def _damaged(dataset_id: str, what: str) -> DatasetError:
    return DatasetError(f"The data set {dataset_id} is damaged ({what}). Remove it and add it again.")
