"""Checkpoints: where a run stands, on disk, so that it resumes as if it had never been interrupted."""

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.errors import CheckpointDamaged
from core.system.files import write_bytes
from core.training.optimizers import schedule_of

KEPT = 2
_PATTERN = "epoch-*.checkpoint"


@dataclass
class Position:
    """What besides the weights decides how a run continues. Epochs count finished ones."""

    epoch: int = 0
    best_epoch: int | None = None
    best_val_accuracy: float | None = None
    lowest_val_loss: float | None = None
    epochs_without_gain: int = 0
    plateau_wait: int = 0


def save_checkpoint(folder: Path, model: keras.Model, position: Position) -> Path:
    """Write weights, optimizer, dropout's random state and `position`; keep the last two files.

    The file is the SHA-256 of what follows as 64 hexadecimal digits, a line feed, then an `.npz`.
    """
    arrays = {f"v{index}": ops.convert_to_numpy(variable) for index, variable in enumerate(_variables(model))}
    buffer = io.BytesIO()
    np.savez(buffer, position=np.array(json.dumps(asdict(position))), **arrays)
    data = buffer.getvalue()
    path = folder / f"epoch-{position.epoch:06d}.checkpoint"
    write_bytes(path, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    for old in sorted(folder.glob(_PATTERN))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path, model: keras.Model) -> Position | None:
    """Put the newest checkpoint that passes its hash into `model`, which is built and compiled.

    Returns where the run stands, or None when there is no checkpoint at all.

    Raises:
        CheckpointDamaged: there are checkpoints, but none passes, or none fits the model.
    """
    paths = sorted(folder.glob(_PATTERN), reverse=True)
    whole = 0
    for path in paths:
        contents = _read(path)
        if contents is None:
            continue
        whole += 1
        position, arrays = contents
        variables = _variables(model)
        schedule = schedule_of(model.optimizer)
        if schedule is not None and len(arrays) == len(variables) - 1:
            # From a time when rates could not be changed in a run: its schedule is as it was laid out.
            arrays.append(np.ones((), np.float32))
        if len(arrays) != len(variables) or any(
            tuple(variable.shape) != array.shape for variable, array in zip(variables, arrays, strict=True)
        ):
            continue
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        return position
    if whole:
        raise CheckpointDamaged(
            "The run's checkpoints hold other weights or another optimizer than its settings ask for: another version "
            "of ConvDeck may have written them.",
            "Resume with the version that began the run, or start the same design again.",
        )
    if paths:
        raise CheckpointDamaged(
            "None of the run's checkpoints can be read: they are damaged.", "Start the same design again."
        )
    return None


def _read(path: Path) -> tuple[Position, list[NDArray[Any]]] | None:
    try:
        digest, _, data = path.read_bytes().partition(b"\n")
        if hashlib.sha256(data).hexdigest().encode() != digest:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            position = Position(**json.loads(str(stored["position"])))
            return position, [stored[f"v{index}"] for index in range(len(stored.files) - 1)]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _variables(model: keras.Model) -> list[Any]:
    """Weights, dropout's random state, then the optimizer's own, in a fixed order; what scales a schedule last."""
    schedule = schedule_of(model.optimizer)
    scales = [] if schedule is None else [schedule.scale]
    own = [variable for variable in model.optimizer.variables if all(variable is not each for each in scales)]
    return [*model.variables, *own, *scales]
