"""What is inside a run's network, as the engine's client gives it: layers, feature maps, filters, dead units."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from core.config import DatasetConfig
from core.design.layer_summary import LayerSummary
from core.engine.client import Engine
from core.engine.portions import Portion
from core.formatting import count_of
from core.system.frames import Pixels

Numbers = NDArray[np.float32]
Advance = Callable[[int, int], None]  # pictures done, of how many
MOST_PICTURES = 500  # of the validation pictures, on which dead units are looked for


@dataclass(frozen=True)
class Layers:
    """All layers of the weights of an `epoch`, in order."""

    epoch: int
    layers: tuple[LayerSummary, ...]
    class_names: tuple[str, ...]

    def named(self, name: str) -> LayerSummary:
        """Raises KeyError where there is none of that name."""
        return {each.name: each for each in self.layers}[name]


@dataclass(frozen=True)
class DeadUnits:
    """The channels of each layer with ReLU that are 0 at every place of all `pictures`, counted from 0.

    `of` has every such layer, `dead` the dead channels of each by its name.
    """

    pictures: int
    of: tuple[LayerSummary, ...]
    dead: Mapping[str, tuple[int, ...]]

    @property
    def total(self) -> int:
        """How many there are in all layers."""
        return sum(map(len, self.dead.values()))

    def in_words(self, layer: LayerSummary) -> str:
        """`conv_2: 3 of 64 channels (5, 17, 40)`"""
        dead = self.dead[layer.name]
        listed = f" ({', '.join(map(str, dead))})" if dead else ""
        many = count_of(layer.channels, "channel" if layer.is_map else "unit")
        return f"{layer.name}: {len(dead):,} of {many}{listed}"

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST give it."""
        return {
            "pictures": self.pictures, "total": self.total,
            "layers": [
                {"layer": each.name, "channels": each.channels, "dead": list(self.dead[each.name])} for each in self.of
            ],
        }  # fmt: skip


def list_layers(engine: Engine, run_id: str, which: str = "best") -> Layers:
    """The layers of a run's `which` weights.

    Raises:
        UserError: there are no such weights.
        EngineError: the engine crashed or overran its deadline.
    """
    answer, _ = engine.ask({"method": "layers", "run_id": run_id, "which": which, "layer": None}, {})
    return _layers_of(answer)


def feature_maps(engine: Engine, run_id: str, which: str, pixels: Pixels, layer: str) -> Numbers:
    """What `layer` gives for `pixels` (height, width, channels): (rows, columns, channels), or (units,).

    With a test-time flip it is what the picture itself gives. Raises as `list_layers` does, also UserError where there
    is no such layer or the picture has another shape.
    """
    document = {"method": "layers", "run_id": run_id, "which": which, "layer": layer}
    _, arrays = engine.ask(document, {"pixels": pixels})
    return arrays["maps"]


def filters_of(engine: Engine, run_id: str, which: str, layer: str) -> Numbers:
    """The kernels of a convolution, (rows, columns, input channels, filters).

    Raises as `list_layers` does, also UserError where there is no such layer or it is no convolution.
    """
    document = {"method": "filters", "run_id": run_id, "which": which, "layer": layer}
    return engine.ask(document, {})[1]["filters"]


def find_dead_units(
    engine: Engine, run_id: str, which: str, dataset: DatasetConfig, advance: Advance | None = None
) -> DeadUnits:
    """Looked for on up to MOST_PICTURES validation pictures of a run's data set, in portions.

    `advance(done, of)` is called after each. Raises as `list_layers` does, also UserError where the data set is
    another one.
    """
    layers = list_layers(engine, run_id, which).layers
    of_relu = tuple(each for each in layers if each.activation == "relu")
    dead: set[tuple[str, int]] | None = None
    done, of, portion, sha256 = 0, 1, Portion(), None
    while done < of:
        document = {
            "method": "dead", "run_id": run_id, "which": which, "dataset": asdict(dataset), "start": done,
            "stop": done + portion.size, "most": MOST_PICTURES,
        }  # fmt: skip
        size = portion.size
        with portion.timed():
            answer, _ = engine.ask(document, {})
        if sha256 not in (None, answer["sha256"]):  # a better epoch has ended meanwhile
            dead, done, sha256 = None, 0, None
            continue
        found = {(layer, channel) for layer, channel in answer["dead"]}
        dead = found if dead is None else dead & found
        of, sha256 = answer["of"], answer["sha256"]
        done = min(of, done + size)
        if advance is not None:
            advance(done, of)
    by_layer = {
        each.name: tuple(sorted(channel for layer, channel in dead or () if layer == each.name)) for each in of_relu
    }  # fmt: skip
    return DeadUnits(of, of_relu, by_layer)


def finite(value: float) -> float | None:
    """None where it is not a number or infinite, for JSON."""
    return float(value) if math.isfinite(value) else None


def _layers_of(answer: Mapping[str, Any]) -> Layers:
    layers = [LayerSummary.of_row(row) for row in answer["layers"]]
    linked = (replace(each, followers=_readers(layers, each.name)) for each in layers)
    return Layers(answer["epoch"], tuple(linked), tuple(answer["class_names"]))


def _readers(layers: Iterable[LayerSummary], name: str) -> tuple[str, ...]:
    return tuple(each.name for each in layers if name in each.inputs)
