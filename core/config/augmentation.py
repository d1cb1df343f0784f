"""How training pictures are varied."""

from dataclasses import dataclass

from core.config.checks import check_boolean, check_choice, check_integer, settle_number

FILL_MODES = ("nearest", "reflect", "wrap", "constant")


@dataclass(frozen=True)
class AugmentationConfig:
    """Ranges from which each picture's own values are drawn; all off by default.

    Rotation, shifts, zoom and shear are uniform in ± the value; flips have probability one half. `brightness`,
    `contrast` and `saturation` are strengths from 0 to 1, `hue` a fraction of the colour circle, `noise_stddev`
    a fraction of full scale. `mixup_alpha` and `cutmix_alpha` are the Beta distribution's parameter (Zhang et
    al., arXiv 1710.09412; Yun et al., arXiv 1905.04899), `randaugment_operations` how many operations of one
    magnitude (Cubuk et al., arXiv 1909.13719). `unchanged_fraction` of the pictures stay as they are.
    """

    rotation_degrees: float = 0.0
    width_shift_fraction: float = 0.0
    height_shift_fraction: float = 0.0
    zoom_fraction: float = 0.0
    shear_degrees: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    erasing_probability: float = 0.0
    noise_stddev: float = 0.0
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    randaugment_operations: int = 0
    randaugment_magnitude: float = 0.3
    fill_mode: str = "nearest"
    unchanged_fraction: float = 0.0

    def __post_init__(self) -> None:
        for name, high in _RANGES.items():
            settle_number(self, f"augmentation.{name}", 0.0, high)
        check_boolean("augmentation.horizontal_flip", self.horizontal_flip)
        check_boolean("augmentation.vertical_flip", self.vertical_flip)
        check_integer("augmentation.randaugment_operations", self.randaugment_operations, 0, 4)
        check_choice("augmentation.fill_mode", self.fill_mode, FILL_MODES)

    @property
    def is_active(self) -> bool:
        """Whether any picture can come out changed."""
        if self.unchanged_fraction >= 1.0:
            return False
        strengths = (getattr(self, name) for name in _RANGES if name not in _MODIFIERS)
        return (
            self.horizontal_flip
            or self.vertical_flip
            or self.randaugment_operations > 0
            or any(value > 0 for value in strengths)
        )


_RANGES = {
    "rotation_degrees": 180.0,
    "width_shift_fraction": 1.0,
    "height_shift_fraction": 1.0,
    "zoom_fraction": 0.9,
    "shear_degrees": 60.0,
    "brightness": 1.0,
    "contrast": 1.0,
    "saturation": 1.0,
    "hue": 0.5,
    "erasing_probability": 1.0,
    "noise_stddev": 0.5,
    "mixup_alpha": 10.0,
    "cutmix_alpha": 10.0,
    "randaugment_magnitude": 1.0,
    "unchanged_fraction": 1.0,
}
_MODIFIERS = ("randaugment_magnitude", "unchanged_fraction")
