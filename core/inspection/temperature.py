"""A run's temperature: fitted on all validation pictures, kept beside its weights, and applied to its answers."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from core.engine.answers import Answer, RankedClass
from core.engine.client import Engine
from core.inspection.answers import BEST, Advance, Numbers, answers_of, weights_of
from core.inspection.calibration import (
    LEAST_TEMPERATURE,
    MOST_TEMPERATURE,
    Scores,
    fit_temperature,
    with_temperature,
)
from core.store.records import Run
from core.system.files import write_bytes
from core.workspace import Workspace

FEWEST_PICTURES = 100
FILE = "temperature.json"


@dataclass(frozen=True)
class Temperature:
    """What all outputs are divided by before softmax. `note` is why it is not the one that fits best, or None."""

    value: float
    note: str | None = None


def temperature_of(log_probabilities: Scores, labels: Numbers) -> Temperature:
    """The temperature that fits these validation pictures, if there are enough to say, and it is within its range."""
    if len(labels) < FEWEST_PICTURES:
        return Temperature(
            1.0,
            f"A temperature needs at least {FEWEST_PICTURES} validation pictures; there are {len(labels)}.",
        )
    fitted = fit_temperature(log_probabilities, labels)
    if fitted <= 1.01 * LEAST_TEMPERATURE:
        return Temperature(
            1.0, "It is right on all validation pictures, or nearly, so they do not say how sure it may be."
        )
    if fitted >= 0.99 * MOST_TEMPERATURE:
        return Temperature(
            MOST_TEMPERATURE,
            "On the validation pictures it is no better than chance, so it is made as unsure as possible.",
        )
    return Temperature(fitted)


def run_temperature(
    workspace: Workspace, engine: Engine, run: Run, advance: Advance | None = None
) -> Temperature:
    """That of a run's best weights: read where it was measured before, else measured, which takes seconds.

    Raises as `core.inspection.answers.answers_of` does.
    """
    path = workspace.run_folder(run.id) / FILE
    sha256 = weights_of(workspace, run, BEST).sha256
    if (kept := _read(path, sha256)) is not None:
        return kept
    answers = answers_of(workspace, engine, run, "validation", BEST, advance)
    found = temperature_of(answers.log_probabilities, answers.labels)
    if weights_of(workspace, run, BEST).sha256 == sha256:
        _write(path, sha256, found)
    return found


def kept_temperature(folder: Path, sha256: str) -> Temperature | None:
    """What was measured of the best weights with this digest in a run's folder; None where it was not."""
    return _read(folder / FILE, sha256)


def calibrated(answer: Answer, temperature: float) -> Answer:
    """The same answer with probabilities of logits divided by `temperature`. The order of the classes stays.

    It needs every class in `answer.top`.
    """
    return replace(answer, top=with_temperature_of(answer.top, temperature), temperature=temperature)


def with_temperature_of(top: tuple[RankedClass, ...], temperature: float) -> tuple[RankedClass, ...]:
    """Every class with its probability, corrected."""
    if not top:
        return top
    with np.errstate(divide="ignore"):  # a probability of 0 stays one
        scores = np.log(np.array([[each.probability for each in top]], np.float64))
    corrected = with_temperature(scores, temperature)[0]
    return tuple(RankedClass(each.name, float(value)) for each, value in zip(top, corrected, strict=True))


def _read(path: Path, sha256: str) -> Temperature | None:
    try:
        values = json.loads(path.read_bytes())
        if values.pop("sha256") != sha256:
            return None  # of weights that were replaced
        note = values["note"]
        return Temperature(float(values["value"]), None if note is None else str(note))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _write(path: Path, sha256: str, found: Temperature) -> None:
    """What cannot be written is measured again."""
    try:
        write_bytes(path, json.dumps({"sha256": sha256, **asdict(found)}).encode())
    except OSError:
        return
