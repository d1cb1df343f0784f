"""Has training come to nothing? The loss is no number, or what was learned is lost."""

import math

from core.analysis.findings import Finding, Verdict
from core.analysis.signals import Curves, is_known
from core.formatting import percent

# Training accuracy this far below what it once was, twice in a row.
COLLAPSE = 0.25
# Loss in multiples of what guessing costs, and how far above guessing an accuracy may be and still be it.
EXPLODED = 1.3
GUESSING_MARGIN = 0.05


def diverged(curves: Curves, num_classes: int | None, *, ends_in_nan: bool = False) -> Finding | None:
    """Whether the loss is no number, what was learned is lost, or it never was better than guessing at a huge loss.

    `ends_in_nan`: from the epoch on that follows the last one with a known loss, it was recorded as NaN.
    """
    if not curves["epoch"]:
        return None
    if ends_in_nan and (finding := _recorded_nan(curves)):
        return finding
    epoch, losses = curves["epoch"][-1], curves["train_loss"]
    headline = f"Diverged in epoch {epoch}"
    if _is_broken(curves):
        before = [loss for loss in losses[:-1] if is_known(loss)]
        was = f"; in epoch {epoch - 1} it was {before[-1]:.2f}" if before and is_known(losses[-2]) else ""
        text = f"In epoch {epoch} the loss became NaN, so training cannot continue{was}."
        return Finding(Verdict.DIVERGED, headline, text)
    accuracies = [value for value in curves["train_accuracy"] if is_known(value)]
    if len(accuracies) > 2 and max(accuracies[-2:]) < max(accuracies) - COLLAPSE:
        text = (
            f"Training accuracy fell from {percent(max(accuracies), 0)} to {percent(accuracies[-1], 0)} and did not "
            "recover: what was learned is lost."
        )
        return Finding(Verdict.DIVERGED, f"Diverged in epoch {_fell_in(curves)}", text)
    known_losses = [loss for loss in losses if is_known(loss)]
    if num_classes and num_classes > 1 and len(accuracies) > 1 and known_losses:
        guessing = math.log(num_classes)
        if (
            max(known_losses) > EXPLODED * guessing
            and max(accuracies[-2:]) < 1 / num_classes + GUESSING_MARGIN
        ):
            text = (
                f"Training loss reached {max(known_losses):.1f} where guessing costs {guessing:.1f}, and training "
                f"accuracy is {percent(accuracies[-1], 0)}, no better than guessing."
            )
            limit = EXPLODED * guessing
            reached = next(
                number
                for number, loss in zip(curves["epoch"], losses, strict=True)
                if is_known(loss) and loss > limit
            )
            return Finding(Verdict.DIVERGED, f"Diverged in epoch {reached}", text)
    return None


def _recorded_nan(curves: Curves) -> Finding | None:
    """Of a training that another tool let continue with a loss of NaN; None where the last loss is known."""
    losses = curves["train_loss"] if any(map(is_known, curves["train_loss"])) else curves["val_loss"]
    known = [at for at, loss in enumerate(losses) if is_known(loss)]
    broken = known[-1] + 1 if known else 0
    if broken == len(losses):
        return None
    epoch, before = curves["epoch"][broken], curves["epoch"][broken - 1]
    was = f"; in epoch {before} it was {losses[broken - 1]:.2f}" if known else ""
    text = f"In epoch {epoch} the loss became NaN, so nothing can be learned from there on{was}."
    return Finding(Verdict.DIVERGED, f"Diverged in epoch {epoch}", text)


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
