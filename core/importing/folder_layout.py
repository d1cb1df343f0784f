"""Which folders of a data set are classes and which are its parts, told from their names."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

from core.datasets.storage import MAX_CLASSES
from core.errors import DatasetError
from core.formatting import printable

PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_FIX = (
    "Name the outer folders train, validation and test (or train and test) and remove the others; or, if they "
    "are the classes, rename them and put the pictures directly into them."
)

Folders = tuple[str, ...]  # from the outermost inwards


@dataclass(frozen=True)
class Layout:
    """Where the class folders lie: beneath `wrapper`, or one deeper in `parts` (outer folder → part and wrapper).

    Of two parts the one that is not `train` is called `test`, whatever its folder is called.
    """

    wrapper: Folders
    parts: Mapping[str, tuple[str, Folders]]

    def place(self, folders: Folders) -> tuple[str, str] | None:
        """(part, class folder) of what lies in `folders`; None for what lies outside of the classes."""
        part, wrapper = "train", self.wrapper
        if self.parts:
            outer = folders[len(wrapper)] if len(folders) > len(wrapper) else ""
            if outer not in self.parts:
                return None
            part, inner = self.parts[outer]
            wrapper = (*wrapper, outer, *inner)
        if len(folders) <= len(wrapper) or folders[: len(wrapper)] != wrapper:
            return None
        return part, folders[len(wrapper)]


def find_layout(filled: Collection[Folders]) -> Layout:
    """The layout of a data set with pictures in the folders `filled`.

    Raises:
        DatasetError: a picture lies in no class folder, or the folders look like parts and are not quite.
    """
    wrapper = _wrapper(filled)
    if wrapper is None:
        raise DatasetError("Some pictures are in no class folder. Put each class into its own folder.")
    insides: dict[str, set[Folders]] = {}
    for folders in filled:
        insides.setdefault(folders[len(wrapper)], set()).add(folders[len(wrapper) + 1 :])
    named = {outer: PARTS[outer.lower()] for outer in insides if outer.lower() in PARTS}
    if len(named) < len(insides) or "train" not in named.values() or len(named) < 2:
        _check_are_classes(insides)
        return Layout(wrapper, {})
    for part in set(named.values()):
        same = sorted(outer for outer in named if named[outer] == part)
        if len(same) > 1:
            raise DatasetError(f"The folders {_listed(same)} mean the same part. Merge them.")
    parts = {}
    for outer, part in named.items():
        inner = _wrapper(insides[outer])
        if inner is None:
            raise DatasetError(f"The folders {_listed(named)} need one folder per class in them.")
        parts[outer] = ("test" if len(named) == 2 and part == "validation" else part, inner)
    return Layout(wrapper, parts)


def name_classes(folders: Collection[str]) -> tuple[str, ...]:
    """The names of the classes in the folders of these names, in their order: by code point, as Keras's
    `image_dataset_from_directory` has it, so capitals before small letters and `10` before `2`.

    Raises:
        DatasetError: too few, too many, or names that would be mistaken for one another.
    """
    normal = {unicodedata.normalize("NFC", folder) for folder in folders}
    names = sorted({class_name(folder) for folder in normal})
    if len(names) < len(normal):
        raise DatasetError(
            "Two class folders have names that look the same in their first 60 characters. Rename one."
        )
    for first, second in pairwise(sorted(names, key=lambda name: (name.casefold(), name))):
        if first.casefold() == second.casefold():
            raise DatasetError(
                f"The classes {first!r} and {second!r} differ only in capital letters. Rename one."
            )
    if len(names) < 2:
        raise DatasetError(
            f"There is only one class ({names[0]!r}); a classifier needs at least two folders."
        )
    if len(names) > MAX_CLASSES:
        raise DatasetError(f"There are {len(names):,} classes; at most {MAX_CLASSES:,} are allowed.")
    return tuple(names)


def class_name(folder: str) -> str:
    """The name of the class in a folder: the same for the two ways in which systems write accents."""
    return clean_class_name(unicodedata.normalize("NFC", folder))


def _wrapper(filled: Collection[Folders]) -> Folders | None:
    """Zips often hold one folder with everything in it; so may several, one in another. None: a loose picture."""
    shallowest = min(map(len, filled))
    if shallowest == 0:
        return None
    depth = 0
    while depth < shallowest - 1 and len({folders[depth] for folders in filled}) == 1:
        depth += 1
    return next(iter(filled))[:depth]


def _check_are_classes(insides: Mapping[str, set[Folders]]) -> None:
    """Refuse outer folders (with the folders in them) that look like parts, such as `seg_train`.

    A single class may well be called `train` or `freight train`, beside `bus`, as long as it holds pictures itself.
    """
    hints = {outer: _hinted_parts(outer) for outer in insides if _hinted_parts(outer)}
    nested = {outer for outer, inside in insides.items() if any(inside)}
    if len(set().union(*hints.values())) > 1 or nested & hints.keys():
        raise DatasetError(
            f"It is not clear whether the folders {_listed(insides)} are the classes or the parts for training "
            f"and test. {_FIX}"
        )
    same = {frozenset(folders[0] for folders in inside if folders) for inside in insides.values()}
    if len(insides) > 1 and len(same) == 1 and len(inner := next(iter(same))) > 1:
        raise DatasetError(
            f"Each of the folders {_listed(insides)} holds the same folders ({_listed(inner)}), so it is not clear "
            f"which are the classes. {_FIX}"
        )


def _hinted_parts(folder: str) -> set[str]:
    """`seg_train` → train, `test1` → test."""
    return {PARTS[word] for word in re.split("[^a-z]+", folder.lower()) if word in PARTS}


def _listed(names: Collection[str]) -> str:
    shown = [printable(name, 40) for name in sorted(names)[:4]]
    return ", ".join(shown) + (" …" if len(names) > 4 else "")


def clean_class_name(name: str) -> str:
    """A class name that can be shown anywhere: printable, at most 60 characters. Raises DatasetError."""
    shown = printable(name, 60)
    if not shown:
        raise DatasetError("A class has a name without a single printable character.")
    return shown
