"""The weights of a run's epochs: taken from the model that is measured, and put into one that was loaded."""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.epoch_weights import (
    MOST_BYTES,
    Weights,
    compact,
    epoch_ordinal,
    kept_spacing,
    thin,
    write_epoch,
)
from core.errors import UserError
from core.formatting import reason
from core.training.reporting import Reporter

# Checkpoints, without which a run cannot go on, need the rest of the disk more.
LEAST_FREE_BYTES = 1_000_000_000


class WeightKeeper:
    """Keeps what is measured of each epoch in a run's folder; what cannot be written costs these weights alone."""

    def __init__(self, folder: Path, reporter: Reporter) -> None:
        self._folder = folder
        self._reporter = reporter
        self._taken: Weights | None = None
        self._is_told = False
        self._every = kept_spacing(folder, MOST_BYTES)

    def take(self, model: keras.Model) -> None:
        """Hold the model's weights as they are at this moment, for `write`."""
        self._taken = compact(weights_by_name(model))

    def write(self, epoch: int, best: int | None) -> None:
        """Keep what was taken last as the weights of this epoch; `best` is the best one by now.

        Where all would take more than MOST_BYTES, only every second epoch is kept, then every fourth, and so on.
        """
        weights, self._taken = self._taken, None
        if weights is None:
            return
        try:
            if shutil.disk_usage(self._folder).free < LEAST_FREE_BYTES:
                self._tell(epoch, "less than 1 GB of the disk is free")
            else:
                write_epoch(self._folder, epoch, weights)
                self._thin(best)
        except OSError as error:
            self._tell(epoch, reason(error))

    def _thin(self, best: int | None) -> None:
        every = thin(self._folder, best, MOST_BYTES)
        if every > self._every:
            self._reporter.report_log(
                f"The weights of {epoch_ordinal(every)} are kept for looking back, with the first, the best and the "
                f"last: more would take over {MOST_BYTES / 1e6:.0f} MB."
            )
        self._every = every

    def _tell(self, epoch: int, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            self._reporter.report_log(
                f"The weights of epoch {epoch} were not kept for looking back: {why}. Training continues.",
                "warning",
            )


def weights_by_name(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Each weight under the names of its layer and itself: `conv_1/kernel`."""
    return {
        name: ops.convert_to_numpy(variable).astype(np.float32)
        for name, variable in _variables(model).items()
    }


def put_weights(model: keras.Model, weights: Weights) -> None:
    """Give the model these weights, float32 by name. Raises UserError where they are those of another network."""
    variables = _variables(model)
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    if shapes != {name: array.shape for name, array in weights.items()}:
        raise UserError("The weights that were kept are those of another network and are not used.")
    for name, variable in variables.items():
        variable.assign(weights[name])


def _variables(model: keras.Model) -> dict[str, Any]:
    # In a model with test-time flip the network is a layer, whose name stands before those of its own layers.
    return {"/".join(variable.path.split("/")[-2:]): variable for variable in model.weights}
