"""What a run leaves for others: the best and the last model, prediction, export."""

import json

import keras
import numpy as np
import pytest

from core.errors import UserError
from core.training.export import export_keras
from core.training.models import build_model
from core.training.predict import load_run_model, model_version, predict
from core.training.saved import save_run_model
from tests.core.training.conftest import CLASSES, SHAPE

PICTURES = np.random.default_rng(3).integers(0, 256, (300, *SHAPE)).astype(np.uint8)


@pytest.fixture
def model(config) -> keras.Model:
    return build_model(config, SHAPE, 3)


def test_a_saved_model_comes_back_with_its_names(model, tmp_path) -> None:
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 7)
    saved = load_run_model(tmp_path)
    assert (saved.class_names, saved.image_shape, saved.epoch) == (CLASSES, SHAPE, 7)
    np.testing.assert_allclose(predict(saved.model, PICTURES), predict(model, PICTURES), atol=1e-6)


def test_prediction_does_not_depend_on_the_portions(model) -> None:
    probabilities = predict(model, PICTURES)
    assert probabilities.shape == (300, 3) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities[290:], predict(model, PICTURES[290:]), atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_later_epoch_takes_the_former_one_s_place(model, tmp_path) -> None:
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 1)
    version = model_version(tmp_path)
    model.get_layer("softmax").bias.assign([1.0, 2.0, 3.0])
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-000002.keras", "best.json"]
    assert model_version(tmp_path) != version


def test_between_two_saves_the_former_pair_is_whole(model, tmp_path, monkeypatch) -> None:
    """Killed after the new model and before its description, the run still has the former one."""
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 1)

    def killed(*arguments) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.training.saved.write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 2)
    assert load_run_model(tmp_path).epoch == 1


def test_a_flipped_bit_is_refused_in_words(model, tmp_path) -> None:
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 1)
    path = tmp_path / "best-000001.keras"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="damaged"):
        load_run_model(tmp_path)


def test_a_run_without_an_epoch_has_no_weights_yet(tmp_path) -> None:
    with pytest.raises(UserError, match="finish its first epoch"):
        load_run_model(tmp_path)


def test_a_description_cannot_lead_out_of_the_run_s_folder(model, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    save_run_model(tmp_path / "run", "best", model, CLASSES, SHAPE, 1)
    outside = (tmp_path / "run" / "best-000001.keras").rename(tmp_path / "elsewhere.keras")
    described = json.loads((tmp_path / "run" / "best.json").read_text())
    (tmp_path / "run" / "best.json").write_text(json.dumps({**described, "file": f"../{outside.name}"}))
    with pytest.raises(UserError, match="damaged"):
        load_run_model(tmp_path / "run")


def test_an_export_answers_as_the_run_s_model_does(model, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    save_run_model(tmp_path / "run", "best", model, CLASSES, SHAPE, 4)
    path = export_keras(tmp_path / "run", tmp_path / "network")
    assert path == tmp_path / "network.keras"
    alone = keras.models.load_model(path)
    np.testing.assert_allclose(np.asarray(alone(PICTURES)), predict(model, PICTURES), atol=1e-6)


def test_an_export_to_nowhere_says_so(model, tmp_path) -> None:
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 1)
    with pytest.raises(UserError, match="cannot be written"):
        export_keras(tmp_path, tmp_path / "no such folder" / "network.keras")
