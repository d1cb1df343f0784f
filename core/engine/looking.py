"""Ask the engine to look at pictures: several runs at once, a chosen part of a picture, and variants of it."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Protocol

import numpy as np
from msgspec.structs import asdict

from core.augmentation.variation import NUM_VARIANTS
from core.config import AugmentationConfig
from core.engine.answers import Answer
from core.errors import PictureError
from core.images import Box
from core.system.frames import Arrays


class Engine(Protocol):
    """The part of the engine's client that is needed here."""

    def ask(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]: ...


@dataclass(frozen=True)
class File:
    """A picture file: its name, its bytes, and the part of it that is looked at; None: as `crop` says."""

    name: str
    data: bytes
    box: Box | None = None


@dataclass(frozen=True)
class Asked:
    """A run that is asked. `with_known` is as in `Engine.predict`; `augmentation` is how its training pictures were
    varied: where it is given, `NUM_VARIANTS` variants of each picture are asked about too.

    `temperature` corrects the probabilities of the variants, of which only the mean comes back; None: they are the
    network's own. Those of the answers are always its own. `which` are the weights, see `Loader.model`.
    """

    run_id: str
    with_known: bool = False
    temperature: float | None = None
    augmentation: AugmentationConfig | None = None
    which: str = "best"


@dataclass(frozen=True)
class VariedClass:
    """A class, and over the variants of a picture the mean of its probability, the standard deviation, the least and
    the most; all from 0 to 1.
    """

    name: str
    mean: float
    deviation: float
    least: float
    most: float


@dataclass(frozen=True)
class Variant:
    """A variant of a picture: what was drawn for it, by kind and in words, such as `rotation` and “rotated +5°”; its
    most probable class and the probability of that.
    """

    changes: Mapping[str, str]
    name: str
    probability: float


@dataclass(frozen=True)
class Variants:
    """What a run says of `count` variants of a picture, of which `kept` get the same answer as the picture itself.

    `classes` are all of them, the most probable on average first; `each` are the variants, in the order of their draws.
    """

    count: int
    kept: int
    classes: tuple[VariedClass, ...]
    each: tuple[Variant, ...] = ()


@dataclass(frozen=True, eq=False)
class Look:
    """What each of the runs says of a picture, in their order. `original` is the whole picture, upright, as a JPEG;
    empty where it was not asked for or could not be read. `variants` are None where they were not asked for.
    """

    answers: tuple[Answer, ...]
    variants: tuple[Variants | None, ...]
    original: bytes


def look(
    engine: Engine, asked: Sequence[Asked], files: Sequence[File], crop: str | None = None, *, original_side: int = 0
) -> list[Look]:  # fmt: skip
    """Have the runs look at each of the files, in one request: the caller sends no more than a request can hold.

    `crop` is as in `Engine.predict`. `original_side` is the longest side of the original; 0: none is made.

    Raises:
        UserError: one of the runs has no weights yet.
        EngineError: the engine crashed or overran its deadline.
    """
    document = {
        "method": "look", "crop": crop, "original_side": original_side, "names": [file.name for file in files],
        "boxes": [None if file.box is None else astuple(file.box) for file in files],
        "runs": [
            {
                "id": each.run_id, "temperature": each.temperature, "with_known": each.with_known, "which": each.which,
                "variants": 0 if each.augmentation is None else NUM_VARIANTS,
                "augmentation": None if each.augmentation is None else asdict(each.augmentation),
            }
            for each in asked
        ],
    }  # fmt: skip
    data: Arrays = {str(index): np.frombuffer(file.data, np.uint8) for index, file in enumerate(files)}
    answer, found = engine.ask(document, data)
    return [
        Look(
            tuple(
                Answer.of_row(rows[index], found.get(f"seen-{place}-{index}"))
                for place, rows in enumerate(answer["answers"])
            ),
            tuple(_variants_of(rows[index].get("variants")) for rows in answer["answers"]),
            found[f"original-{index}"].tobytes() if f"original-{index}" in found else b"",
        )
        for index in range(len(files))
    ]


def read_original(engine: Engine, name: str, data: bytes, most: int) -> bytes:
    """The whole picture, upright, as a JPEG file neither side of which is longer than `most`.

    Raises:
        PictureError: it cannot be read.
        EngineError: the engine crashed or overran its deadline.
    """
    document = {
        "method": "look", "crop": None, "original_side": most, "names": [name], "boxes": [None], "runs": [],
    }  # fmt: skip
    answer, found = engine.ask(document, {"0": np.frombuffer(data, np.uint8)})
    (row,) = answer["rows"]
    if row["error"]:
        raise PictureError(row["error"])
    return found["original-0"].tobytes()


def _variants_of(row: dict[str, Any] | None) -> Variants | None:
    if row is None:
        return None
    classes, variants = (
        (VariedClass(*each) for each in row["classes"]),
        (Variant(*each) for each in row["each"]),
    )
    return Variants(row["count"], row["kept"], tuple(classes), tuple(variants))
