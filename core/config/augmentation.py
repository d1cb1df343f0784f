"""How training pictures are varied."""

from dataclasses import dataclass

from core.config.fields import (
    check_boolean,
    check_choice,
    check_limits,
    later_switch,
    limits_of,
    number,
    whole,
)

FILL_MODES = ("nearest", "reflect", "wrap", "constant")
# They say how the others work, and change no picture by themselves.
_MODIFIERS = ("randaugment_magnitude", "unchanged_fraction")


@dataclass(frozen=True)
class AugmentationConfig:
    """Ranges from which each picture's own values are drawn; all off by default.

    Rotation, shifts, zoom and shear are uniform in ± the value; flips have probability one half. `brightness`,
    `contrast` and `saturation` are strengths from 0 to 1, `hue` a fraction of the colour circle, `noise_stddev`
    a fraction of full scale. `mixup_alpha` and `cutmix_alpha` are the Beta distribution's parameter (Zhang et
    al., arXiv 1710.09412; Yun et al., arXiv 1905.04899), `randaugment_operations` how many operations of one
    magnitude (Cubuk et al., arXiv 1909.13719). `unchanged_fraction` of the pictures stay as they are.

    `alternating_flip` says how `horizontal_flip` works: which half of the pictures is mirrored in the first epoch is
    drawn, and from then on each picture is mirrored in every other epoch (Jordan, arXiv 2404.00498, section 3.6).
    """

    rotation_degrees: float = number(0.0, 0.0, 180.0)
    width_shift_fraction: float = number(0.0, 0.0, 1.0)
    height_shift_fraction: float = number(0.0, 0.0, 1.0)
    zoom_fraction: float = number(0.0, 0.0, 0.9)
    shear_degrees: float = number(0.0, 0.0, 60.0)
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness: float = number(0.0, 0.0, 1.0)
    contrast: float = number(0.0, 0.0, 1.0)
    saturation: float = number(0.0, 0.0, 1.0)
    hue: float = number(0.0, 0.0, 0.5)
    erasing_probability: float = number(0.0, 0.0, 1.0)
    noise_stddev: float = number(0.0, 0.0, 0.5)
    mixup_alpha: float = number(0.0, 0.0, 10.0)
    cutmix_alpha: float = number(0.0, 0.0, 10.0)
    randaugment_operations: int = whole(0, 0, 4)
    randaugment_magnitude: float = number(0.3, 0.0, 1.0)
    fill_mode: str = "nearest"
    unchanged_fraction: float = number(0.0, 0.0, 1.0)
    alternating_flip: bool = later_switch()

    def __post_init__(self) -> None:
        check_limits(self, "augmentation.")
        check_boolean("augmentation.horizontal_flip", self.horizontal_flip)
        check_boolean("augmentation.vertical_flip", self.vertical_flip)
        check_boolean("augmentation.alternating_flip", self.alternating_flip)
        check_choice("augmentation.fill_mode", self.fill_mode, FILL_MODES)

    @property
    def is_active(self) -> bool:
        """Whether any picture can come out changed."""
        if self.unchanged_fraction >= 1.0:
            return False
        strengths = (getattr(self, name) for name in limits_of(self) if name not in _MODIFIERS)
        return self.horizontal_flip or self.vertical_flip or any(value > 0 for value in strengths)
