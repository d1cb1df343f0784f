"""How training pictures are varied."""

from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta

from core.config.fields import LaterSwitch, limits_of
from core.config.part import Check, ConfigPart
from core.config.refusals import NUMBERS

FillMode = Literal["nearest", "reflect", "wrap", "constant"]
FILL_MODES: tuple[FillMode, ...] = get_args(FillMode)
# They say how the others work, and change no picture by themselves.
_MODIFIERS = ("randaugment_magnitude", "unchanged_fraction")

_Fraction = Annotated[float, Meta(ge=0, le=1)]


class AugmentationConfig(ConfigPart, frozen=True):
    """Ranges from which each picture's own values are drawn; all off by default.

    Rotation, shifts, zoom and shear are uniform in ± the value; flips have probability one half.
    Brightness, contrast and saturation are strengths.
    """

    place: ClassVar[str] = "augmentation."

    rotation_degrees: Annotated[float, Meta(ge=0, le=180)] = 0.0
    width_shift_fraction: _Fraction = 0.0
    height_shift_fraction: _Fraction = 0.0
    zoom_fraction: Annotated[float, Meta(ge=0, le=0.9)] = 0.0
    shear_degrees: Annotated[float, Meta(ge=0, le=60)] = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness: _Fraction = 0.0
    contrast: _Fraction = 0.0
    saturation: _Fraction = 0.0
    hue: Annotated[float, Meta(ge=0, le=0.5, description="A fraction of the colour circle.")] = 0.0
    erasing_probability: _Fraction = 0.0
    noise_stddev: Annotated[float, Meta(ge=0, le=0.5, description="A fraction of full scale.")] = 0.0
    mixup_alpha: Annotated[
        float,
        Meta(ge=0, le=10, description="The Beta distribution's parameter (Zhang et al., arXiv 1710.09412)."),
    ] = 0.0
    cutmix_alpha: Annotated[
        float,
        Meta(ge=0, le=10, description="The Beta distribution's parameter (Yun et al., arXiv 1905.04899)."),
    ] = 0.0
    randaugment_operations: Annotated[
        int,
        Meta(
            ge=0, le=4, description="How many operations of one magnitude (Cubuk et al., arXiv 1909.13719)."
        ),
    ] = 0
    randaugment_magnitude: _Fraction = 0.3
    fill_mode: FillMode = "nearest"
    unchanged_fraction: Annotated[
        _Fraction, Meta(description="This fraction of the pictures stays as it is.")
    ] = 0.0
    alternating_flip: Annotated[
        LaterSwitch,
        Meta(
            description="How `horizontal_flip` works: which half of the pictures is mirrored in the first epoch is "
            "drawn, and from then on each picture is mirrored in every other epoch (Jordan, arXiv 2404.00498, "
            "section 3.6)."
        ),
    ] = False

    def check(self, fields: Check) -> None:
        fields(NUMBERS, "horizontal_flip", "vertical_flip", "alternating_flip", "fill_mode")

    @property
    def is_active(self) -> bool:
        """Whether any picture can come out changed."""
        if self.unchanged_fraction >= 1.0:
            return False
        strengths = (getattr(self, name) for name in limits_of(self) if name not in _MODIFIERS)
        return self.horizontal_flip or self.vertical_flip or any(value > 0 for value in strengths)
