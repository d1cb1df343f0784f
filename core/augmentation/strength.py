"""The strength of a whole policy: every range times the same factor, up to its field's limit."""

from dataclasses import dataclass

from msgspec.structs import replace

from core.config import AugmentationConfig
from core.config.fields import limits_of

MOST_STRENGTH = 2.0
# RandAugment's operations are a count, and the unchanged fraction is not a strength.
_KEPT = ("randaugment_operations", "unchanged_fraction")


@dataclass(frozen=True)
class Scaled:
    """The policy at a strength, and the fields that stopped at their highest value."""

    augmentation: AugmentationConfig
    capped: tuple[str, ...]


@dataclass(frozen=True)
class Strength:
    """A whole policy made stronger or weaker: what it was at 1, by how much, and what came of it."""

    base: AugmentationConfig
    factor: float
    result: AugmentationConfig


def scaled(augmentation: AugmentationConfig, strength: float) -> Scaled:
    """Every range of `augmentation` times `strength`: 1 leaves all as it is, 0 turns all ranges off.

    Flips, the fill of the edge, the number of RandAugment's operations and the share that is left as it is stay. A
    range that would go beyond its field's limit stops there.

    Raises:
        ValueError: `strength` is not from 0 to 2.
    """
    if not 0.0 <= strength <= MOST_STRENGTH:
        raise ValueError(f"The strength must be from 0 to {MOST_STRENGTH:g}, not {strength}.")
    values, capped = {}, []
    for name, limits in limits_of(augmentation).items():
        if name in _KEPT or (name == "randaugment_magnitude" and not augmentation.randaugment_operations):
            continue
        # 0.1 · 1.1 is 0.11000000000000001, which no person would type.
        wanted = round(getattr(augmentation, name) * strength, 6)
        values[name] = min(wanted, limits.high)
        if wanted > limits.high:
            capped.append(name)
    return Scaled(replace(augmentation, **values), tuple(capped))
