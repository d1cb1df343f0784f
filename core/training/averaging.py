"""The exponential moving average of the weights, put in the weights' place while something is measured or saved."""

import contextlib
from collections.abc import Iterator

import keras
from keras import ops


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Inside, `model` has the averaged weights if its optimizer keeps them; afterwards its own again."""
    # Half precision wraps the optimizer in one that scales the loss.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not getattr(optimizer, "use_ema", False):
        yield
        return
    own = [ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables]
    # The public way, finalize_variable_values, overwrites for good: keep our own copy and put it back.
    optimizer.finalize_variable_values(model.trainable_variables)
    for variable in model.trainable_variables:
        # JAX would share the average's memory with the model and give it away at the model's next step.
        variable.assign(ops.convert_to_numpy(variable).copy())
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, own, strict=True):
            variable.assign(value)
