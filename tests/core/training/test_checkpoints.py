"""Checkpoints: whole or not there, and the previous one when the newest is damaged."""

import hashlib
import io

import numpy as np
import pytest
from keras import ops

from core.errors import CheckpointDamaged
from core.training.checkpoints import Position, load_checkpoint, save_checkpoint
from core.training.models import build_model
from core.training.optimizers import build_optimizer


@pytest.fixture
def model(config):
    return built(config)


def built(config):
    model = build_model(config, (8, 8, 3), 3)
    model.compile(build_optimizer(config.optimizer, 4, 3), "categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    return model


def state(model) -> list[np.ndarray]:
    return [ops.convert_to_numpy(v).copy() for v in (*model.variables, *model.optimizer.variables)]


def train_a_little(model, arrays) -> None:
    model.fit(arrays.x_train, np.eye(3, dtype=np.float32)[arrays.y_train], verbose=0)


def test_everything_comes_back(model, arrays, tmp_path) -> None:
    train_a_little(model, arrays)
    saved, position = state(model), Position(epoch=4, best_epoch=2, best_val_accuracy=0.5, plateau_wait=3)
    save_checkpoint(tmp_path, model, position)
    train_a_little(model, arrays)
    assert any(np.any(a != b) for a, b in zip(saved, state(model), strict=True))
    assert load_checkpoint(tmp_path, model) == position
    for before, after in zip(saved, state(model), strict=True):
        np.testing.assert_array_equal(before, after)


def test_one_of_another_optimizer_is_called_so_and_not_damaged(config, arrays, tmp_path) -> None:
    adamw = built(config.with_values({"optimizer.name": "adamw"}))
    save_checkpoint(tmp_path, adamw, Position(epoch=2))
    with pytest.raises(CheckpointDamaged, match="another optimizer") as caught:
        load_checkpoint(tmp_path, built(config.with_values({"optimizer.name": "muon"})))
    assert "start the same design again" in caught.value.next_step


def test_one_from_before_rates_could_be_changed_still_loads(config, arrays, tmp_path) -> None:
    """It had every variable but the one that scales the schedule, whose place is the last."""
    model = built(config.with_values({"optimizer.schedule": "cosine"}))
    train_a_little(model, arrays)
    saved = state(model)
    path = save_checkpoint(tmp_path, model, Position(epoch=2))
    with np.load(io.BytesIO(path.read_bytes().partition(b"\n")[2])) as stored:
        former = {name: stored[name] for name in stored.files}
    assert former.pop(f"v{len(former) - 2}") == 1.0
    buffer = io.BytesIO()
    np.savez(buffer, **former)
    path.write_bytes(hashlib.sha256(buffer.getvalue()).hexdigest().encode() + b"\n" + buffer.getvalue())
    model.optimizer.schedule.scale.assign(7.0)
    train_a_little(model, arrays)
    assert load_checkpoint(tmp_path, model) == Position(epoch=2)
    for before, after in zip(saved, state(model), strict=True):
        np.testing.assert_array_equal(before, after)


def test_no_checkpoint_is_none(model, tmp_path) -> None:
    assert load_checkpoint(tmp_path, model) is None


def test_the_last_two_are_kept_and_nothing_beside_them(model, tmp_path) -> None:
    for epoch in range(1, 6):
        save_checkpoint(tmp_path, model, Position(epoch=epoch))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "epoch-000004.checkpoint",
        "epoch-000005.checkpoint",
    ]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_newest_one_gives_the_previous(model, tmp_path, damage: str) -> None:
    for epoch in (1, 2):
        newest = save_checkpoint(tmp_path, model, Position(epoch=epoch))
    data = bytearray(newest.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    newest.write_bytes({"flip": bytes(data), "cut": bytes(data[:-100]), "empty": b""}[damage])
    assert load_checkpoint(tmp_path, model) == Position(epoch=1)


def test_when_none_is_whole_the_error_says_what_to_do(model, tmp_path) -> None:
    save_checkpoint(tmp_path, model, Position(epoch=1)).write_bytes(b"torn")
    with pytest.raises(CheckpointDamaged) as caught:
        load_checkpoint(tmp_path, model)
    assert caught.value.next_step


def test_a_failed_write_leaves_the_old_files_alone(model, tmp_path, monkeypatch) -> None:
    save_checkpoint(tmp_path, model, Position(epoch=1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.system.files.sync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(tmp_path, model, Position(epoch=2))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
