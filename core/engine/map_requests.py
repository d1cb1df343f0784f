"""Requests for the map of pictures: features of a part's pictures, then their places by PCA and t-SNE.

t-SNE is van der Maaten and Hinton's (Journal of Machine Learning Research 9, 2008), as openTSNE computes it. It starts
from the two largest principal components, so that the large distances mean something too (Kobak and Berens, Nature
Communications 10, 2019, doi 10.1038/s41467-019-13056-x), or from a map of other weights.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.analysis.neighbours import Features, unit_length
from core.config import DatasetConfig
from core.datasets.splits import Indices, TrainingArrays, nested_order
from core.engine.decoder import Decoder
from core.engine.familiarity import most_pictures
from core.engine.loader import MODELS_KEPT, Loader
from core.engine.picture_requests import decode_all, ranked
from core.engine.portions import SECONDS
from core.system.frames import Arrays

MOST_PICTURES = 2000  # fewer where the features of each are very many numbers
AT_ONCE = 64
FEWEST_PICTURES = 10  # fewer have no neighbours to speak of
COMPONENTS = 50  # of PCA, from which t-SNE measures distances
PERPLEXITY = 30.0
EARLY, ITERATIONS, STEP = 250, 750, 50
EXAGGERATION = 12.0
SEED = 0
LEAST_SPREAD = 1e-6  # of the first component, where features have length 1: less is rounding

Places = NDArray[np.float32]


class MapRequests:
    """Maps that are being made, by the digest of the weights and the part."""

    def __init__(self, loader: Loader, decoder: Decoder) -> None:
        self._loader = loader
        self._decoder = decoder
        self._makers: OrderedDict[tuple[str, str], MapMaker] = OrderedDict()

    def make(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """The next portion of work; with the last one, the map's arrays."""
        loaded = self._loader.model(document["run_id"], document["which"])
        key = loaded.sha256, document["split"]
        maker = self._makers.pop(key, None)
        if maker is None:
            split = self._loader.held_out(DatasetConfig(**document["dataset"]), loaded)
            maker = MapMaker(loaded.scorer, split, document["split"], arrays.get("start"))
        # The network of an epoch has taken on other weights since, and may be held no longer.
        maker.scorer = loaded.scorer
        finished = maker.advance()
        answer = {"done": maker.done, "of": maker.total, "epoch": loaded.epoch, "sha256": loaded.sha256}
        if not finished:
            self._makers[key] = maker
            while len(self._makers) > MODELS_KEPT:
                self._makers.popitem(last=False)
            return answer, {}
        return answer, maker.arrays()

    def features(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Of files: a row for each, as `predict` has them, the pixels that were seen, and the features, by place."""
        loaded = self._loader.model(document["run_id"], document["which"])
        asked = {**document, "crop": document["crop"] or loaded.crop}
        rows, seen = decode_all(self._decoder, asked, arrays, loaded.image_shape)
        places = [int(key) for key in seen]
        found: Arrays = {}
        if places:
            features, scores = loaded.scorer.score(np.stack([seen[str(place)] for place in places]))
            for place, own, values in zip(places, unit_length(features), np.exp(scores), strict=True):
                rows[place]["top"] = ranked(values, loaded.class_names)
                found[f"features-{place}"] = own
        return {"rows": rows, "sha256": loaded.sha256}, {**seen, **found}


@dataclass(eq=False)
class MapMaker:
    """Measures up to MOST_PICTURES of a part, then lays them out, a portion per call.

    `start` (pictures, 2): where t-SNE begins, for the same pictures; None: at their principal components.
    """

    scorer: Any
    split: TrainingArrays
    part: str
    start: Places | None = None
    _features: list[Features] = field(default_factory=list)
    _measured: int = 0
    _iterations: int = 0
    _embedding: Any = None
    _pca: Any = None
    _projected: Features | None = None

    def __post_init__(self) -> None:
        self._labels = self.split.y_validation if self.part == "validation" else self.split.y_test
        # Every beginning of this order is stratified, so all classes are there.
        self._own = nested_order(self._labels)[: min(MOST_PICTURES, most_pictures(self.scorer.units))]

    @property
    def total(self) -> int:
        """Pictures to measure and iterations to lay them out."""
        return len(self._own) + ITERATIONS

    @property
    def done(self) -> int:
        """How much of it is done."""
        return self._measured + self._iterations

    def advance(self) -> bool:
        """Do the next portion. Returns whether all is done."""
        began = time.monotonic()
        if self._measured < len(self._own):
            # Always as many at once, and the same steps below: so the same pictures get the same map to the bit.
            while self._measured < len(self._own) and time.monotonic() - began < SECONDS:
                own = self._own[self._measured : self._measured + AT_ONCE]
                self._features.append(unit_length(self.scorer.score(self._pictures(own))[0]))
                self._measured += len(own)
            return False
        if self._projected is None:
            self._project(np.concatenate(self._features) if self._features else np.zeros((0, 1), np.float32))
        self._lay_out()
        return self._iterations >= ITERATIONS

    def arrays(self) -> Arrays:
        """`rows` (n,) of the stored test arrays; `tsne` (n, 2); `projected` (n, k), of which the first two are PCA's;
        `mean` (units,), `components` (k, units) and `explained` (k,), shares of the variance.
        """
        stored = self.split.validation_rows if self.part == "validation" else self.split.test_rows
        projected = self._projected
        assert projected is not None
        tsne = projected[:, :2] if self._embedding is None else np.asarray(self._embedding)
        return {
            "rows": np.asarray(stored[self._own]),
            "tsne": np.ascontiguousarray(tsne, np.float32),
            "projected": np.ascontiguousarray(projected, np.float32),
            "mean": np.asarray(self._pca.mean_, np.float32),
            "components": np.asarray(self._pca.components_, np.float32),
            "explained": np.nan_to_num(np.asarray(self._pca.explained_variance_ratio_, np.float32)),
        }

    def _pictures(self, own: Indices) -> NDArray[np.uint8]:
        return self.split.x_validation[own] if self.part == "validation" else self.split.read_test(own)

    def _project(self, features: Features) -> None:
        from sklearn.decomposition import PCA

        count = max(1, min(COMPONENTS, *features.shape))
        with np.errstate(invalid="ignore", divide="ignore"):  # pictures that are all alike have no variance
            self._pca = PCA(count, random_state=SEED).fit(features)
        self._projected = np.pad(self._pca.transform(features), ((0, 0), (0, max(0, 2 - count))))

    def _lay_out(self) -> None:
        projected = self._projected
        assert projected is not None
        if len(projected) < FEWEST_PICTURES or projected[:, 0].std() < LEAST_SPREAD:
            self._iterations = ITERATIONS
            return
        if self._embedding is None:
            self._embedding = _begin(projected, self.start)
        began = time.monotonic()
        while self._iterations < ITERATIONS and time.monotonic() - began < SECONDS:
            is_early = self._iterations < EARLY
            self._embedding = self._embedding.optimize(
                n_iter=STEP,
                exaggeration=EXAGGERATION if is_early else None,
                momentum=0.5 if is_early else 0.8,
            )
            self._iterations += STEP


def _begin(projected: Features, start: Places | None) -> Any:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.initialization import rescale

    affinities = PerplexityBasedNN(
        projected, perplexity=min(PERPLEXITY, (len(projected) - 1) / 3), method="exact", n_jobs=1, random_state=SEED
    )  # fmt: skip
    first = projected[:, :2] if start is None or len(start) != len(projected) else start
    return TSNEEmbedding(
        rescale(np.asarray(first, np.float64)), affinities, negative_gradient_method="bh", n_jobs=1, random_state=SEED
    )  # fmt: skip
