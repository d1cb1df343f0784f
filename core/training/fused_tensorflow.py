"""Batch normalisation by TensorFlow's own kernel while training: a fifth of the article's network's step is saved.

Keras composes it from some twenty operations, each of which passes over the whole activation. The layers stay Keras's
own, so what is saved names nothing of ours.
"""

from typing import Any

import keras
import tensorflow as tf


def fuse_batch_normalization(model: keras.Model) -> None:
    """Have the layers after convolutions trained by the fused kernel, where one device sees the whole batch.

    The results are Keras's but for rounding. In half precision Keras's own way stays.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and _is_fusible(layer):
            layer.call = _fused(layer)


def _is_fusible(layer: Any) -> bool:
    return (
        not layer.synchronized
        and layer.compute_dtype == "float32"
        and len(layer.input.shape) == 4
        and layer.axis in (-1, 3)
    )


def _fused(layer: Any) -> Any:
    composed = layer.call

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and layer.trainable):
            return composed(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=layer.gamma,
            offset=layer.beta,
            mean=[],
            variance=[],
            epsilon=layer.epsilon,
            is_training=True,
        )
        # The kernel's variance is the estimate for the population; Keras's is the batch's own.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), variance.dtype)
        variance *= (count - 1) / count
        for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + value * (1 - layer.momentum))
        return outputs

    return call
