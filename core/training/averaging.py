"""What is measured and saved in the place of the weights that train: their moving average, precise statistics."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.config import TrainingConfig
from core.training.batch_statistics import PRECISE_PICTURES, precise_statistics, take_statistics

# On Shapes 250, 500 and 1,000 pictures gave the same validation accuracy within half a point.
STATISTICS_PICTURES = 500


@contextlib.contextmanager
def measured_weights(
    model: keras.Model, pictures: NDArray[np.uint8], training: TrainingConfig
) -> Iterator[None]:
    """Inside, `model` has what is measured and saved; afterwards what trains.

    That is the average of its weights if its optimizer keeps one, and with `precise_batch_norm` the statistics of
    `pictures`. Batch normalisation's running statistics belong to the weights that trained. For averaged ones they are
    computed again in any case, as Izmailov et al. do (arXiv 1803.05407, section 3.2).
    """
    # Half precision wraps the optimizer in one that scales the loss.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not getattr(optimizer, "use_ema", False):
        with precise_statistics(model, pictures) if training.precise_batch_norm else contextlib.nullcontext():
            yield
        return
    own = [ops.convert_to_numpy(variable).copy() for variable in model.variables]
    # The public way, finalize_variable_values, overwrites for good: keep our own copy and put it back.
    optimizer.finalize_variable_values(model.trainable_variables)
    for variable in model.trainable_variables:
        # JAX would share the average's memory with the model and give it away at the model's next step.
        variable.assign(ops.convert_to_numpy(variable).copy())
    try:
        most = PRECISE_PICTURES if training.precise_batch_norm else STATISTICS_PICTURES
        take_statistics(model, pictures[:most])
        yield
    finally:
        for variable, value in zip(model.variables, own, strict=True):
            variable.assign(value)
