"""What a run's curves say so far: does it overfit, since when, and how is that known?

Definition, reasons and how often it errs: docs/decisions/0006-diagnosis.md.
"""

import math
from bisect import bisect_left
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import median
from typing import Any, NamedTuple

from core.analysis.course_words import (
    accuracy_since,
    loss_in_words,
    loss_since,
    still_gains,
    validation_in_words,
)
from core.analysis.curves import best_epoch
from core.analysis.signals import (
    MEDIAN_OF_THREE,
    SURENESS,
    Curves,
    Signals,
    beyond_noise,
    first_lasting,
    is_known,
    read_signals,
)

FEWEST_EPOCHS = 4
# A healthy network knows its own pictures a little better than new ones: 4 points after the article's augmentation.
MILD_GAP = 0.06
# This far above the normal is overfitting even when it no longer grows: all is known by heart.
LARGE_GAP = 0.05
LEAST_GROWTH = 0.02
# Validation loss a fifth above its lowest tells of overfitting where accuracies are too high for a gap.
LEAST_LOSS_RISE = 0.2
# An onset counts when at least this many epochs followed it.
LASTING_EPOCHS = 3
# No gain for five epochs, or a quarter of the run when that is longer.
STALL_EPOCHS = 5
STALL_SHARE = 0.25
# A gap that may be off by more than this says nothing.
NOISY_ERROR = 0.10
# Of the way from guessing to everything right: below this, the training pictures are not learned.
LEARNED = 0.7
HARDLY_LEARNED = 0.15  # of the way from guessing to knowing all: too little to call healthy
# Training accuracy this far above that of the same pictures measured afterwards, in the middle of the last epochs.
LAG = 0.10
LAG_EPOCHS = 5
# Training accuracy this far below what it once was, twice in a row.
COLLAPSE = 0.25
# Loss in multiples of what guessing costs, and how far above guessing an accuracy may be and still be it.
EXPLODED = 1.3
GUESSING_MARGIN = 0.05


class Verdict(StrEnum):
    """What the curves look like."""

    TOO_EARLY = "too_early"
    UNDERFITTING = "underfitting"
    HEALTHY = "healthy"
    OVERFITTING = "overfitting"
    PLATEAU = "plateau"
    DIVERGED = "diverged"
    NOISY = "noisy"


@dataclass(frozen=True)
class Diagnosis:
    """A verdict with what decided it.

    `onset_epoch` is the epoch in which overfitting began, None for other verdicts. `gap` is clean training minus
    validation accuracy, the median of the last three epochs, a fraction of 1; where no clean accuracy is known,
    training accuracy stands in, and it is the smallest of the three. `best_epoch` is the first with the highest
    validation accuracy. `evidence` is one sentence for a learner, `headline` a few words.
    """

    verdict: Verdict
    onset_epoch: int | None
    gap: float | None
    best_epoch: int | None
    evidence: str
    headline: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"verdict": self.verdict.value}


class _Finding(NamedTuple):
    verdict: Verdict
    headline: str
    evidence: str
    onset_epoch: int | None = None


def diagnose(
    curves: Curves,
    *,
    num_classes: int | None = None,
    num_validation: int | None = None,
    num_clean: int | None = None,
) -> Diagnosis:
    """Judge the epochs there are, whether or not more follow.

    `curves` are equally long lists under CURVE_KEYS, None for what is not known. `num_classes` says what guessing
    would give (None: nothing), `num_validation` and `num_clean` on how many pictures the accuracies were measured
    (None: 1,000 and 2,000).
    """
    signals = read_signals(curves, num_validation, num_clean)
    finding = _diverged(curves, num_classes)
    if finding is None:
        if signals is None or len(signals.epochs) < FEWEST_EPOCHS:
            finding = _too_early(curves, signals)
        else:
            finding = _judged(curves, signals, num_classes)
    gap = signals.gaps[-1] if signals else None
    return Diagnosis(
        finding.verdict, finding.onset_epoch, gap, best_epoch(curves), finding.evidence, finding.headline
    )


def overfitting_onset(signals: Signals) -> int | None:
    """The index of the epoch in which overfitting began; None when it did not, or cannot be told from chance.

    The first from which on the gap is beyond chance and rises from its lowest, and validation no longer gains, in
    loss or in accuracy. It counts when the gap is also beyond the normal and grown, or very large, or when
    validation loss has clearly risen.
    """
    gaps = signals.gaps
    by_chance = SURENESS * signals.gap_error
    beyond = first_lasting(gap > by_chance for gap in gaps)
    if beyond is None:
        return None
    stalled = min(course.stalled_epoch for course in signals.courses)
    onset = max(beyond, min(bisect_left(signals.epochs, stalled), len(gaps) - 1))
    lowest = min(gaps[onset:])
    rising = first_lasting(gap > lowest + MEDIAN_OF_THREE * signals.gap_noise for gap in gaps)
    onset = max(onset, (rising or 0) - 1)
    if signals.epochs[-1] - signals.epochs[onset] < LASTING_EPOCHS:
        return None
    now = min(gaps[-2:])
    growth = now - gaps[onset]
    above_normal = now - normal_gap(signals)
    has_grown = growth > max(LEAST_GROWTH, beyond_noise(signals.gap_noise))
    if above_normal > 0 and (has_grown or above_normal > LARGE_GAP):
        return onset
    loss = signals.loss
    return onset if loss and growth > 0 and loss.rise > LEAST_LOSS_RISE * loss.lowest else None


def normal_gap(signals: Signals) -> float:
    """The largest gap that a healthy network may show: a mild one, and what chance adds."""
    return MILD_GAP + SURENESS * signals.gap_error


def _diverged(curves: Curves, num_classes: int | None) -> _Finding | None:
    if not curves["epoch"]:
        return None
    epoch, losses = curves["epoch"][-1], curves["train_loss"]
    headline = f"Diverged in epoch {epoch}"
    if _is_broken(curves):
        before = [loss for loss in losses[:-1] if is_known(loss)]
        was = f"; in epoch {epoch - 1} it was {before[-1]:.2f}" if before and is_known(losses[-2]) else ""
        text = f"In epoch {epoch} the loss became NaN, so training cannot continue{was}."
        return _Finding(Verdict.DIVERGED, headline, text)
    accuracies = [value for value in curves["train_accuracy"] if is_known(value)]
    if len(accuracies) > 2 and max(accuracies[-2:]) < max(accuracies) - COLLAPSE:
        text = (
            f"Training accuracy fell from {_percent(max(accuracies))} to {_percent(accuracies[-1])} and did not "
            "recover: what was learned is lost."
        )
        return _Finding(Verdict.DIVERGED, f"Diverged in epoch {_fell_in(curves)}", text)
    known_losses = [loss for loss in losses if is_known(loss)]
    if num_classes and num_classes > 1 and len(accuracies) > 1 and known_losses:
        guessing = math.log(num_classes)
        if (
            max(known_losses) > EXPLODED * guessing
            and max(accuracies[-2:]) < 1 / num_classes + GUESSING_MARGIN
        ):
            text = (
                f"Training loss reached {max(known_losses):.1f} where guessing costs {guessing:.1f}, and training "
                f"accuracy is {_percent(accuracies[-1])}, no better than guessing."
            )
            limit = EXPLODED * guessing
            reached = next(
                number
                for number, loss in zip(curves["epoch"], losses, strict=True)
                if is_known(loss) and loss > limit
            )
            return _Finding(Verdict.DIVERGED, f"Diverged in epoch {reached}", text)
    return None


def _fell_in(curves: Curves) -> int:
    """The epoch in which training accuracy fell for the first time after its top."""
    known = [
        (epoch, value)
        for epoch, value in zip(curves["epoch"], curves["train_accuracy"], strict=True)
        if is_known(value)
    ]
    top = max(value for _, value in known)
    top_epoch = next(epoch for epoch, value in known if value == top)
    return int(next(epoch for epoch, value in known if epoch > top_epoch and value < top - COLLAPSE))


def _is_broken(curves: Curves) -> bool:
    """Whether the last epoch's loss is no number: training records what it has of such an epoch and ends."""
    last = {key: values[-1] for key, values in curves.items()}
    losses = [last[key] for key in ("train_loss", "clean_train_loss", "val_loss")]
    if any(loss is not None and not is_known(loss) for loss in losses):
        return True
    if any(
        is_known(last[key])
        for key in ("clean_train_accuracy", "clean_train_loss", "val_accuracy", "val_loss")
    ):
        return False
    earlier = len(curves["epoch"]) - 1
    if not is_known(last["train_loss"]):
        was_measured = is_known(last["seconds"]) or is_known(last["train_accuracy"])
        return was_measured and (not earlier or is_known(curves["train_loss"][-2]))
    # Training loss is a number and all that is measured after it is not, although it was in every epoch before.
    measured = zip(curves["clean_train_accuracy"][:-1], curves["val_accuracy"][:-1], strict=True)
    return earlier > 0 and all(is_known(one) and is_known(other) for one, other in measured)


def _too_early(curves: Curves, signals: Signals | None) -> _Finding:
    epochs = len(curves["epoch"])
    measured = len(signals.epochs) if signals else 0
    if epochs >= FEWEST_EPOCHS:
        text = (
            f"Training and validation accuracy are both known in {measured} of {epochs} epochs; a verdict needs "
            f"{FEWEST_EPOCHS}."
        )
    else:
        text = f"A verdict needs {FEWEST_EPOCHS} epochs, and there {'is' if epochs == 1 else 'are'} {epochs or 'none'}."
    return _Finding(Verdict.TOO_EARLY, "Too early to tell", text)


def _judged(curves: Curves, signals: Signals, num_classes: int | None) -> _Finding:
    finding = (
        _overfitting(signals)
        or _lagging(curves)
        or _noisy(signals)
        or _stalled(signals, _guessing(num_classes))
        or _healthy(signals, _guessing(num_classes))
    )
    if signals.is_clean:
        return finding
    stand_in = "; training accuracy was measured during training, because no clean one is known."
    return finding._replace(evidence=finding.evidence.removesuffix(".") + stand_in)


def _lagging(curves: Curves) -> _Finding | None:
    """Batch normalisation's averages, or averaged weights, are still far from what trains."""
    pairs = list(zip(curves["train_accuracy"], curves["clean_train_accuracy"], strict=True))[-LAG_EPOCHS:]
    pairs = [(one, other) for one, other in pairs if is_known(one) and is_known(other)]
    if len(pairs) < FEWEST_EPOCHS or median(one - other for one, other in pairs) < LAG:
        return None
    text = (
        f"Training accuracy is {_percent(pairs[-1][0])} during training, but {_percent(pairs[-1][1])} on the same "
        "pictures right after it: the running averages used then, of batch normalisation or of the weights, lag "
        "behind, so validation says little yet."
    )
    return _Finding(Verdict.NOISY, "Too noisy to tell: averages lag behind", text)


def _overfitting(signals: Signals) -> _Finding | None:
    onset = overfitting_onset(signals)
    if onset is None:
        return None
    epoch, before, gap = signals.epochs[onset], signals.gaps[onset], signals.gaps[-1]
    normal = normal_gap(signals)
    moved = gap - before > LEAST_GROWTH / 2 or gap <= normal
    # A gap that was large at once and has shrunk a little since is no less overfitting: it is its size that tells.
    change = f"went from {_tenths(before)} to {_tenths(gap)}" if moved else f"is large, {_tenths(gap)}"
    if min(signals.gaps[-2:]) <= normal and (loss := loss_since(signals, epoch)):
        text = (
            f"Since epoch {epoch} {loss_in_words(loss)}, and the gap between {_training(signals)} and validation "
            f"accuracy, though small, {change} points."
        )
    else:
        text = (
            f"Since epoch {epoch} the gap between {_training(signals)} and validation accuracy {change} points, "
            f"where up to {_tenths(normal)} is normal, while {validation_in_words(signals, epoch)}."
        )
    how = "still gaining slowly" if still_gains(signals, epoch) else f"gap {_tenths(gap)} points"
    return _Finding(Verdict.OVERFITTING, f"Overfitting since epoch {epoch}, {how}", text, epoch)


def _noisy(signals: Signals) -> _Finding | None:
    error = SURENESS * signals.gap_error
    if error <= NOISY_ERROR:
        return None
    text = (
        f"The gap between {_training(signals)} and validation accuracy is {_tenths(signals.gaps[-1])} points, but "
        f"jumps between epochs and few pictures make it uncertain by ±{_tenths(error)} points."
    )
    return _Finding(Verdict.NOISY, "Too noisy to tell", text)


def _stalled(signals: Signals, guessing: float) -> _Finding | None:
    """Underfitting when not even the training pictures are learned, else a plateau; None while anything gains."""
    gap, normal, level = signals.gaps[-1], normal_gap(signals), signals.training_level
    since = max(course.stalled_epoch for course in signals.courses)
    patience = max(STALL_EPOCHS, STALL_SHARE * len(signals.epochs))
    if signals.epochs[-1] - since < patience or gap > normal + LARGE_GAP:
        return None
    if (level - guessing) / (1 - guessing) < LEARNED and gap <= normal:
        guess = f", where guessing gives {_percent(guessing)}" if guessing else ""
        text = (
            f"Validation has not improved beyond noise since epoch {since}, and {_training(signals)} accuracy is "
            f"only {_percent(level)}{guess}: the network does not even learn its training pictures."
        )
        return _Finding(
            Verdict.UNDERFITTING, f"Underfitting, {_training(signals)} accuracy only {_percent(level)}", text
        )
    text = (
        f"Validation has not improved beyond noise since epoch {since} and is at "
        f"{_percent(signals.validation_level)}, but the gap of {_tenths(gap)} points to {_training(signals)} "
        f"accuracy {'is normal' if gap <= normal else 'does not grow'}, so overfitting is not the cause."
    )
    return _Finding(Verdict.PLATEAU, f"Plateau since epoch {since}, gap {_tenths(gap)} points", text)


def _healthy(signals: Signals, guessing: float) -> _Finding:
    gap, normal, level = signals.gaps[-1], normal_gap(signals), signals.validation_level
    if gap <= normal and (level - guessing) / (1 - guessing) < HARDLY_LEARNED:
        guess = f", where guessing gives {_percent(guessing)}" if guessing else ""
        text = (
            f"Validation accuracy is {_percent(level)}{guess}: little has been learned so far. The gap of "
            f"{_tenths(gap)} points to {_training(signals)} accuracy is within the normal range of up to "
            f"{_tenths(normal)}."
        )
        return _Finding(Verdict.HEALTHY, f"Little learned yet, validation {_percent(level)}", text)
    if gap <= normal:
        text = (
            f"Validation accuracy has reached {_percent(signals.validation_level)}, and the gap of {_tenths(gap)} "
            f"points to {_training(signals)} accuracy is within the normal range of up to {_tenths(normal)}."
        )
        return _Finding(Verdict.HEALTHY, f"Healthy, gap {_tenths(gap)} points", text)
    text = (
        f"The gap between {_training(signals)} and validation accuracy is {_tenths(gap)} points, more than the "
        f"normal {_tenths(normal)}, but validation has not stalled for long enough to call it overfitting."
    )
    return _Finding(Verdict.HEALTHY, f"Still gaining, gap {_tenths(gap)} points", text)


def _guessing(num_classes: int | None) -> float:
    return 1 / num_classes if num_classes and num_classes > 1 else 0.0


def _training(signals: Signals) -> str:
    return "clean training" if signals.is_clean else "training"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


def _tenths(fraction: float) -> str:
    return f"{round(100 * fraction, 1) + 0:.1f}"  # + 0 turns -0.0 into 0.0
