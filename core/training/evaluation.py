"""Measures a network on fixed pictures, with dropout and augmentation off, and keeps its answer to each."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.training.models import mirrored

MOST_AT_ONCE = 1000
# The article's network on 32×32 pixels fills it with 1,165 pictures; on 256×256 it takes 16 at a time.
LARGEST_OUTPUT_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy, None when it is not a number, and the fraction of right answers.

    For each picture, in order: `answers` (count,) int64 is the class that it was taken for, `probabilities` (count,)
    float64 what the network gave its label, NaN where that is not a number.
    """

    loss: float | None
    accuracy: float
    answers: NDArray[np.int64]
    probabilities: NDArray[np.float64]


class Evaluator:
    """Passes fixed pictures through a network while it trains, given up as soon as `stop_requested`.

    The loss is plain cross-entropy whatever the training's own is, so that runs with and without label smoothing
    compare. It happens on one device, also when the training is spread over several: any number of pictures is
    measured exactly, shared out evenly or not. With `test_time_flip` the answer is the mean of those to a picture and
    to its mirror image. `batch_size` pictures are measured at once.
    """

    def __init__(
        self, model: keras.Model, stop_requested: Callable[[], bool], *, test_time_flip: bool = False
    ) -> None:
        # The same layers in a model of their own, outside of the training's strategy. Labels go in with the pictures
        # and a loss for each comes out: `evaluate` would give their mean alone, and the answers take a second pass.
        labels = keras.Input((), dtype="int32", name="labels")
        answers = (model.output, model(mirrored(model.input))) if test_time_flip else (model.output,)
        self._model = keras.Model([model.input, labels], _ForEachPicture()((labels, *answers)))
        # TensorFlow may work on both answers at once.
        self.batch_size = max(1, pictures_at_once(model, MOST_AT_ONCE) // len(answers))
        self._stop_requested = stop_requested

    def measure(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Evaluation | None:
        """None when it was given up half-way."""
        labels = labels.astype(np.int32)
        measured = []
        # Not `predict`, which makes a `tf.data` pipeline for each call: 0.1 to 0.2 s, several times what a small
        # network takes for its pictures.
        for start in range(0, len(images), self.batch_size):
            # After the last batch there is nothing to be spared.
            if start and self._stop_requested():
                return None
            part = slice(start, start + self.batch_size)
            measured.append(self._model.predict_on_batch([images[part], labels[part]]))
        losses, answers = (np.concatenate(each) for each in zip(*measured, strict=True))
        loss = float(losses.mean(dtype=np.float64))
        # In single precision, as Keras itself tells an accuracy: runs from before compare with runs from now.
        accuracy = float(np.mean(answers == labels, dtype=np.float32))
        # exp(-loss) is the probability of the label, since the loss is its negative logarithm.
        return Evaluation(
            loss if math.isfinite(loss) else None,
            accuracy,
            answers.astype(np.int64),
            np.exp(-losses.astype(np.float64)),
        )


class _ForEachPicture(keras.layers.Layer):  # type: ignore[misc]
    """(labels, probabilities) to (cross-entropy, class with the highest probability) of each picture.

    With two probabilities each, of their mean.
    """

    def __init__(self) -> None:
        super().__init__(dtype="float32")

    def call(self, inputs: tuple[Any, ...]) -> tuple[Any, Any]:
        labels, *answers = inputs
        # Keras goes back to the logits behind a softmax, so that a sure wrong answer has its whole loss.
        losses = [keras.losses.sparse_categorical_crossentropy(labels, each) for each in answers]
        if len(answers) == 1:
            return losses[0], ops.argmax(answers[0], axis=-1)
        # From the losses, not from the mean of the probabilities, for the same reason.
        both = math.log(2) - ops.logaddexp(-losses[0], -losses[1])
        return both, ops.argmax(answers[0] + answers[1], axis=-1)


def pictures_at_once(model: keras.Model, most: int) -> int:
    """At most `most`, and so few that the largest layer's output, in single precision, keeps to its budget."""
    largest: int = max(prod(layer.output.shape[1:]) for layer in _layers(model))
    return max(1, min(most, LARGEST_OUTPUT_BYTES // (4 * largest)))


def _layers(model: keras.Model) -> Iterator[Any]:
    """Also those of a network inside the model."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
