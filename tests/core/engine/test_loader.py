"""Models of single epochs: one network that takes on their weights."""

import time

import numpy as np
import pytest

from core.engine.loader import Loader
from core.epoch_weights import epoch_digest, epoch_path, kept_epochs, read_epoch, write_epoch
from core.errors import UserError
from core.training.kept_weights import weights_by_name
from tests.core.conftest import Trained


@pytest.fixture
def loader(trained: Trained) -> Loader:
    return Loader(trained.workspace)


def test_an_epoch_is_asked_for_by_its_number(trained, loader) -> None:
    folder = trained.workspace.run_folder(trained.run_id)
    assert kept_epochs(folder) == (1, 2, 3)
    best = loader.model(trained.run_id)
    before = best.model.get_weights()
    for epoch in (2, 1, 3, 2):
        loaded = loader.model(trained.run_id, str(epoch))
        assert (loaded.epoch, loaded.sha256) == (epoch, epoch_digest(folder, epoch))
        assert (loaded.class_names, loaded.image_shape) == (best.class_names, best.image_shape)
        _, expected = read_epoch(folder, epoch)
        for name, array in weights_by_name(loaded.model).items():
            assert np.array_equal(array, expected[name])
    # The best model is no part of that.
    for now, then in zip(loader.model(trained.run_id).model.get_weights(), before, strict=True):
        assert np.array_equal(now, then)


def test_another_epoch_is_there_at_once(trained, loader) -> None:
    loader.model(trained.run_id, "1")
    seconds = []
    for epoch in ("2", "3", "1", "2", "3"):
        began = time.perf_counter()
        loader.model(trained.run_id, epoch)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.1


def test_what_was_kept_anew_is_read_again(trained, loader, tmp_path) -> None:
    folder = trained.workspace.run_folder(trained.run_id)
    path = epoch_path(folder, 1)
    whole, (_, weights) = path.read_bytes(), read_epoch(folder, 1)
    assert loader.model(trained.run_id, "1").sha256 == epoch_digest(folder, 1)
    try:
        write_epoch(folder, 1, {name: array * 2 for name, array in weights.items()})
        loaded = loader.model(trained.run_id, "1")
        assert np.array_equal(loaded.model.get_weights()[0], 2 * next(iter(weights.values())))
        path.write_bytes(whole[:100])
        with pytest.raises(UserError, match="damaged"):
            loader.model(trained.run_id, "1")
    finally:
        path.write_bytes(whole)
    assert loader.model(trained.run_id, "1").sha256 == epoch_digest(folder, 1)


def test_there_is_none_that_was_not_kept(trained, loader) -> None:
    with pytest.raises(UserError, match="epoch 77 of this run were not kept"):
        loader.model(trained.run_id, "77")
