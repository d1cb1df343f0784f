"""Requests on what is inside a run's network: its layers, feature maps, filters, products and dead units."""

from dataclasses import asdict
from typing import Any

import numpy as np
from msgspec.structs import replace

from core.config import DatasetConfig
from core.datasets.splits import nested_order
from core.datasets.storage import load_dataset
from core.engine.loader import Loader, check_shape
from core.system.frames import Arrays


class LayerRequests:
    """What layers give and what of: `which` are the weights, best or last."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def layers(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """All layers; with `pixels`, also what one of them gives for that picture."""
        from core.training.inspection import feature_maps
        from core.training.layers import summarise_layers

        loaded = self._loaded(document, arrays)
        maps: Arrays = {}
        if document["layer"] is not None:
            maps["maps"] = feature_maps(loaded.model, arrays["pixels"][None], document["layer"])[0]
        layers = [asdict(each) for each in summarise_layers(loaded.model)]
        return {"layers": layers, "epoch": loaded.epoch, "class_names": list(loaded.class_names)}, maps

    def filters(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.inspection import filters

        loaded = self._loaded(document, arrays)
        return {}, {"filters": filters(loaded.model, document["layer"])}

    def products(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.products import products_at

        loaded, place = self._loaded(document, arrays), tuple(document["place"])
        made = asdict(products_at(loaded.model, arrays["pixels"], document["layer"], place))
        found = {name: value for name, value in made.items() if isinstance(value, np.ndarray)}
        return {name: value for name, value in made.items() if name not in found}, found

    def dead(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Of the first `most` validation pictures those from `start` to `stop`: which channels they leave at 0."""
        from core.training.inspection import dead_units

        loaded = self._loaded(document, arrays)
        split = self._loader.held_out(DatasetConfig(**document["dataset"]), loaded)
        # Every beginning of this order is stratified: all classes are among few pictures, too.
        chosen = nested_order(split.y_validation)[: document["most"]]
        found = dead_units(loaded.model, split.x_validation[chosen[document["start"] : document["stop"]]])
        return {
            "dead": [[each.layer, each.channel] for each in found],
            "of": len(chosen),
            "sha256": loaded.sha256,
        }, {}

    def histograms(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Of weights, and, on the first training pictures, of activations and gradients."""
        from core.training.histograms import (
            activation_histograms,
            affordable_pictures,
            gradient_histograms,
            weight_histograms,
        )

        loaded, dataset = self._loaded(document, arrays), DatasetConfig(**document["dataset"])
        stored = len(load_dataset(self._loader.workspace, dataset.id).y_train)
        most = min(affordable_pictures(loaded.model, document["most"]), dataset.num_train or stored)
        split = self._loader.split_of(replace(dataset, num_train=most), loaded)
        pictures, labels = split.x_clean[:most], split.y_clean[:most]
        found = {
            "weights": weight_histograms(loaded.model),
            "activations": activation_histograms(loaded.model, pictures),
            "gradients": gradient_histograms(loaded.model, pictures, labels),
        }
        rows, counts = [], []
        for part, histograms in found.items():
            for name, histogram in histograms.items():
                row = asdict(histogram)
                counts.append(row.pop("counts"))
                rows.append({"part": part, "layer": name, **row})
        answer = {"epoch": loaded.epoch, "sha256": loaded.sha256, "pictures": len(labels), "rows": rows}
        return answer, {"counts": np.stack(counts)}

    def _loaded(self, document: dict[str, Any], arrays: Arrays) -> Any:
        loaded = self._loader.model(document["run_id"], document["which"])
        if "pixels" in arrays:
            check_shape(arrays["pixels"].shape, loaded.image_shape)
        return loaded
