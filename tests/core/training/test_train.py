"""Whole trainings on tiny data: what is measured, how they end, and going on after an interruption."""

import math
import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import keras
import numpy as np
import pytest

from core.config import ExperimentConfig
from core.epoch import Outcome
from core.errors import Diverged, TrainingError
from core.training import run_callback
from core.training import train as train_module
from core.training.arrays import training_set
from core.training.checkpoints import load_checkpoint
from core.training.evaluation import Evaluator
from core.training.saved_models import load_run_model
from core.training.train import compiled_model, train
from tests.core.training.conftest import Recorder, measured, noise_pictures, tiny_config


def test_every_epoch_is_measured_as_keras_measures(config, arrays, recorder, tmp_path) -> None:
    # Plain cross-entropy, whatever the loss that is optimised.
    config = config.with_values({"optimizer.label_smoothing": 0.4})
    outcome = train(config, arrays, tmp_path, recorder)
    assert (outcome.reason, outcome.epoch) == ("finished", 3)
    assert [row.epoch for row in recorder.rows] == [1, 2, 3]
    assert recorder.began == [(3, 4, 0)]
    last = load_run_model(tmp_path, "last").model
    last.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    row = recorder.rows[-1]
    for part, loss, accuracy in (
        ("clean", row.clean_train_loss, row.clean_train_accuracy),
        ("validation", row.val_loss, row.val_accuracy),
    ):
        measured_again = last.evaluate(
            getattr(arrays, f"x_{part}"), getattr(arrays, f"y_{part}"), verbose=0, return_dict=True
        )
        assert loss == pytest.approx(measured_again["loss"], rel=1e-5)
        assert accuracy == pytest.approx(measured_again["accuracy"])
    assert row.learning_rate == pytest.approx(0.001)
    assert row.seconds > 0 and row.images_per_second > 0


def test_the_best_model_is_the_first_with_the_highest_validation_accuracy(
    config, arrays, recorder, tmp_path
) -> None:
    longer = config.with_values({"training.epochs": 6, "optimizer.learning_rate": 0.01})
    outcome = train(longer, arrays, tmp_path, recorder)
    accuracies = [row.val_accuracy for row in recorder.rows]
    best = accuracies.index(max(accuracies))
    assert outcome.best_epoch == best + 1
    saved = load_run_model(tmp_path, "best")
    assert saved.epoch == best + 1
    answers = np.asarray(saved.model(arrays.x_validation)).argmax(axis=1)
    assert (answers == arrays.y_validation).mean() == pytest.approx(accuracies[best])
    assert saved.class_names == arrays.class_names


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> tuple[ExperimentConfig, list[tuple[Any, ...]], list[np.ndarray]]:
    """A config, and the rows and weights of a run of it that nothing came between."""
    config = tiny_config().with_values(
        {"training.epochs": 4, "optimizer.schedule": "one_cycle", "augmentation.mixup_alpha": 0.3}
    )
    folder, recorder = tmp_path_factory.mktemp("whole"), Recorder()
    train(config, noise_pictures(60), folder, recorder)
    return config, measured(recorder.rows), load_run_model(folder, "last").model.get_weights()


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_going_on_after_an_interruption_gives_the_same_weights_bit_for_bit(
    uninterrupted, arrays, tmp_path, cut: int
) -> None:
    config, rows, weights = uninterrupted
    keras.backend.clear_session()
    first, second = Recorder(stop_after=cut), Recorder()
    assert train(config, arrays, tmp_path, first).reason == "stopped"
    assert train(config, arrays, tmp_path, second).reason == "finished"
    assert second.began == [(4, 4, cut)]
    assert measured(first.rows + second.rows) == rows
    last = load_run_model(tmp_path, "last")
    assert last.epoch == 4
    for a, b in zip(weights, last.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_killed_between_row_and_checkpoint_no_epoch_is_missing(uninterrupted, arrays, tmp_path) -> None:
    config, rows, _ = uninterrupted

    class Killed(Recorder):
        def report_epoch(self, row: Any) -> None:
            super().report_epoch(row)
            if row.epoch == 2:
                raise KeyboardInterrupt

    first, second = Killed(), Recorder()
    with pytest.raises(KeyboardInterrupt):
        train(config, arrays, tmp_path, first)
    train(config, arrays, tmp_path, second)
    assert second.began == [(4, 4, 1)]
    # The second epoch is told twice, in the same words: the store keeps the later.
    assert measured(first.rows) == rows[:2]
    assert measured(second.rows) == rows[1:]


def test_the_same_config_gives_the_same_curve(config, arrays, tmp_path) -> None:
    recorders = [Recorder(), Recorder()]
    for index, recorder in enumerate(recorders):
        (tmp_path / str(index)).mkdir()
        train(config, arrays, tmp_path / str(index), recorder)
    assert measured(recorders[0].rows) == measured(recorders[1].rows)


def test_a_stop_in_mid_epoch_keeps_what_there_is(config, arrays, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(run_callback, "REPORT_SECONDS", 0.0)

    class StopsInTheSecondEpoch(Recorder):
        @property
        def stop_requested(self) -> bool:
            return len(self.rows) == 1 and any(line.startswith("batch (2, 2") for line in self.lines)

    recorder = StopsInTheSecondEpoch()
    assert train(config, arrays, tmp_path, recorder) == Outcome("stopped", 1, 1)
    last = load_run_model(tmp_path, "last")
    assert last.epoch == 1
    # The half epoch is forgotten: the model is the one that was measured after the first epoch.
    answers = np.asarray(last.model(arrays.x_clean)).argmax(axis=1)
    assert (answers == arrays.y_clean).mean() == pytest.approx(recorder.rows[0].clean_train_accuracy)
    (tmp_path / "one").mkdir()
    train(config.with_values({"training.epochs": 1}), arrays, tmp_path / "one", Recorder())
    expected = load_run_model(tmp_path / "one", "last").model.get_weights()
    for a, b in zip(expected, last.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    again = Recorder()
    assert train(config, arrays, tmp_path, again).epoch == 3
    assert [row.epoch for row in again.rows] == [2, 3]


def test_before_it_is_measured_an_epoch_says_that_its_steps_are_done(
    config, arrays, tmp_path, monkeypatch
) -> None:
    recorder = Recorder()
    measure = run_callback.Evaluator.measure

    def measured_after(self, *arguments):
        recorder.lines.append("measures")
        return measure(self, *arguments)

    monkeypatch.setattr(run_callback.Evaluator, "measure", measured_after)
    monkeypatch.setattr(run_callback, "REPORT_SECONDS", 0.0)
    train(config.with_values({"training.epochs": 1}), arrays, tmp_path, recorder)
    (_, steps, _) = recorder.began[0]
    first = recorder.lines.index("measures")
    assert recorder.lines[first - 1] == f"batch {(1, steps, steps)}"
    assert (
        recorder.lines.count(recorder.lines[first - 1]) == 2
    )  # at the batch itself, and at the end of the epoch


def test_a_stop_in_mid_evaluation_ends_it_and_the_epoch_is_not_kept(
    config, arrays, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("core.training.evaluation.MOST_AT_ONCE", 8)  # 40 clean pictures: five portions

    class StopsInTheSecondEvaluation(Recorder):
        asked = 0

        @property
        def stop_requested(self) -> bool:
            # So quick an epoch is not interrupted between batches: the evaluation asks, and the end of an epoch.
            self.asked += len(self.rows) == 1
            return self.asked > 3

    recorder = StopsInTheSecondEvaluation()
    assert train(config, arrays, tmp_path, recorder) == Outcome("stopped", 1, 1)
    assert recorder.asked == 4, "what was left of the evaluation should have been spared"
    assert [row.epoch for row in recorder.rows] == [1]
    assert load_run_model(tmp_path, "last").epoch == 1
    again, whole = Recorder(), Recorder()
    train(config, arrays, tmp_path, again)
    (tmp_path / "whole").mkdir()
    train(config, arrays, tmp_path / "whole", whole)
    assert measured(recorder.rows + again.rows) == measured(whole.rows)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_best(config, arrays, recorder, tmp_path) -> None:
    train(config.with_values({"training.epochs": 1}), arrays, tmp_path, Recorder())
    best = load_run_model(tmp_path, "best").model.get_weights()
    hopeless = config.with_values(
        {
            "optimizer.name": "sgd", "optimizer.learning_rate": 1e30,
            "optimizer.schedule": "step", "optimizer.step_epochs": 1,
        }
    )  # fmt: skip
    for path in tmp_path.glob("*.checkpoint"):
        path.unlink()
    with pytest.raises(Diverged, match="became NaN") as caught:
        train(hopeless, arrays, tmp_path, recorder)
    assert "lower learning rate than 1e+30" in caught.value.next_step
    (row,) = recorder.rows
    assert (row.epoch, row.train_loss, row.val_loss, row.val_accuracy) == (1, None, None, None)
    assert not list(tmp_path.glob("*.checkpoint")), "nobody should go on from such weights"
    for a, b in zip(best, load_run_model(tmp_path, "best").model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_early_stopping_ends_after_its_patience(config, arrays, recorder, tmp_path) -> None:
    # Steps too small to change anything: validation loss stands still but for rounding.
    config = config.with_values(
        {
            "training.epochs": 50, "training.early_stopping_patience": 2, "optimizer.learning_rate": 1e-12,
            "model.batch_norm_momentum": 0.0, "model.blocks[0].batch_norm": False,
        }
    )  # fmt: skip
    outcome = train(config, arrays, tmp_path, recorder)
    assert outcome.reason == "finished"
    losses = [row.val_loss for row in recorder.rows]
    waited = len(losses) - 1 - max(i for i in range(len(losses)) if losses[i] < min([*losses[:i], math.inf]))
    assert waited == 2
    assert outcome.epoch < 50
    again = Recorder()
    train(config, arrays, tmp_path, again)
    assert again.rows == []


class Waits(Recorder):
    """Is paused at every place where it may be, for an hour by the clock of the training."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__()
        self.clock = clock
        self.waits: list[bool] = []

    def wait_while_paused(self, *, epoch_ended: bool = False) -> None:
        self.waits.append(epoch_ended)
        self.clock[0] += 3600


def test_a_pause_changes_no_weight_and_counts_nowhere(uninterrupted, arrays, tmp_path, monkeypatch) -> None:
    config, rows, weights = uninterrupted
    keras.backend.clear_session()
    clock, real = [0.0], time.perf_counter
    monkeypatch.setattr(run_callback, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(run_callback, "time", SimpleNamespace(perf_counter=lambda: real() + clock[0]))
    recorder = Waits(clock)
    train(config, arrays, tmp_path, recorder)
    # Before the first epoch, after each of four batches, and after each epoch but the last.
    assert recorder.waits == [False, *([*[False] * 4, True] * 4)[:-1]]
    assert measured(recorder.rows) == rows
    for a, b in zip(weights, load_run_model(tmp_path, "last").model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for row in recorder.rows:
        assert row.seconds < 600 and row.images_per_second > 0.1


def test_a_stop_during_a_pause_leaves_whole_epochs(config, arrays, tmp_path) -> None:
    class StopsWhilePaused(Recorder):
        paused_after = 0
        stop_requested = False

        def wait_while_paused(self, *, epoch_ended: bool = False) -> None:
            self.stop_requested = len(self.rows) == self.paused_after

    before = StopsWhilePaused()
    assert train(config, arrays, tmp_path, before) == Outcome("stopped", 0, None)
    assert before.rows == [] and not list(tmp_path.iterdir())
    after, again = StopsWhilePaused(), Recorder()
    after.paused_after = 2
    assert train(config, arrays, tmp_path, after).epoch == 2
    train(config, arrays, tmp_path, again)
    assert [row.epoch for row in after.rows + again.rows] == [1, 2, 3]


def test_added_epochs_are_those_of_a_longer_run(config, arrays, tmp_path) -> None:
    # Keras puts averaged weights in the place of the others when its fit ends: it must not end in between.
    config = config.with_values({"training.epochs": 2, "optimizer.weight_averaging": 0.5})
    added, longer = Recorder(added={1: 2}), Recorder()
    for name in ("added", "longer"):
        (tmp_path / name).mkdir()
    train(config.with_values({"training.epochs": 4}), arrays, tmp_path / "longer", longer)
    assert train(config, arrays, tmp_path / "added", added) == Outcome("finished", 4, ANY)
    assert measured(added.rows) == measured(longer.rows)


def test_another_rate_is_in_the_curve_and_a_resumed_run_has_it_too(tmp_path) -> None:
    config = tiny_config().with_values(
        {"optimizer.learning_rate": 0.008, "optimizer.schedule": "cosine", "training.epochs": 4}
    )
    whole = Recorder(rates={2: 0.002})
    (tmp_path / "whole").mkdir()
    train(config, noise_pictures(32), tmp_path / "whole", whole)
    # Two steps an epoch; 0.002 at the first of the third one, step 4. Each epoch has the rate of its last step.
    cosine = {step: 1 + math.cos(math.pi * step / 8) for step in range(8)}
    expected = [0.004 * cosine[1], 0.004 * cosine[3], *(0.002 * cosine[step] / cosine[4] for step in (5, 7))]
    assert [row.learning_rate for row in whole.rows] == pytest.approx(expected, rel=1e-5)
    # Cut where it takes effect, and after it.
    (tmp_path / "cut").mkdir()
    parts = [Recorder(stop_after=2), Recorder(stop_after=1, rates={2: 0.002}), Recorder()]
    for part in parts:
        train(config, noise_pictures(32), tmp_path / "cut", part)
    assert [len(part.rows) for part in parts] == [2, 1, 1]
    assert measured([row for part in parts for row in part.rows]) == measured(whole.rows)


def test_averaged_weights_are_what_is_measured_and_saved(config, arrays, recorder, tmp_path) -> None:
    config = config.with_values({"optimizer.weight_averaging": 0.5, "training.epochs": 2})
    train(config, arrays, tmp_path, recorder)
    last = load_run_model(tmp_path, "last").model
    last.compile(loss="sparse_categorical_crossentropy")
    loss = last.evaluate(arrays.x_validation, arrays.y_validation, verbose=0)
    assert recorder.rows[-1].val_loss == pytest.approx(loss, rel=1e-5)
    # What training goes on with are its own weights, which answer otherwise.
    model = compiled_model(config, training_set(arrays), 4)
    load_checkpoint(tmp_path, model)
    assert Evaluator(model, lambda: False).measure(
        arrays.x_validation, arrays.y_validation
    ).loss != pytest.approx(loss, rel=1e-2)


def test_running_out_of_memory_says_what_to_try(config, arrays, recorder, tmp_path, monkeypatch) -> None:
    def exhausted(*arguments, **settings):
        raise MemoryError

    monkeypatch.setattr(train_module, "build_model", exhausted)
    with pytest.raises(TrainingError, match="out of memory") as caught:
        train(config, arrays, tmp_path, recorder)
    assert "smaller batch" in caught.value.next_step


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({"optimizer.name": "muon", "optimizer.label_smoothing": 0.1, "optimizer.schedule": "cosine"}, 4),
        (
            {
                "optimizer.name": "lion",
                "training.precision": "mixed_bfloat16",
                "optimizer.gradient_clip_norm": 1.0,
            },
            4,
        ),
        ({"training.steps_per_epoch_multiple": 2.5, "optimizer.name": "sgd", "optimizer.nesterov": True}, 10),
        (
            {
                "augmentation.randaugment_operations": 2,
                "augmentation.cutmix_alpha": 1.0,
                "optimizer.name": "adamw",
            },
            4,
        ),
    ],
)
def test_settings_train_together(config, arrays, recorder, tmp_path, values, steps: int) -> None:
    config = config.with_values({"optimizer.learning_rate": 0.01, **values})
    train(config, arrays, tmp_path, recorder)
    assert recorder.began == [(3, steps, 0)]
    # Three classes: guessing has a loss of log 3.
    assert recorder.rows[-1].clean_train_loss < min(math.log(3), recorder.rows[0].clean_train_loss)
