"""What a run's curves say so far: does it overfit, since when, and how is that known?

Definition, reasons and how often it errs: docs/decisions/0006-diagnosis.md.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, NamedTuple

from core.analysis.class_answers import (
    hidden_in_words,
    most_frequent_share,
    no_better_in_words,
    one_answer_in_words,
    one_answer_so_far,
)
from core.analysis.course_words import (
    accuracy_since,
    loss_in_words,
    loss_since,
    still_gains,
    validation_in_words,
)
from core.analysis.curves import best_epoch
from core.analysis.divergence import diverged
from core.analysis.findings import Finding, Verdict
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
from core.formatting import percent, with_minus, within_sentence
from core.store.class_accuracy import ClassCounts

__all__ = ["Diagnosis", "Verdict", "diagnose", "normal_gap", "overfitting_onset"]

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
AVERAGES_LAG = "Too noisy to tell: averages lag behind"
# Verdicts that rest on accuracies which uneven classes make look better than they are; `GUESSING` says so itself.
CAN_HIDE = (Verdict.HEALTHY, Verdict.OVERFITTING, Verdict.PLATEAU, Verdict.UNDERFITTING)


@dataclass(frozen=True)
class Diagnosis:
    """A verdict with what decided it.

    `onset_epoch` is the epoch in which overfitting began, None for other verdicts. `gap` is clean training minus
    validation accuracy, the median of the last three epochs, a fraction of 1; where no clean accuracy is known,
    training accuracy stands in, and it is the smallest of the three. `best_epoch` is the first with the highest
    validation accuracy. `evidence` is one sentence for a learner, `headline` a few words. `hardly_learned`:
    validation is hardly better than guessing, whatever the verdict.
    """

    verdict: Verdict
    onset_epoch: int | None
    gap: float | None
    best_epoch: int | None
    evidence: str
    headline: str
    hardly_learned: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON. `hardly_learned` is in the words already."""
        plain = asdict(self) | {"verdict": self.verdict.value}
        del plain["hardly_learned"]
        return plain


class _Guessing(NamedTuple):
    """What is known of the classes, and so of what guessing would give; and whether averages can lag behind, which
    looks like guessing.
    """

    num_classes: int | None
    classes: ClassCounts | None
    names: Sequence[str]
    can_lag: bool

    @property
    def level(self) -> float:
        """The accuracy of the best answer that does not look at the picture; 0 where it is not known."""
        even = 1 / self.num_classes if self.num_classes and self.num_classes > 1 else 0.0
        return even if self.classes is None else max(even, most_frequent_share(self.classes))


def diagnose(
    curves: Curves,
    *,
    num_classes: int | None = None,
    num_validation: int | None = None,
    num_clean: int | None = None,
    classes: ClassCounts | None = None,
    class_names: Sequence[str] = (),
    can_lag: bool = True,
    ends_in_nan: bool = False,
) -> Diagnosis:
    """Judge the epochs there are, whether or not more follow.

    `curves` are equally long lists under CURVE_KEYS, None for what is not known. `num_classes` says what guessing
    would give (None: nothing), `num_validation` and `num_clean` on how many pictures the accuracies were measured
    (None: 1,000 and 2,000). `classes` are the validation pictures of each class in the last epochs, at least two of
    them, and how many were right (None: not known); `class_names` what the classes are called. `can_lag`: validation
    uses running averages, of batch normalisation or of the weights. `ends_in_nan`: the losses that are not known at
    the end were recorded as NaN.
    """
    signals = read_signals(curves, num_validation, num_clean)
    finding = diverged(curves, num_classes, ends_in_nan=ends_in_nan)
    guessing = _Guessing(num_classes, classes, class_names, can_lag)
    if finding is None:
        if signals is None or len(signals.epochs) < FEWEST_EPOCHS:
            finding = _too_early(curves, signals)
        else:
            finding = _judged(curves, signals, guessing)
    gap = signals.gaps[-1] if signals else None
    if finding.headline == AVERAGES_LAG and classes is not None:
        told = one_answer_so_far(classes, class_names)
        finding = finding._replace(evidence=f"{finding.evidence} {told}") if told else finding
    if finding.verdict in CAN_HIDE and classes is not None:
        hidden = hidden_in_words(classes, class_names)
        finding = finding._replace(evidence=f"{finding.evidence} {hidden}") if hidden else finding
    hardly = signals is not None and _learned(signals.validation_level, guessing.level) < HARDLY_LEARNED
    return Diagnosis(
        finding.verdict,
        finding.onset_epoch,
        gap,
        best_epoch(curves),
        finding.evidence,
        finding.headline,
        hardly,
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


def _too_early(curves: Curves, signals: Signals | None) -> Finding:
    epochs = len(curves["epoch"])
    measured = len(signals.epochs) if signals else 0
    if epochs >= FEWEST_EPOCHS:
        text = (
            f"Training and validation accuracy are both known in {measured} of {epochs} epochs; a verdict needs "
            f"{FEWEST_EPOCHS}."
        )
    else:
        text = f"A verdict needs {FEWEST_EPOCHS} epochs, and there {'is' if epochs == 1 else 'are'} {epochs or 'none'}."
    return Finding(Verdict.TOO_EARLY, "Too early to tell", text)


def _judged(curves: Curves, signals: Signals, guessing: _Guessing) -> Finding:
    finding = (
        _one_answer(curves, guessing)
        or _overfitting(signals, guessing)
        or _lagging(curves, guessing)
        or _no_better(signals, guessing)
        or _noisy(signals)
        or _stalled(signals, guessing.level)
        or _healthy(signals, guessing.level)
    )
    if signals.is_clean:
        return finding
    stand_in = "; training accuracy was measured during training, because no clean one is known."
    return finding._replace(evidence=finding.evidence.removesuffix(".") + stand_in)


def _lagging(curves: Curves, guessing: _Guessing) -> Finding | None:
    """Batch normalisation's averages, or averaged weights, are still far from what trains."""
    if not guessing.can_lag:
        return None
    pairs = list(zip(curves["train_accuracy"], curves["clean_train_accuracy"], strict=True))[-LAG_EPOCHS:]
    pairs = [(one, other) for one, other in pairs if is_known(one) and is_known(other)]
    if len(pairs) < FEWEST_EPOCHS or median(one - other for one, other in pairs) < LAG:
        return None
    text = (
        f"Training accuracy is {_percent(pairs[-1][0])} during training, but {_percent(pairs[-1][1])} on the same "
        "pictures right after it: the running averages used then, of batch normalisation or of the weights, lag "
        "behind, so validation says little yet."
    )
    return Finding(Verdict.NOISY, AVERAGES_LAG, text)


def _one_answer(curves: Curves, guessing: _Guessing) -> Finding | None:
    """Averages that lag behind give one answer too, and are the nearer cause."""
    if guessing.classes is None or _lagging(curves, guessing):
        return None
    words = one_answer_in_words(guessing.classes, guessing.names)
    return words and Finding(Verdict.GUESSING, *words)


def _no_better(signals: Signals, guessing: _Guessing) -> Finding | None:
    if guessing.classes is None:
        return None
    words = no_better_in_words(guessing.classes, guessing.names, signals.validation_level)
    return words and Finding(Verdict.GUESSING, *words)


def _overfitting(signals: Signals, guessing: _Guessing) -> Finding | None:
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
    if no_better := _no_better(signals, guessing):
        text = f"{text.removesuffix('.')}; {within_sentence(no_better.headline)} on validation."
    how = "still gaining slowly" if still_gains(signals, epoch) else f"gap {_tenths(gap)} points"
    return Finding(Verdict.OVERFITTING, f"Overfitting since epoch {epoch}, {how}", text, epoch)


def _noisy(signals: Signals) -> Finding | None:
    error = SURENESS * signals.gap_error
    if error <= NOISY_ERROR:
        return None
    text = (
        f"The gap between {_training(signals)} and validation accuracy is {_tenths(signals.gaps[-1])} points, but "
        f"jumps between epochs and few pictures make it uncertain by ±{_tenths(error)} points."
    )
    return Finding(Verdict.NOISY, "Too noisy to tell", text)


def _stalled(signals: Signals, guessing: float) -> Finding | None:
    """Underfitting when not even the training pictures are learned, else a plateau; None while anything gains."""
    gap, normal, level = signals.gaps[-1], normal_gap(signals), signals.training_level
    since = max(course.stalled_epoch for course in signals.courses)
    patience = max(STALL_EPOCHS, STALL_SHARE * len(signals.epochs))
    if signals.epochs[-1] - since < patience or gap > normal + LARGE_GAP:
        return None
    if _learned(level, guessing) < LEARNED and gap <= normal:
        guess = f", where guessing gives {_percent(guessing)}" if guessing else ""
        text = (
            f"Validation has not improved beyond noise since epoch {since}, and {_training(signals)} accuracy is "
            f"only {_percent(level)}{guess}: the network does not even learn its training pictures."
        )
        return Finding(
            Verdict.UNDERFITTING, f"Underfitting, {_training(signals)} accuracy only {_percent(level)}", text
        )
    accuracy = accuracy_since(signals, since)
    text = (
        f"Validation has not improved beyond noise since epoch {since}, when its accuracy was "
        f"{percent(accuracy.then)}, and is at {percent(accuracy.now)}, but the gap of {_tenths(gap)} points to "
        f"{_training(signals)} accuracy {'is normal' if gap <= normal else 'does not grow'}, so overfitting is not the "
        "cause."
    )
    return Finding(Verdict.PLATEAU, f"Plateau since epoch {since}, gap {_tenths(gap)} points", text)


def _healthy(signals: Signals, guessing: float) -> Finding:
    gap, normal, level = signals.gaps[-1], normal_gap(signals), signals.validation_level
    if gap <= normal and _learned(level, guessing) < HARDLY_LEARNED:
        guess = f", where guessing gives {_percent(guessing)}" if guessing else ""
        text = (
            f"Validation accuracy is {_percent(level)}{guess}: little has been learned so far. The gap of "
            f"{_tenths(gap)} points to {_training(signals)} accuracy is within the normal range of up to "
            f"{_tenths(normal)}."
        )
        return Finding(Verdict.HEALTHY, f"Little learned yet, validation {_percent(level)}", text)
    if gap <= normal:
        text = (
            f"Validation accuracy has reached {_percent(signals.validation_level)}, and the gap of {_tenths(gap)} "
            f"points to {_training(signals)} accuracy is within the normal range of up to {_tenths(normal)}."
        )
        return Finding(Verdict.HEALTHY, f"Healthy, gap {_tenths(gap)} points", text)
    text = (
        f"The gap between {_training(signals)} and validation accuracy is {_tenths(gap)} points, more than the "
        f"normal {_tenths(normal)}, but validation has not stalled for long enough to call it overfitting."
    )
    return Finding(Verdict.HEALTHY, f"Still gaining, gap {_tenths(gap)} points", text)


def _learned(level: float, guessing: float) -> float:
    """How much of the way from guessing to everything right an accuracy has gone."""
    return (level - guessing) / (1 - guessing) if guessing < 1 else 0.0


def _training(signals: Signals) -> str:
    return "clean training" if signals.is_clean else "training"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


def _tenths(fraction: float) -> str:
    return with_minus(f"{round(100 * fraction, 1) + 0:.1f}")  # + 0 turns -0.0 into 0.0
