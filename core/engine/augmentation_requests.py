"""Requests on what training makes of pictures, and on how a run stands distorted ones."""

from typing import Any

import numpy as np

from core.config import AugmentationConfig, DatasetConfig, ExperimentConfig
from core.datasets.splits import nested_order
from core.engine.loader import Loader
from core.system.frames import Arrays


class AugmentationRequests:
    """Varied pictures, whole batches, and counts on distorted pictures."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def preview(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.augmentation import apply
        from core.training.draws import draw

        pixels = arrays["pixels"]
        config = AugmentationConfig(**document["augmentation"])
        draws = draw(config, len(pixels), pixels.shape[1:], (document["seed"],))
        labels = np.zeros((len(pixels), 1), np.float32)
        varied, _ = apply(pixels, labels, draws)
        captions = [draws.describe(index) for index in range(len(pixels))]
        return {"captions": captions}, {"pixels": np.asarray(varied)}

    def batch(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.arrays import training_set
        from core.training.batches import training_batch

        config = ExperimentConfig.from_dict(document["config"])
        split = self._loader.split(config.dataset, config.seed)
        made = training_batch(config, training_set(split), document["epoch"], document["step"])
        shown = slice(document["most"])
        positions = made.positions[shown]
        answer = {
            "steps": made.steps,
            "pictures": len(made.images),
            "class_names": list(split.class_names),
            "rows": split.train_indices[positions].tolist(),
            "corrupted": split.corrupted[positions].tolist(),
            "captions": made.captions[shown],
        }
        return answer, {"images": made.images[shown], "labels": made.labels[shown]}

    def count_right(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.distortion import distort
        from core.training.saved_models import predict

        loaded = self._loader.model(document["run_id"])
        split = self._loader.held_out(DatasetConfig(**document["dataset"]), loaded)
        # Every beginning of this order is stratified, so fewer pictures than there are still hold all classes.
        chosen = nested_order(split.y_validation)[: document["most"]]
        own = chosen[document["start"] : document["stop"]]
        images = distort(split.x_validation[own], document["knob"], document["level"], document["start"])
        answers = predict(loaded.model, images).argmax(axis=1)
        return {"right": int((answers == split.y_validation[own]).sum()), "of": len(chosen)}, {}
