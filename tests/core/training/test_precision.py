"""Half precision: gradients that it would flush to zero, and everything else together with it."""

import numpy as np
import pytest

from core.training.arrays import training_set
from core.training.checkpoints import load_checkpoint
from core.training.saved_models import load_run_model
from core.training.train import compiled_model, train
from tests.core.training.conftest import Recorder, measured


@pytest.fixture
def half(config):
    return config.with_values({"training.precision": "mixed_float16"})


def test_the_loss_is_scaled_in_half_precision_and_only_there(config, half, arrays) -> None:
    data = training_set(arrays)
    plain, scaled = (compiled_model(each, data, 4).optimizer for each in (config, half))
    assert not hasattr(plain, "dynamic_scale")
    assert float(scaled.dynamic_scale) == 2**15


def test_half_precision_with_averaged_weights_goes_on_as_if_uninterrupted(half, arrays, tmp_path) -> None:
    half = half.with_values({"optimizer.weight_averaging": 0.8})
    whole, first, second = Recorder(), Recorder(stop_after=1), Recorder()
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    train(half, arrays, tmp_path / "whole", whole)
    train(half, arrays, tmp_path / "cut", first)
    train(half, arrays, tmp_path / "cut", second)
    assert measured(first.rows + second.rows) == measured(whole.rows)
    model = compiled_model(half, training_set(arrays), 4)
    assert load_checkpoint(tmp_path / "whole", model).epoch == 3
    averaged = load_run_model(tmp_path / "whole", "last").model
    # What is saved is the average, what training goes on with is not.
    assert any(np.any(a != b) for a, b in zip(model.get_weights(), averaged.get_weights(), strict=True))
