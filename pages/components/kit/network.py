"""A run's network as the parts of pages about its inside ask for it: asked once, then shared by all."""

from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import sha256

from core.design.layer_summary import LayerSummary
from core.engine.calculation import Calculation, calculation_of
from core.engine.client import Engine
from core.engine.layers import (
    Advance,
    DeadUnits,
    Layers,
    Numbers,
    feature_maps,
    filters_of,
    find_dead_units,
    list_layers,
)
from core.inspection.answers import Weights, weights_of
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.kit.cache import VersionedCache

MOST_KEPT = 32
MOST_MAPS = 16  # 64 maps of 256×256 take 17 MB

_layers: VersionedCache[Layers] = VersionedCache(MOST_KEPT)
_maps: VersionedCache[Numbers] = VersionedCache(MOST_MAPS)
_filters: VersionedCache[Numbers] = VersionedCache(MOST_MAPS)
_calculations: VersionedCache[Calculation] = VersionedCache(MOST_KEPT)
_dead: VersionedCache[DeadUnits] = VersionedCache(MOST_KEPT)


@dataclass(frozen=True)
class Network:
    """A run's `weights`. What is asked raises as the functions of `core.engine.layers` do."""

    services: Services
    run: Run
    weights: Weights

    @classmethod
    def of(cls, services: Services, run: Run, epoch: int | str) -> "Network":
        """Raises UserError where there are no weights of this epoch."""
        return cls(services, run, weights_of(services.workspace, run, epoch))

    @property
    def key(self) -> str:
        """Stands for it in the keys of fields."""
        return f"{self.run.id}-{self.weights.sha256[:12]}"

    def layers(self) -> Layers:
        """All of them."""
        return _layers.get(self._name(), None, lambda: list_layers(*self._asked()))

    def maps(self, pixels: Pixels, layer: str) -> Numbers:
        """What a layer gives for a picture."""
        name = self._name(), digest_of(pixels), layer
        return _maps.get(name, None, lambda: feature_maps(*self._asked(), pixels, layer))

    def filters(self, layer: str) -> Numbers:
        """Those of a convolution."""
        return _filters.get((self._name(), layer), None, lambda: filters_of(*self._asked(), layer))

    def calculation(self, pixels: Pixels, layer: LayerSummary, place: tuple[int, ...]) -> Calculation:
        """How a number comes about."""
        name = self._name(), digest_of(pixels), layer.name, place
        return _calculations.get(name, None, lambda: calculation_of(*self._asked(), pixels, layer, place))

    def dead(self, advance: Advance | None = None) -> DeadUnits:
        """The units that never respond; the first who asks sees how far it is."""
        dataset = self.run.config.dataset
        return _dead.get(self._name(), None, lambda: find_dead_units(*self._asked(), dataset, advance))

    def _name(self) -> tuple[Hashable, ...]:
        return self.services.workspace.root, self.run.id, self.weights.which, self.weights.sha256

    def _asked(self) -> tuple[Engine, str, str]:
        return self.services.engine, self.run.id, self.weights.which


def digest_of(pixels: Pixels) -> str:
    """Tells one picture from another."""
    return sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:16]
