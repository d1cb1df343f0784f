"""Requests on what a run knows: measured a portion per request, then kept in the run's folder."""

from collections import OrderedDict
from typing import Any

from msgspec.structs import replace

from core.config import DatasetConfig
from core.datasets.storage import load_dataset
from core.engine.familiarity import (
    Familiarity,
    FamiliarityTaker,
    keep_familiarity,
    most_pictures,
    read_familiarity,
)
from core.engine.loader import MODELS_KEPT, Loader
from core.system.frames import Arrays


class KnownRequests:
    """What was measured of the last few models, and what is being measured, by the SHA-256 of the models."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._familiar: OrderedDict[str, Familiarity] = OrderedDict()
        self._takers: OrderedDict[str, FamiliarityTaker] = OrderedDict()

    def learn(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """The next portion of `learn_known`."""
        loaded, folder = (
            self._loader.model(document["run_id"]),
            self._loader.workspace.run_folder(document["run_id"]),
        )
        found = self.of(document["run_id"], loaded)
        taker = self._takers.get(loaded.sha256)
        if found is None:
            if taker is None:
                dataset, scorer = DatasetConfig(**document["dataset"]), loaded.scorer
                stored = len(load_dataset(self._loader.workspace, dataset.id).y_train)
                count = min(dataset.num_train or stored, most_pictures(scorer.units))
                taker = FamiliarityTaker(
                    scorer, self._loader.split_of(replace(dataset, num_train=count), loaded)
                )
                self._takers[loaded.sha256] = taker
                while len(self._takers) > MODELS_KEPT:
                    self._takers.popitem(last=False)
            found = taker.advance()
            if found is None:
                return {"done": taker.done, "of": taker.total}, {}
            keep_familiarity(folder, loaded.sha256, found)
            self._keep(loaded, found)
        self._takers.pop(loaded.sha256, None)
        return {"done": 1, "of": 1}, {}

    def of(self, run_id: str, loaded: Any) -> Familiarity | None:
        """What was measured for these weights, by this process or one before it."""
        found = self._familiar.get(loaded.sha256)
        if found is None:
            found = read_familiarity(self._loader.workspace.run_folder(run_id), loaded.sha256)
            if found is not None:
                self._keep(loaded, found)
        return found

    def _keep(self, loaded: Any, found: Familiarity) -> None:
        self._familiar[loaded.sha256] = found
        while len(self._familiar) > MODELS_KEPT:
            self._familiar.popitem(last=False)
