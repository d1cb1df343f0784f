"""A run measured on a part of its data set, with its probabilities corrected by what the validation part says."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.engine.client import Engine
from core.errors import UserError
from core.inspection.answers import BEST, Advance, Numbers, SplitAnswers
from core.inspection.calibration import Bin, calibration_error, reliability, with_temperature
from core.inspection.elsewhere import answers_about
from core.inspection.measures import (
    Accuracy,
    ClassMeasures,
    accuracy_of,
    classes_of,
    confusion_of,
    more_top_accuracy,
    top_accuracy,
)
from core.inspection.temperature import Temperature, temperature_of
from core.store.records import Run
from core.workspace import Workspace

TRIES = 3


@dataclass(frozen=True, eq=False)
class SplitEvaluation:
    """What `answers` are worth. `loss` is the mean cross-entropy, `top3` and `top5` are fractions, the latter None with
    at most five classes; `confusion` (classes, classes) counts the pictures of the row's class that were taken for the
    column's.

    `fitted` is the temperature that fits the validation part; `bins` are the reliability diagram as the network
    answers, `calibrated_bins` with that temperature.
    """

    answers: SplitAnswers
    accuracy: Accuracy
    loss: float
    top3: float
    top5: float | None
    confusion: Numbers
    classes: tuple[ClassMeasures, ...]
    fitted: Temperature
    bins: tuple[Bin, ...]
    calibrated_bins: tuple[Bin, ...]

    @property
    def temperature(self) -> float:
        """What the network's outputs are divided by for calibrated probabilities."""
        return self.fitted.value

    @property
    def ece(self) -> float:
        """The expected calibration error as the network answers."""
        return calibration_error(self.bins)

    @property
    def ece_calibrated(self) -> float:
        """With the temperature. On the validation part it flatters, since the temperature was fitted there."""
        return calibration_error(self.calibrated_bins)


def evaluate(
    workspace: Workspace,
    engine: Engine,
    run: Run,
    split: str,
    epoch: int | str = BEST,
    advance: Advance | None = None,
    dataset: str | None = None,
) -> SplitEvaluation:
    """Measure a run's weights on `validation` or `test`, or on all pictures of another `dataset`, with the temperature
    of its own validation pictures. Raises as `answers_about` does.
    """
    for _ in range(TRIES):
        answers = validation = answers_about(workspace, engine, run, split, epoch, advance, dataset)
        if split != "validation" or dataset is not None:
            validation = answers_about(workspace, engine, run, "validation", epoch, advance)
        # A run that trains may have a better epoch by now, whose temperature is another one.
        if answers.epoch == validation.epoch:
            return evaluation_of(answers, validation)
    raise UserError(
        f"“{run.name}” saves better weights while they are measured. Ask again when it has ended."
    )


def evaluation_of(answers: SplitAnswers, validation: SplitAnswers) -> SplitEvaluation:
    """`answers` measured, with the temperature that fits `validation`. Raises UserError on a part without pictures."""
    for each in (answers, validation):
        if not len(each):
            raise UserError(f"The {each.split} part of this data set has no pictures.")
    fitted = temperature_of(validation.log_probabilities, validation.labels)
    corrected = with_temperature(answers.log_probabilities, fitted.value)
    confusion = confusion_of(answers)
    return SplitEvaluation(
        answers=answers,
        accuracy=accuracy_of(answers),
        loss=float(answers.losses.mean()),
        top3=top_accuracy(answers),
        top5=more_top_accuracy(answers),
        confusion=confusion,
        classes=classes_of(confusion, answers.class_names),
        fitted=fitted,
        bins=reliability(answers.confidence, answers.right),
        calibrated_bins=reliability(corrected[np.arange(len(answers)), answers.predicted], answers.right),
    )


def evaluation_document(run_id: str, evaluation: SplitEvaluation) -> dict[str, Any]:
    """As the command line and REST print it: fractions of 1, rows of `confusion` by true class."""
    answers, accuracy = evaluation.answers, evaluation.accuracy
    return {
        "run": run_id,
        "split": answers.split,
        "epoch": answers.epoch,
        "n": len(answers),
        "accuracy": accuracy.value,
        "accuracy_low": accuracy.low,
        "accuracy_high": accuracy.high,
        "loss": evaluation.loss,
        "top3_accuracy": evaluation.top3,
        "top5_accuracy": evaluation.top5,
        "ece": evaluation.ece,
        "temperature": evaluation.temperature,
        "ece_calibrated": evaluation.ece_calibrated,
        "class_names": list(answers.class_names),
        "confusion": evaluation.confusion.tolist(),
        "classes": [_renamed(asdict(each)) for each in evaluation.classes],
        **({} if answers.dataset is None else {"dataset": answers.dataset}),
    }


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    return {"class": values.pop("name"), **values}
