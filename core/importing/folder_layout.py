"""Which folders of a data set are classes and which are its parts, told from their names."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

from core.datasets.storage import MAX_CLASSES
from core.errors import DatasetError
from core.formatting import printable
from core.importing.zip_guard import Folders

PARTS = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "valset": "validation",
    "dev": "validation",
    "eval": "validation",
    "test": "test",
    "testing": "test",
    "testset": "test",
    "holdout": "test",
}
_FIX = (
    "Name the outer folders train, validation and test (or train and test) and remove the others; or, if they "
    "are the classes, rename them and put the pictures directly into them."
)
IN_NO_CLASS = "is in no class folder, so it has no label"


@dataclass(frozen=True)
class Layout:
    """Where the class folders lie: beneath `wrapper`, or one deeper in `parts` (outer folder → part and wrapper)."""

    wrapper: Folders
    parts: Mapping[str, tuple[str, Folders]]
    without_classes: frozenset[str] = frozenset()  # outer folders of pictures without labels, beside classes

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
        if not self.parts and folders[len(wrapper)] in self.without_classes:
            return None
        return part, folders[len(wrapper)]

    def reason_outside(self, folders: Folders) -> str:
        """Why a picture in `folders`, which have no place, is left out."""
        outer = folders[len(self.wrapper)] if len(folders) > len(self.wrapper) else ""
        if self.parts and outer and outer not in self.parts and not hinted_parts(outer):
            return f"is in none of the folders {_listed(self.parts)}"
        if outer in self.without_classes or (self.parts and outer and not folders[len(self.wrapper) + 1 :]):
            return f"is in {printable(outer, 40)}, which has no class folders, so it has no label"
        return IN_NO_CLASS


def find_layout(filled: Collection[Folders]) -> Layout:
    """The layout of a data set with pictures in the folders `filled`.

    Outer folders are its parts where their names say so, such as `train` and `test`, `seg_train` and `seg_test` or
    `training_set` and `test_set`, and the classes are in them.

    Raises:
        DatasetError: no picture lies in a class folder, or the folders look like parts and are not quite.
    """
    wrapper = _wrapper(filled)
    insides: dict[str, set[Folders]] = {}
    for folders in filled:
        if len(folders) > len(wrapper) and folders[: len(wrapper)] == wrapper:
            insides.setdefault(folders[len(wrapper)], set()).add(folders[len(wrapper) + 1 :])
    if not insides:
        raise DatasetError("The pictures are in no class folder. Put each class into its own folder.")
    named = {outer: next(iter(hints)) for outer in insides if len(hints := hinted_parts(outer)) == 1}
    nested = {outer for outer in named if any(insides[outer])}
    if "train" not in {named[outer] for outer in nested} or len(set(named.values())) < 2:
        # In competitions, a flat folder `test` holds pictures without labels; classes are not called so.
        unlabelled = {
            outer for outer in insides if PARTS.get(outer.lower()) == "test" and not any(insides[outer])
        }
        classes = {outer: inside for outer, inside in insides.items() if outer not in unlabelled}
        if len(classes) < 2 or any(hinted_parts(outer) for outer in classes):
            classes, unlabelled = insides, set()
        _check_are_classes(classes)
        return Layout(wrapper, {}, frozenset(unlabelled))
    for part in set(named.values()):
        # One without class folders is left out whatever it is called.
        same = sorted(outer for outer in nested if named[outer] == part)
        if len(same) > 1:
            raise DatasetError(f"The folders {_listed(same)} mean the same part. Merge them.")
    return Layout(wrapper, {outer: (named[outer], _wrapper(insides[outer])) for outer in nested})


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


def _wrapper(filled: Collection[Folders]) -> Folders:
    """Zips often hold one folder with everything in it; so may several, one in another."""
    wrapper: Folders = ()
    while True:
        deeper = {folders[len(wrapper)] for folders in filled if len(folders) > len(wrapper)}
        if len(deeper) != 1 or all(len(folders) <= len(wrapper) + 1 for folders in filled):
            return wrapper
        wrapper = (*wrapper, *deeper)


def _check_are_classes(insides: Mapping[str, set[Folders]]) -> None:
    """Refuse outer folders (with the folders in them) that look like parts, such as `seg_train`.

    A single class may well be called `train` or `freight train`, beside `bus`, as long as it holds pictures itself.
    """
    hints = {outer: hinted_parts(outer) for outer in insides if hinted_parts(outer)}
    nested = {outer for outer, inside in insides.items() if any(inside)}
    if len(set().union(*hints.values())) > 1 or nested & hints.keys():
        raise DatasetError(
            f"It is not clear whether the folders {_listed(insides)} are the classes or the parts for training "
            f"and test. {_FIX}"
        )
    inner = {outer: {folders[0] for folders in inside if folders} for outer, inside in insides.items()}
    shared = set.intersection(*inner.values())
    if len(insides) > 1 and shared and max(map(len, inner.values())) > 1:
        raise DatasetError(
            f"Each of the folders {_listed(insides)} holds a folder {_listed(shared)}, so it is not clear which are "
            f"the classes. {_FIX}"
        )


def hinted_parts(folder: str) -> set[str]:
    """`seg_train` → train, `test1` → test, `training_set` → train."""
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
