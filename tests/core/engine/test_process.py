"""The real engine: previews are what trains, damaged models are refused."""

import numpy as np
import pytest

from core.config import AugmentationConfig
from core.errors import UserError
from core.training.augmentation import apply
from core.training.draws import draw
from tests.core.conftest import picture_file


def test_a_preview_is_what_training_would_show(engine) -> None:
    config = AugmentationConfig(rotation_degrees=20.0, horizontal_flip=True, brightness=0.2, mixup_alpha=0.4)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)
    varied, captions = engine.preview(config, pixels, seed=4)
    draws = draw(config, 12, (32, 32, 3), (4,))
    expected, _ = apply(pixels, np.zeros((12, 1), np.float32), draws)
    np.testing.assert_array_equal(varied, np.asarray(expected))
    assert captions == [draws.describe(index) for index in range(12)]


def test_pictures_are_shown_as_the_network_sees_them(engine, trained, tmp_path) -> None:
    data = picture_file(tmp_path).read_bytes()
    red, broken = engine.predict(trained.run_id, [("red.png", data), ("broken.png", data[:50])])
    assert red.ok and red.seen.shape == (32, 32, 3)
    assert (red.seen == (255, 0, 0)).all()
    assert not broken.ok and broken.seen is None and "broken.png" in broken.error
    (decoded,) = engine.decode([("red.png", data)], (28, 28, 1))
    assert decoded.seen.shape == (28, 28, 1)


def test_a_run_without_weights_is_a_sentence(engine) -> None:
    with pytest.raises(UserError, match="no weights yet"):
        engine.predict("nobody", [("x.png", b"x")])


def test_damaged_weights_are_refused(engine, trained, tmp_path) -> None:
    folder = trained.workspace.run_folder(trained.run_id)
    copy = trained.workspace.run_folder("damaged")
    copy.mkdir()
    for path in folder.glob("best*"):
        (copy / path.name).write_bytes(path.read_bytes())
    for model in copy.glob("best-*.keras"):
        data = bytearray(model.read_bytes())
        data[len(data) // 2] ^= 1
        model.write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        engine.predict("damaged", [("x.png", picture_file(tmp_path).read_bytes())])
