"""What a run looked at in a picture, as the engine's client gives it, and what that says in words. Loads no Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.answers import RankedClass
from core.formatting import percent, with_minus
from core.images import shorten
from core.system.frames import Arrays, Pixels

METHODS = ("grad-cam", "occlusion")
METHOD_NAMES = {"grad-cam": "Grad-CAM", "occlusion": "Occlusion"}
# Adebayo et al. name no limit. Over five copies chance alone stays below it, see `core/training/randomization.py`.
ALIKE = 0.5
MAP_DIGITS = 4


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where a run finds evidence for one class in a picture.

    `seen` are the pixels that the network saw, uint8 (height, width, channels); `top` are the classes, most probable
    first. `map` (height, width) float32 is 1 where the evidence for `class_name` is strongest and 0 where there is
    none; `is_empty` says that there is none anywhere. `layer` is the convolution layer that Grad-CAM has looked at,
    None for occlusion; `layers` can be chosen.

    `random_map` is the same map with random weights in all layers. `similarity`, from -1 to 1, is the mean rank
    correlation of the map with several of that kind; None for a map that is the same everywhere, as an empty one.
    `notes` say what was done to the picture, and what to know about the map.
    """

    image: str
    seen: Pixels
    top: tuple[RankedClass, ...]
    method: str
    class_name: str
    layer: str | None
    layers: tuple[str, ...]
    map: NDArray[np.float32]
    is_empty: bool
    random_map: NDArray[np.float32]
    similarity: float | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of_row(
        cls, image: str, row: Mapping[str, Any], arrays: Arrays, notes: Sequence[str]
    ) -> "Explanation":
        """From a row as it crosses the pipe, the arrays beside it, and notes on how the picture was read."""
        probabilities = np.asarray(row["probabilities"])
        order = np.argsort(-probabilities, kind="stable")
        top = tuple(RankedClass(row["class_names"][place], float(probabilities[place])) for place in order)
        made = cls(
            image, arrays["seen"], top, row["method"], row["class_name"], row["layer"], tuple(row["layers"]),
            arrays["map"], row["is_empty"], arrays["random_map"], row["similarity"],
        )  # fmt: skip
        return replace(made, notes=(*notes, *made._remarks()))

    @property
    def best(self) -> RankedClass:
        """The network's answer."""
        return self.top[0]

    @property
    def passes(self) -> bool | None:
        """Whether the map depends on what the network has learned; None where that cannot be checked."""
        return None if self.similarity is None else self.similarity < ALIKE

    @property
    def sentence(self) -> str:
        """What it answered, what was looked at, and whether the map passes the sanity check."""
        where = f" at {self.layer}" if self.layer else ""
        return (
            f"{shorten(self.image)} is taken for “{self.best.name}” with {percent(self.best.probability)}; "
            f"{METHOD_NAMES[self.method]}{where} for “{self.class_name}” {self._check_in_words()}."
        )

    def _check_in_words(self) -> str:
        if self.is_empty:
            return "finds nothing in the picture that speaks for it, so there is no map to check"
        if self.similarity is None:
            return "is the same everywhere, so there is nothing to check"
        outcome = "passes" if self.passes else "does not pass"
        similarity = with_minus(f"{self.similarity:.2f}")
        return f"{outcome} the sanity check (similarity to maps with random weights {similarity})"

    def _remarks(self) -> tuple[str, ...]:
        if self.is_empty:
            other = (
                "" if self.class_name == self.best.name else f" The network's answer is “{self.best.name}”."
            )
            return (
                f"Nothing in this picture speaks for “{self.class_name}”: the map is 0 everywhere.{other}",
            )
        if self.similarity is None:
            return ("The map is the same everywhere: no part of the picture counts more than another.",)
        if not self.passes:
            return (
                "With random weights the map looks much the same, so it shows the picture's own structure more than "
                "what the network has learned. Try another layer or the other method.",
            )
        return ()

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST give it; maps as rows of numbers from 0 to 1."""
        return {
            "image": self.image,
            "top": [{"class": each.name, "probability": each.probability} for each in self.top],
            "method": self.method,
            "class": self.class_name,
            "layer": self.layer,
            "layers": list(self.layers),
            "map": _rows(self.map),
            "is_empty": self.is_empty,
            "random_map": _rows(self.random_map),
            "similarity": self.similarity,
            "passes": self.passes,
            "sentence": self.sentence,
            "notes": list(self.notes),
        }


def _rows(values: NDArray[np.float32]) -> list[list[float]]:
    return [[round(float(value), MAP_DIGITS) for value in row] for row in values]
