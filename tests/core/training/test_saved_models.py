"""What a run leaves for others: the best and the last model, and prediction."""

from pathlib import Path

import keras
import numpy as np
import pytest

from core.errors import UserError
from core.training import saved_models
from core.training.models import build_model
from core.training.saved_models import (
    find_run_model,
    load_run_model,
    model_version,
    predict,
    read_description,
    save_run_model,
)
from tests.core.training.conftest import CLASSES, SHAPE

PICTURES = np.random.default_rng(3).integers(0, 256, (300, *SHAPE)).astype(np.uint8)


@pytest.fixture
def model(config) -> keras.Model:
    return build_model(config, SHAPE, 3)


def test_a_saved_model_comes_back_with_its_names(model, tmp_path) -> None:
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 7)
    loaded = load_run_model(tmp_path)
    assert (loaded.class_names, loaded.image_shape, loaded.epoch) == (CLASSES, SHAPE, 7)
    np.testing.assert_allclose(predict(loaded.model, PICTURES), predict(model, PICTURES), atol=1e-6)


def test_prediction_does_not_depend_on_the_portions(model) -> None:
    probabilities = predict(model, PICTURES)
    assert probabilities.shape == (300, 3) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities[290:], predict(model, PICTURES[290:]), atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_later_epoch_takes_the_former_one_s_place_and_the_former_stays_until_the_next(
    model, tmp_path
) -> None:
    versions = []
    for epoch in (1, 2, 5):
        model.get_layer("softmax").bias.assign([epoch, 2.0, 3.0])
        save_run_model(tmp_path, "best", model, CLASSES, SHAPE, epoch)
        versions.append(model_version(tmp_path))
    assert len(set(versions)) == 3
    assert files(tmp_path) == [
        "best-000002.json", "best-000002.keras", "best-000005.json", "best-000005.keras",
    ]  # fmt: skip
    assert load_run_model(tmp_path).epoch == 5


def test_best_and_last_do_not_touch_each_other(model, tmp_path) -> None:
    for which, epoch in (("best", 1), ("best", 2), ("last", 9), ("best", 3)):
        save_run_model(tmp_path, which, model, CLASSES, SHAPE, epoch)
    assert (load_run_model(tmp_path, "best").epoch, load_run_model(tmp_path, "last").epoch) == (3, 9)


def test_what_is_saved_last_counts_also_after_going_back(model, tmp_path) -> None:
    """A run whose newest checkpoint was damaged goes on from the one before."""
    for epoch in (3, 7, 6):
        save_run_model(tmp_path, "best", model, CLASSES, SHAPE, epoch)
    assert load_run_model(tmp_path).epoch == 6
    assert {name.partition(".")[0] for name in files(tmp_path)} == {"best-000003", "best-000006"}


@pytest.mark.parametrize("epoch", [2, 1])
def test_between_two_saves_the_former_pair_is_whole(model, tmp_path, monkeypatch, epoch: int) -> None:
    """Killed after the new model and before its description, the run still has a former one."""
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 0)
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 1)

    def killed(*arguments) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.training.saved_models.write_bytes", killed)
    model.get_layer("softmax").bias.assign([1.0, 2.0, 3.0])
    with pytest.raises(KeyboardInterrupt):
        save_run_model(tmp_path, "best", model, CLASSES, SHAPE, epoch)
    # Saving the same epoch again, after going back, replaces its model first.
    assert load_run_model(tmp_path).epoch == epoch - 1


def test_a_thousand_flips_are_each_refused_and_the_previous_pair_is_offered(folder) -> None:
    generator = np.random.default_rng(0)
    for name in ("best-000002.json", "best-000002.keras"):
        path = folder / name
        whole = path.read_bytes()
        for _ in range(500):
            data = bytearray(whole)
            data[generator.integers(len(data))] ^= 1 << generator.integers(8)
            path.write_bytes(data)
            found, description = find_run_model(folder)
            assert (found.name, description.epoch) == ("best-000001.keras", 1)
            assert read_description(folder).epoch == (1 if name.endswith("json") else 2)
        path.write_bytes(whole)
    assert find_run_model(folder)[1].epoch == 2


def test_the_previous_model_is_loaded_and_the_log_says_why(folder, caplog) -> None:
    (folder / "best-000002.keras").write_bytes(b"torn")
    assert load_run_model(folder).epoch == 1
    assert "best-000002.keras is not whole" in caplog.text


@pytest.mark.parametrize(
    "damage", [b"", b"torn", b"[]", b"{}", b"null", b"\xff", b'{"seal": 1}', b"[" * 100_000]
)
def test_when_no_pair_is_whole_it_is_said_in_words(folder, damage: bytes) -> None:
    for path in folder.glob("*.json"):
        path.write_bytes(damage)
    for read in (load_run_model, model_version):
        with pytest.raises(UserError, match="damaged"):
            read(folder)


def test_a_description_is_not_believed_about_another_model(folder) -> None:
    for epoch in (1, 2):
        (folder / f"best-00000{epoch}.keras").write_bytes(b"PK another model")
    with pytest.raises(UserError, match="damaged"):
        load_run_model(folder)


def test_who_listed_the_folder_before_two_saves_finds_what_is_there_now(folder, model, monkeypatch) -> None:
    hashed = saved_models.sha256_of

    def two_saves_later(path: Path) -> str:
        monkeypatch.setattr(saved_models, "sha256_of", hashed)
        for epoch in (3, 4):
            save_run_model(folder, "best", model, CLASSES, SHAPE, epoch)
        return hashed(path)

    monkeypatch.setattr(saved_models, "sha256_of", two_saves_later)
    assert load_run_model(folder).epoch == 4


def test_a_model_that_is_removed_before_it_is_loaded_gives_the_newer_one(folder, model, monkeypatch) -> None:
    load = keras.models.load_model

    def two_saves_later(path: Path, **settings: object) -> keras.Model:
        monkeypatch.setattr(keras.models, "load_model", load)
        for epoch in (3, 4):
            save_run_model(folder, "best", model, CLASSES, SHAPE, epoch)
        return load(path, **settings)

    monkeypatch.setattr(keras.models, "load_model", two_saves_later)
    assert load_run_model(folder).epoch == 4


def test_a_run_without_an_epoch_has_no_weights_yet(tmp_path) -> None:
    with pytest.raises(UserError, match="finish its first epoch"):
        load_run_model(tmp_path)
