"""How a picture is varied when a run answers it: as in training without what has no single answer, or mildly."""

from core.augmentation.variation import MILD, policy_in_words, variation_policy
from core.config import AugmentationConfig


def test_the_policy_of_training_without_mixing_varies_every_picture() -> None:
    trained = AugmentationConfig(
        rotation_degrees=20, horizontal_flip=True, alternating_flip=True, mixup_alpha=0.4, cutmix_alpha=1,
        unchanged_fraction=0.5, brightness=0.2, hue=0.1,
    )  # fmt: skip
    expected = AugmentationConfig(rotation_degrees=20, horizontal_flip=True, brightness=0.2, hue=0.1)
    assert variation_policy(trained, 3) == (expected, True)
    assert policy_in_words(expected) == "rotation up to 20°, mirroring, brightness, hue"


def test_without_any_it_is_mild_and_grey_pictures_are_not_mirrored() -> None:
    unchanged = AugmentationConfig(horizontal_flip=True, unchanged_fraction=1)
    for trained in (AugmentationConfig(), AugmentationConfig(mixup_alpha=0.4), unchanged):
        policy, is_own = variation_policy(trained, 3)
        assert (policy.horizontal_flip, is_own) == (True, False)
    policy, _ = variation_policy(AugmentationConfig(), 1)
    assert policy == MILD and not policy.horizontal_flip
    assert policy_in_words(policy) == "rotation up to 10°, shifts up to 8 %, zoom up to 8 %"
