"""The weights of every epoch of a training: those that were measured, also after an interruption or on a full disk."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from core.epoch_weights import (
    delete_epochs,
    epoch_digest,
    epoch_path,
    kept_epochs,
    read_epoch,
    write_epoch,
)
from core.errors import UserError
from core.training import kept_weights
from core.training.kept_weights import put_weights, weights_by_name
from core.training.models import build_model, with_test_time_flip
from core.training.saved_models import load_run_model
from core.training.train import train
from tests.core.training.conftest import SHAPE, Recorder, noise_pictures, tiny_config

EPOCHS = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training whose measured weights are others than those that train, and whose answers are means of two."""
    config = tiny_config().with_values(
        {
            "training.epochs": EPOCHS, "optimizer.weight_averaging": 0.9, "training.test_time_flip": True,
            "model.whitening": True,
        }
    )  # fmt: skip
    folder, recorder = tmp_path_factory.mktemp("whole"), Recorder()
    train(config, noise_pictures(60), folder, recorder)
    return SimpleNamespace(config=config, folder=folder, rows=recorder.rows)


def test_each_epoch_answers_as_it_was_measured(whole, arrays) -> None:
    assert kept_epochs(whole.folder) == tuple(range(1, EPOCHS + 1))
    model = keras.models.clone_model(load_run_model(whole.folder).model)
    for row in whole.rows:
        _, weights = read_epoch(whole.folder, row.epoch)
        put_weights(model, weights)
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        found = model.evaluate(arrays.x_validation, arrays.y_validation, verbose=0, return_dict=True)
        assert found["loss"] == pytest.approx(row.val_loss, abs=2e-3)
        assert abs(found["accuracy"] - row.val_accuracy) * len(arrays.y_validation) < 1.5


def test_the_last_ones_are_those_of_the_saved_model(whole) -> None:
    saved = weights_by_name(load_run_model(whole.folder, "last").model)
    _, kept = read_epoch(whole.folder, EPOCHS)
    assert list(kept) == list(saved)
    for name, array in saved.items():
        tolerance = 0 if array.ndim < 2 else 2**-11
        np.testing.assert_allclose(kept[name], array, rtol=tolerance, atol=2**-25 if tolerance else 0)


def test_epochs_that_are_trained_again_are_replaced(whole, arrays, tmp_path) -> None:
    train(whole.config, arrays, tmp_path, Recorder(stop_after=2))
    assert kept_epochs(tmp_path) == (1, 2)
    # Killed between an epoch and its checkpoint, it has left more than it goes on from.
    for later in (3, 9):
        write_epoch(tmp_path, later, {"conv_1/kernel": np.zeros((1, 1), np.float16)})
    train(whole.config, arrays, tmp_path, Recorder())
    assert kept_epochs(tmp_path) == tuple(range(1, EPOCHS + 1))
    for epoch in range(1, EPOCHS + 1):
        assert epoch_digest(tmp_path, epoch) == epoch_digest(whole.folder, epoch)


def test_a_long_run_keeps_fewer_of_its_epochs_and_says_so(whole, arrays, tmp_path, monkeypatch) -> None:
    size = epoch_path(whole.folder, 1).stat().st_size
    monkeypatch.setattr(kept_weights, "MOST_BYTES", 6 * size)
    recorder = Recorder()
    train(whole.config.with_values({"training.epochs": 8}), arrays, tmp_path, recorder)
    best = max(recorder.rows, key=lambda row: (row.val_accuracy, -row.epoch)).epoch
    assert set(kept_epochs(tmp_path)) == {1, 4, 8, best}
    told = [line for line in recorder.lines if "for looking back" in line]
    assert [line.split(" epoch are kept")[0] for line in told] == [
        "The weights of every 2nd",
        "The weights of every 4th",
    ]


def test_epochs_deleted_while_it_trains_cost_those_alone(whole, arrays, tmp_path) -> None:
    class Deleting(Recorder):
        def report_epoch(self, row) -> None:
            super().report_epoch(row)
            if row.epoch == 3:
                delete_epochs(tmp_path)

    train(whole.config, arrays, tmp_path, Deleting())
    assert kept_epochs(tmp_path) == (3, 4)


def test_none_are_kept_where_that_is_off(config, arrays, recorder, tmp_path) -> None:
    off = config.with_values({"training.keep_epoch_weights": False, "training.epochs": 1})
    train(off, arrays, tmp_path, recorder)
    assert not (tmp_path / "epochs").exists()


@pytest.mark.parametrize("fault", ["refused", "nearly full"])
def test_a_full_disk_costs_these_weights_alone(
    config, arrays, recorder, tmp_path, monkeypatch, fault: str
) -> None:
    if fault == "refused":

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(kept_weights, "write_epoch", refuse)
    else:
        monkeypatch.setattr(kept_weights.shutil, "disk_usage", lambda _: SimpleNamespace(free=900_000_000))
    outcome = train(config.with_values({"training.epochs": 2}), arrays, tmp_path, recorder)
    assert (outcome.reason, outcome.epoch) == ("finished", 2)
    assert kept_epochs(tmp_path) == ()
    told = [line for line in recorder.lines if "were not kept" in line]
    why = "No space left on device" if fault == "refused" else "less than 1 GB of the disk is free"
    assert told == [f"The weights of epoch 1 were not kept for looking back: {why}. Training continues."]


def test_weights_of_another_network_are_refused(config) -> None:
    model = build_model(config, SHAPE, 3)
    weights = weights_by_name(model)
    put_weights(with_test_time_flip(model, test_time_flip=True), weights)
    for other in (dict(list(weights.items())[1:]), weights | {"conv_1/bias": np.zeros(5, np.float32)}):
        with pytest.raises(UserError, match="those of another network"):
            put_weights(model, other)
