"""Pictures and labels in an `.npz` file, in the several ways in which people keep them; what is converted is said."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.rows import Joined
from core.datasets.storage import MAX_ARRAY_BYTES, MAX_CLASSES
from core.errors import DatasetError
from core.formatting import count_of, listed, printable, reason
from core.importing.folder_layout import clean_class_name
from core.importing.parts import PART_NAMES, Collected
from core.importing.report import DARK, LeftOut, dark_note

# What the arrays of each part are called: as ConvDeck and Keras have it, and as MedMNIST (Yang et al., 2023) does.
KEYS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "validation": (
        ("x_val", "y_val"), ("x_valid", "y_valid"), ("x_validation", "y_validation"), ("val_images", "val_labels"),
    ),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}  # fmt: skip
_ALONE = (("x", "y"), ("images", "labels"))
_NEEDED = "it needs x_train and y_train, and better x_test and y_test too"
_CLASS_NAMES = ("class_names", "classes", "label_names")
_UNLABELLED = 255

Arrays = Mapping[str, NDArray[Any]]


def read_npz(path: Path, shown: str) -> Collected:
    """The pictures and labels in an `.npz` file, called `shown`.

    Raises:
        DatasetError: it is damaged or too large, or its arrays are no pictures with labels; it says what they are.
    """
    arrays, left_out = _load(path, shown)
    found, notes = _find_parts(arrays, shown)
    used = {name for names in found.values() for name in names}
    names_key = next((key for key in arrays if key.lower() in _CLASS_NAMES), None)
    left_out += [
        LeftOut(name, "is an array that is not needed")
        for name in arrays
        if name not in used and name != names_key
    ]
    pictures = _pictures({x: arrays[x] for x, _ in found.values()}, notes)
    pictures = {part: pictures[x] for part, (x, _) in found.items()}
    shapes = {array.shape[1:] for array in pictures.values()}
    if len(shapes) > 1:
        raise DatasetError(
            f"The parts hold pictures of different shapes: {listed(sorted(map(str, shapes)), 3)}."
        )
    raw = {part: _flat_labels(arrays[y], y, len(arrays[x]), notes) for part, (x, y) in found.items()}
    class_names, labels = _classes(
        raw, {part: y for part, (_, y) in found.items()}, arrays.get(names_key or ""), notes
    )
    order = [part for part in PART_NAMES if part in found]
    return Collected(
        class_names,
        Joined([pictures[part] for part in order]),
        np.concatenate([labels[part] for part in order]),
        np.concatenate([np.full(len(labels[part]), PART_NAMES.index(part), np.int8) for part in order]),
        [f"{found[part][0]}[{row}]" for part in order for row in range(len(labels[part]))],
        left_out,
        list(dict.fromkeys(notes)),
    )


def _load(path: Path, shown: str) -> tuple[dict[str, NDArray[Any]], list[LeftOut]]:
    """All arrays of numbers and texts by name; arrays of Python objects are never read, since they can run code."""
    arrays, left_out = {}, []
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(entry.file_size for entry in archive.infolist())
        if declared > MAX_ARRAY_BYTES:
            raise DatasetError(
                f"{shown} would take {declared:,} bytes; at most {MAX_ARRAY_BYTES:,} are allowed."
            )
        with np.load(path, allow_pickle=False) as stored:
            for name in stored.files:
                try:
                    array = stored[name]
                except ValueError as error:
                    if "allow_pickle" not in str(error):
                        raise
                    _refuse_objects(name)
                if not isinstance(array, np.ndarray):
                    left_out.append(LeftOut(printable(name, 60), "is not an array"))
                else:
                    arrays[name] = array
    except (DatasetError, MemoryError):
        raise
    # What NumPy and zipfile raise for a damaged file is open-ended: see `core.datasets.storage.map_array`.
    except Exception as error:
        raise DatasetError(f"{shown} cannot be read as .npz: {reason(error)}.") from error
    return arrays, left_out


def _refuse_objects(name: str) -> None:
    shown = printable(name, 60)
    if name.lower() in _CLASS_NAMES or name.lower().startswith(("y_", "label")):
        cure = f"Save it as text: {shown}=np.array(list_of_names, dtype=str)"
    else:
        cure = "Save pictures of one size as uint8"
    raise DatasetError(
        f"{shown} is an array of Python objects, which is not read because it can run code. {cure}."
    )


def _find_parts(arrays: Arrays, shown: str) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """The names of pictures and labels of each part that there is, whatever their capitals, and notes."""
    by_lower = {name.lower(): name for name in arrays}
    found, notes = {}, []
    for part, pairs in KEYS.items():
        for x, y in pairs:
            if x in by_lower and y in by_lower:
                found[part] = by_lower[x], by_lower[y]
                break
            if x in by_lower or y in by_lower:
                there, missing = (x, y) if x in by_lower else (y, x)
                raise DatasetError(f"{shown} has {there} and no {missing}.")
    if "train" not in found:
        alone = next(((x, y) for x, y in _ALONE if x in by_lower and y in by_lower), None)
        if alone is None or found:
            held = listed([printable(name, 30) for name in arrays], 8) or "nothing"
            raise DatasetError(f"{shown} has no x_train and y_train: it holds {held}; {_NEEDED}.")
        found["train"] = by_lower[alone[0]], by_lower[alone[1]]
    if found["train"][0] != "x_train":
        notes.append(f"{found['train'][0]} and {found['train'][1]} were taken as the training part.")
    if "validation" in found:
        notes.append(f"{found['validation'][0]} and {found['validation'][1]} are the validation part.")
    return found, notes


def _pictures(arrays: Arrays, notes: list[str]) -> dict[str, NDArray[np.uint8]]:
    """(count, height, width, 1 or 3) uint8 of each part; what the numbers mean is decided for all parts together."""
    oriented = {name: _channels_last(array, name, notes) for name, array in arrays.items()}
    factor = _factor(oriented, notes)
    read = {}
    for name, array in oriented.items():
        pixels = array if array.dtype == np.uint8 and factor == 1 else _rounded(array, factor)
        if pixels.ndim == 3:
            pixels = pixels[..., None]
        if pixels.shape[-1] in (2, 4):
            notes.append("The pictures had an alpha channel: transparent parts are shown on white.")
            pixels = _on_white(pixels)
        if pixels.shape[-1] not in (1, 3):
            raise DatasetError(
                f"{name} has {pixels.shape[-1]} channels (shape {array.shape}); pictures have 1, 3, or 4 with "
                "transparency."
            )
        read[name] = pixels
    return read


def _channels_last(array: NDArray[Any], name: str, notes: list[str]) -> NDArray[Any]:
    """(count, height, width) or (count, height, width, channels) of numbers."""
    if array.ndim == 2:
        raise DatasetError(
            f"{name} has shape {array.shape}: rows of {array.shape[1]:,} numbers. Bring it to the shape (count, "
            "height, width) or (count, height, width, 3) first."
        )
    if array.ndim not in (3, 4):
        raise DatasetError(
            f"{name} must have shape (count, height, width) or (count, height, width, channels), not {array.shape}."
        )
    if array.dtype.kind not in "uifb" or array.size == 0:
        raise DatasetError(f"{name} must hold numbers, not {array.dtype} of shape {array.shape}.")
    if array.ndim == 4 and array.shape[-1] not in (1, 2, 3, 4) and array.shape[1] in (1, 2, 3, 4):
        array = array.transpose(0, 2, 3, 1)
        notes.append("The pictures had their channels first; they were put last.")
    return array


def _factor(arrays: Arrays, notes: list[str]) -> float:
    """By what all numbers are multiplied to be pixels from 0 to 255. Raises DatasetError where that is not clear."""
    names = " and ".join(arrays)
    kinds = {array.dtype.kind for array in arrays.values()}
    lows, highs = ([getattr(array, way)() for array in arrays.values()] for way in ("min", "max"))
    low, high = min(lows), max(highs)
    if not np.isfinite([*lows, *highs]).all():
        raise DatasetError(f"{names} hold NaN or infinite numbers.")
    if kinds == {"b"}:
        notes.append("The pictures were true or false; they became white or black.")
        return 255.0
    if low < 0:
        raise DatasetError(
            f"{names} hold numbers from {low:g} to {high:g}; pixels are from 0 to 255 (or 0 to 1 as fractions). Undo "
            "what was subtracted or divided before you save them."
        )
    is_mixed = len({array.dtype for array in arrays.values()}) > 1 and high > 255
    if is_mixed or (high > 2 and any(0 < each <= 1 for each in highs)):
        told = listed([f"{name}: {array.dtype} up to {array.max():g}" for name, array in arrays.items()], 3)
        raise DatasetError(f"The parts hold pixels of different kinds ({told}). Save them in the same way.")
    if kinds == {"f"} and high <= 1:
        notes.append("The pixels were fractions from 0 to 1; they were multiplied by 255.")
        return 255.0
    if kinds == {"f"} and high <= 2:
        raise DatasetError(
            f"{names} hold fractions from {low:g} to {high:g}: a little beyond 1, if they are from 0 to 1. Cut them "
            "off there (np.clip) before you save them."
        )
    if high == 1:
        raise DatasetError(
            f"{names} hold only the whole numbers 0 and 1, which are black where pixels go from 0 to 255. Multiply "
            "them by 255 before you save them."
        )
    if high <= 255:
        for dtype in {array.dtype for array in arrays.values()} - {np.dtype(np.uint8)}:
            notes.append(
                f"The pixels were {dtype} numbers from 0 to 255; they were {_how_kept(arrays)} as uint8."
            )
        return 1.0
    if high <= 65_535 and kinds <= {"u", "i"}:
        notes.append("The pixels had 16 bits: the range from 0 to 65,535 became 0 to 255.")
        if high / 257 < DARK:
            notes.append(dark_note(round(high / 257)))
        return 1 / 257
    raise DatasetError(f"{names} hold numbers from {low:g} to {high:g}; pixels are from 0 to 255.")


def _how_kept(arrays: Arrays) -> str:
    are_whole = all(
        np.array_equal(portion, np.rint(portion)) for array in arrays.values() for portion in _portions(array)
    )
    return "kept" if are_whole else "rounded"


def _portions(array: NDArray[Any]) -> list[NDArray[Any]]:
    return [array[start : start + 1000] for start in range(0, len(array), 1000)]


def _rounded(array: NDArray[Any], factor: float) -> NDArray[np.uint8]:
    """In portions: all at once would take eight times the memory."""
    pixels = np.empty(array.shape, np.uint8)
    for source, target in zip(_portions(array), _portions(pixels), strict=True):
        target[...] = np.rint(source * np.float64(factor))
    return pixels


def _on_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without the last channel, which says how opaque each pixel is."""
    laid = np.empty((*pixels.shape[:-1], pixels.shape[-1] - 1), np.uint8)
    for source, target in zip(_portions(pixels), _portions(laid), strict=True):
        opaque = source[..., -1:] / 255.0
        target[...] = np.rint(source[..., :-1] * opaque + 255.0 * (1 - opaque))
    return laid


def _flat_labels(array: NDArray[Any], name: str, count: int, notes: list[str]) -> NDArray[Any]:
    """(count,) whole numbers or texts, from (count, 1), from one-hot rows, or from fractions that are whole."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "uifb":
        is_one_hot = ((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()
        if not is_one_hot:
            raise DatasetError(
                f"{name} has shape {array.shape} and is not one-hot: each row must hold one 1 and zeros. Pictures with "
                "several labels cannot be trained on."
            )
        notes.append("The labels were one-hot; the place of each 1 became the label.")
        array = array.argmax(axis=1)
    if array.shape != (count,):
        raise DatasetError(f"{name} must hold one label for each of {count:,} pictures, not {array.shape}.")
    if array.dtype.kind == "S":
        array = np.array([label.decode("utf-8", "replace") for label in array.tolist()])
    if array.dtype.kind == "b":
        notes.append("The labels were true or false; they became 1 and 0.")
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.rint(array)).any():
            raise DatasetError(f"{name} must hold whole numbers or names of classes, not fractions.")
        return array.astype(np.int64)
    if array.dtype.kind not in "uiU":
        raise DatasetError(f"{name} must hold whole numbers or names of classes, not {array.dtype}.")
    return array if array.dtype.kind == "U" else array.astype(np.int64)


def _classes(
    raw: Mapping[str, NDArray[Any]], names: Mapping[str, str], given: NDArray[Any] | None, notes: list[str]
) -> tuple[tuple[str, ...], dict[str, NDArray[np.int64]]]:
    """The names of the classes, and the labels of each part as places among them."""
    trained = raw["train"]
    if any(labels.dtype.kind == "U" for labels in raw.values()):
        known = sorted(set(trained.astype(str).tolist()))
        _check_trained(known, raw, names)
        notes.append("The labels were names; the classes are in the order of their code points.")
        if given is not None:
            notes.append("The names of classes beside them were not needed.")
        place = {name: index for index, name in enumerate(known)}
        labels = {
            part: np.array([place[str(name)] for name in array.tolist()], np.int64)
            for part, array in raw.items()
        }
        return _cleaned(known), labels
    low, high = int(trained.min()), int(trained.max())
    for part, array in raw.items():
        if array.min() < 0:
            raise DatasetError(f"{names[part]} must hold labels from 0, not {int(array.min())}.")
    known_labels = np.unique(trained).tolist()
    if high == _UNLABELLED and len(known_labels) > 1 and known_labels[-2] < _UNLABELLED - 1:
        count = int((trained == _UNLABELLED).sum())
        raise DatasetError(
            f"{names['train']} has the label 255 for {count_of(count, 'picture')}, and otherwise at most "
            f"{known_labels[-2]}: 255 often means that a label is missing. Remove these pictures."
        )
    if high >= MAX_CLASSES:
        raise DatasetError(
            f"{names['train']} must hold labels from 0 to {MAX_CLASSES - 1} at most, not {high:,}."
        )
    if low > 0 and known_labels == list(range(low, high + 1)):
        raise DatasetError(
            f"{names['train']} holds labels from {low} to {high}; they begin at 0. Subtract {low} from all labels."
        )
    missing = sorted(set(range(high + 1)) - set(known_labels))
    if missing:
        raise DatasetError(
            f"{names['train']} holds the labels {listed(list(map(str, known_labels)), 8)}, so there is no training "
            f"picture with label {listed(list(map(str, missing)), 5)}. Number the classes from 0 without gaps, or save "
            "the labels as names."
        )
    _check_trained([str(label) for label in known_labels], raw, names)
    if given is None:
        return tuple(str(label) for label in known_labels), dict(raw)
    flat = [
        name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        for name in np.ravel(given).tolist()
    ]
    if len(flat) != len(known_labels):
        first = (
            f": there is no training picture of {printable(flat[len(known_labels)], 60)}"
            if len(flat) > len(known_labels)
            else ""
        )
        raise DatasetError(
            f"It has {count_of(len(flat), 'class name')} and {names['train']} labels from 0 to {high}, which are "
            f"{len(known_labels)}{first}. Give each label its name, and no more."
        )
    return _cleaned(flat), dict(raw)


def _check_trained(known: Sequence[str], raw: Mapping[str, NDArray[Any]], names: Mapping[str, str]) -> None:
    for part, array in raw.items():
        unknown = sorted(set(array.astype(str).tolist()) - set(known))
        if unknown:
            raise DatasetError(
                f"{names[part]} has the label {listed([printable(name, 40) for name in unknown], 3)}, and "
                f"{names['train']} has none such: a network cannot know a class without training pictures."
            )


def _cleaned(class_names: Sequence[str]) -> tuple[str, ...]:
    return tuple(clean_class_name(name) for name in class_names)
