"""One dial for a whole policy."""

import pytest
from msgspec.structs import replace

from core.augmentation.strength import scaled
from core.config import AugmentationConfig
from core.design.presets import PRESETS

POLICY = AugmentationConfig(
    rotation_degrees=20.0, width_shift_fraction=0.1, zoom_fraction=0.5, horizontal_flip=True, brightness=0.2,
    erasing_probability=0.6, mixup_alpha=0.4, fill_mode="reflect", unchanged_fraction=0.1,
)  # fmt: skip


def test_every_range_is_multiplied_and_the_rest_stays() -> None:
    expected = replace(
        POLICY, rotation_degrees=30.0, width_shift_fraction=0.15, zoom_fraction=0.75, brightness=0.3,
        erasing_probability=0.9, mixup_alpha=0.6,
    )  # fmt: skip
    assert scaled(POLICY, 1.5).augmentation == expected
    assert scaled(POLICY, 1.5).capped == ()


def test_what_would_go_beyond_its_limit_stops_there_and_is_named() -> None:
    found = scaled(POLICY, 2.0)
    assert found.capped == ("zoom_fraction", "erasing_probability")
    assert (found.augmentation.zoom_fraction, found.augmentation.erasing_probability) == (0.9, 1.0)
    assert found.augmentation.rotation_degrees == 40.0


def test_at_one_nothing_changes_and_at_nothing_only_flips_are_left() -> None:
    for preset in PRESETS.values():
        assert scaled(preset.config.augmentation, 1.0).augmentation == preset.config.augmentation
    assert scaled(POLICY, 0.0).augmentation == AugmentationConfig(
        horizontal_flip=True, fill_mode="reflect", unchanged_fraction=0.1
    )


def test_randaugment_gets_stronger_and_not_more() -> None:
    found = scaled(AugmentationConfig(randaugment_operations=2, randaugment_magnitude=0.4), 1.5).augmentation
    assert (found.randaugment_operations, found.randaugment_magnitude) == (2, 0.6)
    # Its magnitude says nothing while there are no operations.
    assert scaled(AugmentationConfig(), 2.0).augmentation == AugmentationConfig()


def test_values_are_ones_that_a_person_would_type() -> None:
    assert scaled(AugmentationConfig(contrast=0.1), 1.1).augmentation.contrast == 0.11


@pytest.mark.parametrize("strength", [-0.1, 2.1, float("nan")])
def test_a_strength_beyond_the_dial_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 2"):
        scaled(POLICY, strength)
