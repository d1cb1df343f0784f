"""What is JAX's own: gradients."""

from collections.abc import Callable
from typing import Any

import jax
import keras


def gradient(function: Callable[[Any], Any], at: Any) -> Any:
    """The gradient of `function`, whose value is one number, with respect to the array `at`, of the same shape."""
    return jax.grad(function)(at)


def weight_gradients(
    network: keras.Model, variables: list[Any], pictures: Any, loss: Callable[[Any], Any]
) -> list[Any]:
    """The gradient of `loss` of what `network` gives for `pictures`, not in training, for each of the `variables`."""
    chosen = [
        next(place for place, each in enumerate(network.trainable_variables) if each is variable)
        for variable in variables
    ]
    values = [variable.value for variable in network.trainable_variables]
    others = [variable.value for variable in network.non_trainable_variables]

    def value(own: list[Any]) -> Any:
        trainable = list(values)
        for place, each in zip(chosen, own, strict=True):
            trainable[place] = each
        return loss(network.stateless_call(trainable, others, pictures, training=False)[0])

    gradients: list[Any] = jax.grad(value)([values[place] for place in chosen])
    return gradients
