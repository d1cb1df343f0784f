"""How validation went since an epoch, in words that hold measured numbers alone.

A verdict is decided on curves without jumps and noise (`core.analysis.signals`). Their values were never measured, so
no sentence quotes them. “Then” and “now” are medians of three measured epochs, as the gap is; best and lowest are
values of single epochs, which the charts mark.
"""

from dataclasses import dataclass

from core.analysis.signals import Course, Signals, smoothed
from core.formatting import percent

# What validation accuracy must have gained for its gains to be worth a word, in fractions of 1.
LEAST_GAIN = 0.01


@dataclass(frozen=True)
class Since:
    """A measure around an epoch and now, and its best with the first epoch that has it; accuracies or losses."""

    then: float
    now: float
    best: float
    best_epoch: int
    is_best_since: bool  # in a later epoch than the one that “then” is around


def accuracy_since(signals: Signals, epoch: int) -> Since:
    """Validation accuracy, fractions of 1."""
    error = _since(signals.error, epoch)
    return Since(1 - error.then, 1 - error.now, 1 - error.best, error.best_epoch, error.is_best_since)


def loss_since(signals: Signals, epoch: int) -> Since | None:
    """Validation loss; None where it is not known."""
    return None if signals.loss is None else _since(signals.loss, epoch)


def still_gains(signals: Signals, epoch: int) -> bool:
    """Whether validation is measurably better than around that epoch: in accuracy, and in loss where that is known."""
    accuracy, loss = accuracy_since(signals, epoch), loss_since(signals, epoch)
    falls = loss is None or loss.now < loss.then
    return falls and accuracy.now - accuracy.then >= LEAST_GAIN


def validation_in_words(signals: Signals, epoch: int) -> str:
    """What went on since that epoch, as the end of a sentence: `validation loss rose from 0.98 to 1.05 (lowest …)`.

    The loss is told where it rose, else the accuracy; and where the other one became better meanwhile, that too.
    """
    accuracy, loss = accuracy_since(signals, epoch), loss_since(signals, epoch)
    if still_gains(signals, epoch):
        gained = f"validation still gained: its accuracy {_accuracy_moves(accuracy)}"
        if loss is None:
            return gained
        return f"{gained}, its loss {_moves(_loss(loss.then), _loss(loss.now), False)}"
    gains = accuracy.now - accuracy.then >= LEAST_GAIN
    if loss is not None and (gains or loss.now > loss.then):
        also = f", although accuracy {_accuracy_moves(accuracy)}" if gains else ""
        return loss_in_words(loss) + also
    text = f"validation accuracy {_accuracy_moves(accuracy)}"
    if loss is not None and _loss(loss.now) != _loss(loss.then):
        text += f", and the loss {_moves(_loss(loss.then), _loss(loss.now), False)}"
    return text


def loss_in_words(loss: Since) -> str:
    """`validation loss rose from 0.98 to 1.05 (lowest 0.92 in epoch 3)`; of one that was lowest only later, that it
    fell before it rose.
    """
    moves = _moves(_loss(loss.then), _loss(loss.now), loss.now > loss.then)
    lowest = "after a dip to its lowest," if loss.is_best_since and loss.now > loss.then else "lowest"
    return f"validation loss {moves} ({lowest} {_loss(loss.best)} in epoch {loss.best_epoch})"


def _accuracy_moves(accuracy: Since) -> str:
    then, now = percent(accuracy.then), percent(accuracy.now)
    moves = _moves(then, now, accuracy.now > accuracy.then)
    if then != now and abs(accuracy.now - accuracy.then) < LEAST_GAIN:
        moves = f"hardly moved, from {then} to {now}"
    has_risen_before = accuracy.is_best_since and accuracy.now < accuracy.then and then != now
    best = "after a rise to its best," if has_risen_before else "best"
    return f"{moves} ({best} {percent(accuracy.best)} in epoch {accuracy.best_epoch})"


def _since(course: Course, epoch: int) -> Since:
    middles = smoothed(course.measured)
    place = next((place for place, each in enumerate(course.epochs) if each >= epoch), len(middles) - 1)
    best = min(course.measured)
    best_epoch = course.epochs[course.measured.index(best)]
    return Since(middles[place], middles[-1], best, best_epoch, best_epoch > course.epochs[place])


def _moves(then: str, now: str, rises: bool) -> str:
    if then == now:
        return f"stayed at {now}"
    return f"{'rose' if rises else 'fell'} from {then} to {now}"


def _loss(value: float) -> str:
    return f"{value:.2f}"
