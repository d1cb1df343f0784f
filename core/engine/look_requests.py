"""A look at pictures: each file is decoded once, and any number of runs say what it is, also of its variants."""

from typing import Any

import numpy as np

from core.augmentation.variation import variation_policy
from core.config import AugmentationConfig
from core.engine.decoder import Decoder, Target, Views
from core.engine.familiarity import Familiarity
from core.engine.known_requests import KnownRequests
from core.engine.loader import Loader
from core.engine.picture_requests import fill_in, view_all
from core.engine.variants import spread_of, vary, with_temperature
from core.images import Box
from core.system.frames import Arrays


class LookRequests:
    """What several runs say of the same pictures."""

    def __init__(self, loader: Loader, decoder: Decoder, known: KnownRequests) -> None:
        self._loader = loader
        self._decoder = decoder
        self._known = known

    def look(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """For each of the runs a row per picture. What it sees of picture i is `seen-{run's place}-{i}`.

        `original-{i}` is the whole picture as a JPEG file, where `original_side` is not 0.
        """
        runs: list[dict[str, Any]] = document["runs"]
        loaded = [self._loader.model(run["id"], run["which"]) for run in runs]
        own: list[Target] = [(tuple(each.image_shape), document["crop"] or each.crop) for each in loaded]
        targets = tuple(dict.fromkeys(own))
        boxes = [None if box is None else Box(*box) for box in document["boxes"]]
        views = [Views(targets, box, document["original_side"]) for box in boxes]
        rows, viewed = view_all(self._decoder, document["names"], arrays, views)
        found: Arrays = {}
        answers: list[list[dict[str, Any]]] = []
        for place, (run, target) in enumerate(zip(runs, own, strict=True)):
            pixels = {str(index): each.pixels[targets.index(target)] for index, each in viewed.items()}
            own_rows = [dict(row) for row in rows]
            known = self._known.of(run["id"], loaded[place]) if run["with_known"] else None
            if run["variants"]:
                _fill_in_varied(own_rows, pixels, loaded[place], known, run)
            else:
                fill_in(own_rows, pixels, loaded[place], known)
            found |= {f"seen-{place}-{index}": each for index, each in pixels.items()}
            answers.append(own_rows)
        if document["original_side"]:
            originals = {index: np.frombuffer(each.original, np.uint8) for index, each in viewed.items()}
            found |= {f"original-{index}": each for index, each in originals.items()}
        return {"rows": rows, "answers": answers}, found


def _fill_in_varied(
    rows: list[dict[str, Any]], seen: Arrays, loaded: Any, known: Familiarity | None, run: dict[str, Any]
) -> None:
    """As `fill_in`, and also what the run says of variants of each picture."""
    if not seen:
        return
    policy, _ = variation_policy(AugmentationConfig(**run["augmentation"]), loaded.image_shape[2])
    pictures, changes = zip(*(vary(each, policy, run["variants"]) for each in seen.values()), strict=True)
    probabilities = fill_in(rows, seen, loaded, known, np.concatenate(pictures))
    if run["temperature"] is not None:
        probabilities = with_temperature(probabilities, run["temperature"])
    for index, each, own in zip(seen, np.split(probabilities, len(seen)), changes, strict=True):
        row = rows[int(index)]
        answer = loaded.class_names.index(row["top"][0][0])
        row["variants"] = spread_of(each, answer, loaded.class_names, own)
