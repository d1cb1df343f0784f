"""How weights, activations and gradients of a run's network are distributed, as the engine's client gives it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from core.config import DatasetConfig
from core.engine.client import Engine
from core.histogram import widened

Counts = NDArray[np.int64]
WEIGHTS, ACTIVATIONS, GRADIENTS = PARTS = ("weights", "activations", "gradients")
MOST_PICTURES = 256  # of the training pictures, for activations and gradients


@dataclass(frozen=True, eq=False)
class Distribution:
    """The numbers of one `part`, one of PARTS, of a layer: `counts` in equal bins from -2^exponent to 2^exponent.

    `count` are all of them, `zeros` those that are exactly 0, `strange` those that are not a number or infinite, which
    are in none of the others. `total` and `squares` are sums of the numbers and of their squares.
    """

    part: str
    layer: str
    counts: Counts
    exponent: int
    count: int
    zeros: int
    strange: int
    total: float
    squares: float

    @property
    def mean(self) -> float | None:
        """None where there is no number."""
        return self.total / self.count if self.count else None

    @property
    def rms(self) -> float | None:
        """The root of the mean square: how large the numbers are, whatever their signs. None where there is none."""
        return math.sqrt(self.squares / self.count) if self.count else None

    @property
    def edges(self) -> NDArray[np.float64]:
        """The ends of the bins, one more than there are bins."""
        edges: NDArray[np.float64] = np.linspace(-1, 1, len(self.counts) + 1) * 2.0**self.exponent
        return edges

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST give it, without the empty bins at both ends."""
        used = np.flatnonzero(self.counts)
        first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
        return {
            "layer": self.layer, "count": self.count, "zeros": self.zeros, "not_finite": self.strange,
            "mean": self.mean, "rms": self.rms,
            "edges": self.edges[first : last + 2].tolist(), "counts": self.counts[first : last + 1].tolist(),
        }  # fmt: skip


@dataclass(frozen=True)
class EpochHistograms:
    """Of the weights of an `epoch`, whose file has the digest `sha256`; activations and gradients on the first
    `pictures` training pictures.
    """

    epoch: int
    pictures: int
    distributions: tuple[Distribution, ...]
    sha256: str = ""

    def of(self, part: str) -> dict[str, Distribution]:
        """Those of one of PARTS, by layer, in order."""
        return {each.layer: each for each in self.distributions if each.part == part}

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST give it."""
        return {
            "epoch": self.epoch,
            **{part: [each.to_json() for each in self.of(part).values()] for part in PARTS},
        }


def epoch_histograms(engine: Engine, run_id: str, which: str, dataset: DatasetConfig) -> EpochHistograms:
    """Of a run's `which` weights, on the first training pictures of `dataset`, always the same.

    Gradients are those of the mean cross-entropy without label smoothing, with dropout and augmentation off and batch
    normalisation's running statistics.

    Raises:
        UserError: there are no such weights, or the data set is another one.
        EngineError: the engine crashed or overran its deadline.
    """
    document = {
        "method": "histograms", "run_id": run_id, "which": which, "dataset": asdict(dataset), "most": MOST_PICTURES,
    }  # fmt: skip
    answer, arrays = engine.ask(document, {})
    found = distributions_of(answer["rows"], arrays["counts"])
    return EpochHistograms(answer["epoch"], answer["pictures"], found, answer["sha256"])


def distributions_of(rows: Sequence[Mapping[str, Any]], counts: Counts) -> tuple[Distribution, ...]:
    """From a row each of what is not an array, and (rows, bins) their counts. Raises TypeError, ValueError."""
    return tuple(Distribution(**row, counts=own) for row, own in zip(rows, counts, strict=True))


def on_one_scale(found: Sequence[Distribution]) -> tuple[NDArray[np.float64], Counts]:
    """The ends of bins that all of them share, and (distributions, bins) the counts, without bins that all leave empty
    at both ends.
    """
    exponent = max(each.exponent for each in found)
    counts = np.stack([widened(each.counts, exponent - each.exponent) for each in found])
    edges = np.linspace(-1, 1, counts.shape[1] + 1) * 2.0**exponent
    used = np.flatnonzero(counts.any(axis=0))
    if not len(used):
        return edges, counts
    first, last = int(used[0]), int(used[-1]) + 1
    return edges[first : last + 1], counts[:, first:last]
