"""Which of our curves a name stands for that another tool gave: `val_acc`, `train/loss_epoch`, `Accuracy/valid`."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from core.epoch import CURVE_KEYS

MEASURES = tuple(key for key in CURVE_KEYS if key not in ("epoch", "images_per_second"))

_VALIDATION = {"val", "valid", "validation", "eval", "evaluation", "dev"}
_TEST = {"test", "testing"}
_TRAINING = {"train", "training", "tr"}
_ACCURACY = {"accuracy", "acc", "acc1", "top1", "multiclassaccuracy"}
_LOSS = {"loss", "nll", "xent", "crossentropy"}
# Words that change nothing of what a number is.
_NEUTRAL = {
    "epoch", "epochs", "step", "batch", "running", "total", "mean", "avg", "average", "metric", "metrics", "score",
    "categorical", "sparse", "binary", "multiclass", "cross", "entropy", "top", "1", "per", "history",
}  # fmt: skip
_BESIDE_RATE = {
    "optimizer", "opt", "adam", "adamw", "sgd", "rmsprop", "nadam", "adagrad", "lion", "muon", "param", "params",
    "group", "epoch", "step", "batch", "last", "current", "hyper", "0", "1", "pg", "pg0", "pg1", "group0", "metrics",
}  # fmt: skip
_ERROR = {"err", "error", "errors", "errorrate"}
_BESIDE_ERROR = {"rate", "top1", "class", "classification", "misclassification"}
# “1 - accuracy”, “one minus acc”; but not “acc@1” and “top-1 accuracy”.
_INVERTED = re.compile(r"(?:^|[/_ .])(?:1|one)[\s_]*(?:-|\u2212|minus)[\s_]*(?=[a-z])")
_SECONDS = {"seconds", "epoch_seconds", "epoch_time", "epoch_duration", "time_per_epoch"}
_EPOCH, _STEP = {"epoch", "epochs"}, {"step", "steps", "iteration", "iterations", "iter", "batch", "batches"}
_BESIDE_COUNT = {"train", "trainer", "global", "current", "number", "num", "idx", "index"}
_BOOKKEEPING = {
    "runtime", "timestamp", "wall", "time", "created", "at", "date", "run", "name", "id", "log", "wandb", "relative",
    "process", "project", "space", "device", "attempt",
}  # fmt: skip

# Of several names for one curve, that with the lowest rank is taken.
_PER_EPOCH, _PER_STEP, _TESTED, _EACH_WORD = -1.0, 2.0, 5.0, 0.1


class Match(NamedTuple):
    """One of MEASURES; the lower `rank`, the more surely it is meant."""

    key: str
    rank: float


def words_of(name: str) -> list[str]:
    """`valLoss/epoch-1` → val, loss, epoch, 1."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", name)
    return [
        word for word in re.split(r"[^A-Za-z0-9]+", parted.lower() if parted.isascii() else parted) if word
    ]


def match_of(name: str) -> Match | None:
    """None for a name that stands for none of our curves, or for more than one."""
    if name in MEASURES:
        return Match(name, 0)
    if name.lower() in _SECONDS:
        return Match("seconds", 0)
    if _INVERTED.search(name.lower()):
        return None
    words = set(words_of(name))
    is_training, is_validation, is_test = words & _TRAINING, words & _VALIDATION, words & _TEST
    rest = words - _TRAINING - _VALIDATION - _TEST
    if is_clean := bool(is_training) and "clean" in rest:
        rest -= {"clean"}
    rank = _EACH_WORD * len(words)
    if "step" in rest or "batch" in rest or "running" in rest:
        rank += _PER_STEP
    elif rest & _EPOCH:
        rank += _PER_EPOCH
    if "lr" in rest or {"learning", "rate"} <= rest or "learningrate" in rest:
        beside = rest - {"lr", "learning", "rate", "learningrate"} - _BESIDE_RATE
        return None if beside or is_validation or is_test else Match("learning_rate", rank)
    if sum(map(bool, (is_training, is_validation, is_test))) > 1:
        return None
    is_accuracy, is_loss = bool(rest & _ACCURACY), bool(rest & _LOSS or {"cross", "entropy"} <= rest)
    if is_accuracy == is_loss or rest - _ACCURACY - _LOSS - _NEUTRAL:
        return None
    what = "accuracy" if is_accuracy else "loss"
    if is_test:
        return Match(f"val_{what}", rank + _TESTED)
    if is_clean:
        return Match(f"clean_train_{what}", rank)
    return Match(f"{'val' if is_validation else 'train'}_{what}", rank)


def measure_of(name: str) -> frozenset[str]:
    """Which loss or accuracy a name says that it is: `val_nll` and `loss` may be two different ones."""
    words = set(words_of(name))
    if {"cross", "entropy"} <= words or words & {"xent", "crossentropy"}:
        words = (words - {"cross", "entropy", "xent"}) | {"crossentropy"}
    found = words & {"nll", "crossentropy", "total", "binary"}
    return frozenset(found | {"loss"} if found <= {"total"} and words & _LOSS else found)


def is_error_rate(name: str) -> bool:
    """Whether it seems to be 1 minus an accuracy, or an error of another kind, which the name does not tell."""
    if _INVERTED.search(name.lower()):
        return any(word in _ACCURACY for word in words_of(name))
    words = set(words_of(name))
    rest = words - _TRAINING - _VALIDATION - _TEST - _NEUTRAL - _BESIDE_ERROR
    return ("misclassification" in words and not rest) or (bool(rest) and rest <= _ERROR)


def is_epoch(name: str) -> bool:
    """Whether it counts epochs, not how many there are in all: `num_epochs`."""
    return _is_count(name, _EPOCH) and not _is_total(name)


def best_epoch_name(names: Iterable[str]) -> str | None:
    """Of those that count epochs, the one to go by: the shortest, `epoch` before `epochs`."""
    found = [name for name in names if is_epoch(name)]
    return min(found, key=lambda name: (len(words_of(name)), "epochs" in words_of(name)), default=None)


def is_step(name: str) -> bool:
    """Whether it counts steps, not how many there are in all: `num_steps`."""
    return _is_count(name, _STEP) and not _is_total(name)


def is_bookkeeping(name: str) -> bool:
    """Whether it is a time, a name or an id: such columns are not listed as left out."""
    words = set(words_of(name))
    return not words or words <= _BOOKKEEPING | _EPOCH | _STEP | _BESIDE_COUNT


def _is_total(name: str) -> bool:
    words = set(words_of(name))
    return bool(words & {"num", "number"} and words & {"epochs", "steps", "iterations", "batches"})


def _is_count(name: str, counted: set[str]) -> bool:
    words = [word for word in words_of(name) if word not in _BESIDE_COUNT]
    return len(words) == 1 and words[0] in counted
