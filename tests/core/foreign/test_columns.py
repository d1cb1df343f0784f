"""Names that other tools give to what we call loss and accuracy."""

import pytest

from core.foreign.columns import is_bookkeeping, is_epoch, is_step, match_of

NAMES = {
    "train_loss": [
        "loss",
        "train_loss",
        "train/loss",
        "Loss/train",
        "epoch_loss",
        "trainLoss",
        "train_loss_epoch",
        "batch_loss",
        "training loss",
        "train/cross_entropy",
        "Train - Loss",
    ],
    "train_accuracy": [
        "accuracy",
        "acc",
        "train_acc",
        "train/accuracy",
        "Accuracy/train",
        "sparse_categorical_accuracy",
        "training_accuracy",
        "train_acc1",
        "trainAcc",
    ],
    "val_loss": [
        "val_loss",
        "valid_loss",
        "validation/loss",
        "eval_loss",
        "eval/loss",
        "Loss/val",
        "dev_loss",
        "test_loss",
        "validation/epoch_loss",
        "valLoss",
    ],
    "val_accuracy": [
        "val_accuracy",
        "val_acc",
        "validation/accuracy",
        "eval_accuracy",
        "Val Accuracy",
        "Accuracy/valid",
        "validation/epoch_accuracy",
        "test_acc",
        "val_top1",
        "val/acc@1",
        "val_categorical_accuracy",
    ],
    "learning_rate": [
        "lr",
        "learning_rate",
        "train/learning_rate",
        "lr-Adam",
        "lr-SGD/pg1",
        "epoch_learning_rate",
        "optimizer/lr",
    ],
    "seconds": ["epoch_time", "seconds"],
    "clean_train_accuracy": ["clean_train_accuracy", "clean_train/epoch_accuracy"],
}


@pytest.mark.parametrize(("key", "name"), [(key, name) for key, names in NAMES.items() for name in names])
def test_a_name_is_known(key: str, name: str) -> None:
    match = match_of(name)
    assert match is not None and match.key == key


@pytest.mark.parametrize(
    "name",
    [
        "",
        "box_loss",
        "generator_loss",
        "val_top5",
        "top_5_accuracy",
        "train_val_loss",
        "precision",
        "f1",
        "epoch",
        "step",
        "loss_accuracy",
        "grad_norm",
        "gpu.0.memory",
        "val_lr",
        "evaluation_loss_vs_iterations",
        "Größe",
    ],
)
def test_a_name_that_is_none_of_ours_or_two_is_left(name: str) -> None:
    assert match_of(name) is None


def test_epoch_averages_come_before_steps_and_validation_before_test() -> None:
    def ranks(*names: str) -> list[float]:
        return [match_of(name).rank for name in names]

    for better, worse in (
        ("train_loss_epoch", "train_loss"),
        ("train_loss", "train_loss_step"),
        ("epoch_loss", "batch_loss"),
        ("val_acc", "test_acc"),
    ):
        one, other = ranks(better, worse)
        assert one < other, (better, worse)


def test_counts_and_bookkeeping() -> None:
    assert all(map(is_epoch, ["epoch", "Epoch", "train/epoch", "trainer/epoch", "current_epoch"]))
    assert all(map(is_step, ["step", "_step", "Step", "global_step", "trainer/global_step", "iteration"]))
    assert not any(map(is_epoch, ["epoch_loss", "step"])) and not any(
        map(is_step, ["epoch", "steps_per_second"])
    )
    assert all(map(is_bookkeeping, ["_runtime", "_timestamp", "timestamp", "Wall time", "run_name", "id"]))
    assert not is_bookkeeping("val_f1")
