"""A name for a data set, made from the name of the file that it comes in."""

import re
import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

from core.config.dataset import DATASET_ID

MOST_CHARACTERS = 40
DEFAULT = "my-pictures"
_ENDINGS = re.compile(r"(\.zip|\.npz|\.tar|\.tar\.gz|\.tgz)$", re.IGNORECASE)
_OTHERS = re.compile(r"[^a-z0-9_]+")


def propose_name(file_name: str, taken: Collection[str]) -> str:
    """`flowers (1).zip` → `flowers-1`: a name that a data set may have and that is not in `taken`.

    Accents are dropped; where nothing is left, it is called `my-pictures`. A name that is taken gets a number.
    """
    plain = PurePosixPath(file_name.replace("\\", "/")).name
    letters = (
        unicodedata.normalize("NFKD", _ENDINGS.sub("", plain)).encode("ascii", "ignore").decode().lower()
    )
    name = _shorten(_OTHERS.sub("-", letters).strip("-_"), MOST_CHARACTERS)
    if not DATASET_ID.fullmatch(name):
        name = DEFAULT
    proposed, number = name, 2
    while proposed in taken:
        ending = f"-{number}"
        proposed = _shorten(name, MOST_CHARACTERS - len(ending)) + ending
        number += 1
    return proposed


def _shorten(name: str, most: int) -> str:
    return name[:most].rstrip("-_")
