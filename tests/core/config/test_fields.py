"""Limits are said once: what a field tells a form is what its check holds to."""

import pytest

from core.config import ExperimentConfig
from core.config.fields import Limits
from core.design.presets import PRESETS
from core.errors import ConfigError


@pytest.mark.parametrize(
    ("path", "limits"),
    [
        ("seed", Limits(0, 2**31 - 1, whole=True)),
        ("dataset.num_train", Limits(1, 10_000_000, whole=True)),
        ("model.blocks[1].filters", Limits(1, 2048, whole=True)),
        ("model.dense[0].dropout", Limits(0.0, 0.95)),
        ("augmentation.mixup_alpha", Limits(0.0, 10.0)),
        ("optimizer.learning_rate", Limits(0.0, 1e30, above=True)),
        ("optimizer.gradient_clip_norm", Limits(0.0, 1e6, above=True)),
    ],
)
def test_a_field_tells_what_its_check_holds_to(path: str, limits: Limits) -> None:
    config = PRESETS["article"].config
    assert config.limits(path) == limits
    lowest = limits.low + (1e-9 if limits.above else 0)
    for taken in (lowest, limits.high):
        assert config.with_values({path: taken}).value(path) == taken
    refused = [limits.low - 1, limits.high * 2, *([limits.low] if limits.above else [])]
    for value in refused:
        with pytest.raises(ConfigError) as caught:
            config.with_values({path: value})
        assert caught.value.field == path


def test_nothing_is_taken_only_where_it_has_a_meaning() -> None:
    config = ExperimentConfig()
    assert config.with_values({"optimizer.gradient_clip_norm": None}) == config
    with pytest.raises(ConfigError, match=r"optimizer\.momentum"):
        config.with_values({"optimizer.momentum": None})
