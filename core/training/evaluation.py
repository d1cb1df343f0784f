"""Measures a network on fixed pictures, with dropout and augmentation off."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from core.training.portions import pictures_at_once

MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Measured:
    """Mean cross-entropy, None when it is not a number, and the fraction of right answers."""

    loss: float | None
    accuracy: float


class Evaluator:
    """Keras's own evaluation of a network while it trains, given up as soon as `stop_requested`.

    The loss is plain cross-entropy whatever the training's own is, so that runs with and without label smoothing
    compare. It happens on one device, also when the training is spread over several: any number of pictures is
    measured exactly, shared out evenly or not.
    """

    def __init__(self, model: keras.Model, stop_requested: Callable[[], bool]) -> None:
        # The same layers in a model of their own: outside of the training's strategy, with a loss of its own.
        self._model = keras.Model(model.input, model.output)
        self._model.compile(
            optimizer=None,
            loss=keras.losses.SparseCategoricalCrossentropy(),
            metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )
        self._batch_size = pictures_at_once(model, MOST_AT_ONCE)
        self._stop_requested = stop_requested

    def measure(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Measured | None:
        """None when it was given up half-way."""
        watch = _StopWatch(self._stop_requested)
        result = self._model.evaluate(
            images, labels, batch_size=self._batch_size, verbose=0, return_dict=True, callbacks=[watch]
        )
        if watch.was_stopped:
            return None
        loss = float(result["loss"])
        return Measured(loss if math.isfinite(loss) else None, float(result["accuracy"]))


class _StopWatch(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, stop_requested: Callable[[], bool]) -> None:
        super().__init__()
        self._stop_requested = stop_requested
        self.was_stopped = False

    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        # After the last batch there is nothing to be spared.
        if batch + 1 < self.params["steps"] and self._stop_requested():
            self.was_stopped = True
            self.model.stop_evaluating = True
