"""What a saved network computes: features of pictures, and their probabilities or the logarithms of these."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.training.evaluation import pictures_at_once
from core.training.models import NETWORK, mirrored

MOST_AT_ONCE = 256
SOFTMAX = "softmax"


class Scorer:
    """The network of a saved model without its softmax.

    A probability that is too small for single precision is 0, and the loss of such a picture would be infinite: so the
    logarithm is computed from the logits.
    """

    def __init__(self, model: keras.Model) -> None:
        self.is_flipped = any(layer.name == NETWORK for layer in model.layers)
        self.network = model.get_layer(NETWORK) if self.is_flipped else model
        self._output = self.network.get_layer(SOFTMAX)
        self._features = keras.Model(self.network.input, self._output.input)
        self._both = keras.Model(self.network.input, [self._output.input, self._output.output])
        self._at_once = pictures_at_once(self.network, MOST_AT_ONCE)

    @property
    def units(self) -> int:
        """How many numbers the features of a picture are."""
        return int(self._features.output.shape[-1])

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(count, units) features → (count, classes), what the softmax makes probabilities of."""
        kernel, bias = (ops.convert_to_numpy(weights) for weights in (self._output.kernel, self._output.bias))
        logits: NDArray[np.float32] = features @ kernel + bias
        return logits

    def score(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(count, height, width, channels) uint8 → (features (count, units), log-probabilities (count, classes)).

        The features are what the last layer reads, both are float32. With a test-time flip the probabilities are the
        mean of those of the picture and its mirror image, the features those of the picture.
        """
        return self._in_parts(images, self._score)

    def answer(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same with the model's own probabilities, as `saved_models.predict` has them, in a single pass."""
        return self._in_parts(images, self._answer)

    def _in_parts(
        self, images: NDArray[np.uint8], of_part: Callable[[NDArray[np.uint8]], tuple[Any, Any]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        parts = [
            of_part(images[start : start + self._at_once]) for start in range(0, len(images), self._at_once)
        ]
        features, others = (
            np.concatenate([np.asarray(ops.convert_to_numpy(each), np.float32) for each in column])
            for column in zip(*parts, strict=True)
        )
        return features, others

    def _answer(self, images: NDArray[np.uint8]) -> tuple[Any, Any]:
        features, probabilities = self._both(images, training=False)
        if self.is_flipped:
            _, others = self._both(mirrored(images), training=False)
            probabilities = (ops.cast(probabilities, "float32") + ops.cast(others, "float32")) / 2
        return features, probabilities

    def _score(self, images: NDArray[np.uint8]) -> tuple[Any, Any]:
        features, scores = self._pass(images)
        if self.is_flipped:
            _, others = self._pass(mirrored(images))
            scores = ops.logaddexp(scores, others) - math.log(2)
        return features, scores

    def _pass(self, images: Any) -> tuple[Any, Any]:
        features = ops.cast(self._features(images, training=False), "float32")
        logits = ops.matmul(features, self._output.kernel) + self._output.bias
        return features, ops.log_softmax(logits, axis=-1)
