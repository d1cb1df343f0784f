"""What curves say once noise and jumps are taken out: the numbers that a diagnosis rests on."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import Any

from core.analysis.significance import standard_error
from core.datasets.splits import CLEAN_PICTURES

# Where the number of validation pictures is not known: a cautious guess.
VALIDATION_PICTURES = 1_000

# Two standard errors: further off by chance about one time in twenty.
SURENESS = 2.0
# The standard deviation of the median of three normal values, in theirs.
MEDIAN_OF_THREE = 0.67
# Two or three differences can look smoother than any network's curve is.
LEAST_ACCURACY_NOISE = 0.005
LEAST_LOSS_NOISE = 0.01
# Gains that are no chance: a fraction of 1 in accuracy, and a share of the lowest loss.
SURE_GAIN = 0.03
SURE_LOSS_GAIN = 0.1

Curves = Mapping[str, list[Any]]


@dataclass(frozen=True)
class Course:
    """A curve of validation where lower is better (its error or its loss), as it was `measured` and without noise.

    `smooth` is without jumps and taken over three epochs, `noise` is the standard deviation of one. A gain of
    `sure_gain` is one however much noise there is.
    """

    epochs: Sequence[int]
    measured: Sequence[float]
    smooth: Sequence[float]
    noise: float
    sure_gain: float

    @property
    def lowest(self) -> float:
        return min(self.smooth)

    @property
    def rise(self) -> float:
        """How far the last two epochs lie above the lowest, less what noise explains; below 0 when within it."""
        return min(self.smooth[-2:]) - self.lowest - beyond_noise(self.noise)

    @property
    def stalled_epoch(self) -> int:
        """The first epoch after which nothing is lower than there by more than noise explains."""
        lowest_from_here = list(accumulate(reversed(self.smooth), min))[::-1]
        by_chance = min(self.sure_gain, beyond_noise(self.noise))
        rows = zip(self.epochs, self.smooth, lowest_from_here, strict=True)
        return next(epoch for epoch, value, lowest in rows if value - lowest <= by_chance)


@dataclass(frozen=True)
class Signals:
    """Accuracies of all epochs where both are known, as fractions of 1; `training` is clean where `is_clean`.

    `gaps` are training minus validation, taken over three epochs. `gap_noise` is the standard deviation of one
    epoch's gap; `gap_error` the standard error of one of `gaps`, with that of the two samples of pictures in it.
    """

    epochs: Sequence[int]
    training: Sequence[float]
    validation: Sequence[float]
    is_clean: bool
    gaps: Sequence[float]
    gap_noise: float
    gap_error: float
    error: Course
    loss: Course | None

    @property
    def courses(self) -> tuple[Course, ...]:
        """Validation's loss, where it is known, and its error."""
        return (self.error,) if self.loss is None else (self.loss, self.error)

    @property
    def training_level(self) -> float:
        """The best of the last three epochs: a jump makes an epoch worse, never better."""
        return max(self.training[-3:])

    @property
    def validation_level(self) -> float:
        return max(self.validation[-3:])


def read_signals(
    curves: Curves, num_validation: int | None = None, num_clean: int | None = None
) -> Signals | None:
    """None when no epoch has both accuracies. Where no clean accuracy is known, that of training stands in."""
    is_clean = any(is_known(value) for value in curves["clean_train_accuracy"])
    prefix = "clean_train" if is_clean else "train"
    rows = _rows_with(curves, f"{prefix}_accuracy", "val_accuracy")
    if not rows:
        return None
    epochs, training, validation = (list(column) for column in zip(*rows, strict=True))
    gaps = [one - other for one, other in zip(training, validation, strict=True)]
    gap_noise = noise(gaps, LEAST_ACCURACY_NOISE)
    sampling = math.hypot(
        standard_error(median(training[-3:]), num_clean or CLEAN_PICTURES),
        standard_error(median(validation[-3:]), num_validation or VALIDATION_PICTURES),
    )
    return Signals(
        epochs=epochs,
        training=training,
        validation=validation,
        is_clean=is_clean,
        gaps=gaps_of(curves),
        gap_noise=gap_noise,
        gap_error=math.hypot(sampling, MEDIAN_OF_THREE * gap_noise),
        error=_error_course(epochs, training, validation, is_clean),
        loss=_loss_course(curves),
    )


def gaps_of(curves: Curves) -> list[float]:
    """Clean training minus validation accuracy of each epoch where both are known, as medians of three epochs.

    The last is the gap of the run: the median of its last three such epochs, or that of the last where there are fewer.
    Where no clean accuracy is known at all, that of training stands in, and the lowest of three epochs counts.
    """
    if not any(is_known(value) for value in curves["clean_train_accuracy"]):
        rows = _rows_with(curves, "train_accuracy", "val_accuracy")
        return lowest_of_three([training - validation for _, training, validation in rows])
    rows = _rows_with(curves, "clean_train_accuracy", "val_accuracy")
    return smoothed([clean - validation for _, clean, validation in rows])


def noise(values: Sequence[float], least: float) -> float:
    """The standard deviation from one epoch to the next, of a curve that may rise, fall and bend.

    From second differences, which a straight line leaves at zero and whose variance is six times that of a value
    (Gasser, Sroka and Jennen-Steinmetz, Biometrika 73, 1986, doi 10.1093/biomet/73.3.625), by their median size,
    which single jumps do not move; 1.4826 makes that a standard deviation.
    """
    bends = [
        abs(one - 2 * two + three) for one, two, three in zip(values, values[1:], values[2:], strict=False)
    ]
    return max(least, 1.4826 * median(bends) / math.sqrt(6)) if bends else least


def beyond_noise(deviation: float) -> float:
    """How much two values taken over three epochs each may differ by chance."""
    return SURENESS * math.sqrt(2) * MEDIAN_OF_THREE * deviation


def smoothed(values: Sequence[float]) -> list[float]:
    """The median of each three epochs; the first and the last value repeat their neighbour's."""
    return _over_three(values, lambda triple: sorted(triple)[1])


def lowest_of_three(values: Sequence[float]) -> list[float]:
    """Instead of the median where validation's jumps are in the curve.

    An epoch that was measured badly has a larger gap, error and loss, never a smaller one.
    """
    return _over_three(values, min)


def first_lasting(flags: Iterable[bool]) -> int | None:
    """The index from which on all flags are true; None when the last is not."""
    found = None
    for index, flag in enumerate(flags):
        found = (index if found is None else found) if flag else None
    return found


def is_known(value: Any) -> bool:
    """Whether it is a finite number."""
    return value is not None and math.isfinite(value)


def _rows_with(curves: Curves, *keys: str) -> list[tuple[Any, ...]]:
    columns = (curves[key] for key in ("epoch", *keys))
    return [row for row in zip(*columns, strict=True) if all(map(is_known, row))]


def _error_course(
    epochs: Sequence[int], training: Sequence[float], validation: Sequence[float], is_clean: bool
) -> Course:
    errors = [1 - value for value in validation]
    if is_clean:
        steady = _without_jumps([1 - value for value in training], errors)
        return Course(epochs, errors, smoothed(steady), noise(steady, LEAST_ACCURACY_NOISE), SURE_GAIN)
    return Course(
        epochs, errors, _lowest_of_last_three(errors), noise(errors, LEAST_ACCURACY_NOISE), SURE_GAIN
    )


def _loss_course(curves: Curves) -> Course | None:
    if rows := _rows_with(curves, "clean_train_loss", "val_loss"):
        epochs, training, measured = (list(column) for column in zip(*rows, strict=True))
        values = _without_jumps(training, measured)
        smooth = smoothed(values)
    elif rows := _rows_with(curves, "val_loss"):
        epochs, measured = (list(column) for column in zip(*rows, strict=True))
        values = measured
        smooth = _lowest_of_last_three(values)
    else:
        return None
    return Course(
        epochs, measured, smooth, noise(values, LEAST_LOSS_NOISE), SURE_LOSS_GAIN * abs(min(smooth))
    )


def _without_jumps(training: Sequence[float], validation: Sequence[float]) -> list[float]:
    """Validation without the jumps that clean training shows too; lower is better in both.

    Batch normalisation's averages trail the weights, so that single epochs are measured far too badly: in both
    curves, because both are measured with the same averages. What training lies above its lowest so far is that.
    """
    lowest_so_far = accumulate(training, min)
    return [v - (t - lowest) for v, t, lowest in zip(validation, training, lowest_so_far, strict=True)]


def _lowest_of_last_three(values: Sequence[float]) -> list[float]:
    """Where jumps stay in: what comes later must not make an epoch look better."""
    return [min(values[max(0, index - 2) : index + 1]) for index in range(len(values))]


def _over_three(values: Sequence[float], pick: Callable[[tuple[float, ...]], float]) -> list[float]:
    if len(values) < 3:
        return [pick((value, value, value)) for value in values]
    inner = [pick(triple) for triple in zip(values, values[1:], values[2:], strict=False)]
    return [inner[0], *inner, inner[-1]]
