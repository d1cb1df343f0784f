"""The policy by which a picture is varied when a run answers it: how much does the answer depend on small changes?"""

from msgspec.structs import replace

from core.config import AugmentationConfig

NUM_VARIANTS = 16
# What a person would call the same picture. Mirrored where it has colours: a mirrored digit or letter is another one.
MILD = AugmentationConfig(
    rotation_degrees=10.0, width_shift_fraction=0.08, height_shift_fraction=0.08, zoom_fraction=0.08
)


def variation_policy(trained: AugmentationConfig, num_channels: int) -> tuple[AugmentationConfig, bool]:
    """How pictures are varied for a run, and whether that is as its training pictures were varied (`trained`).

    Mixing is left out, as a picture that is mixed with another one has no single answer, and every picture is varied.
    Where nothing else is left, the policy is `MILD`.
    """
    own = replace(trained, mixup_alpha=0.0, cutmix_alpha=0.0, unchanged_fraction=0.0, alternating_flip=False)
    if trained.unchanged_fraction < 1 and own.is_active:
        return own, True
    return replace(MILD, horizontal_flip=num_channels == 3), False


def policy_in_words(policy: AugmentationConfig) -> str:
    """What it changes, in a few words, for people: “rotation up to 10°, shifts up to 8 %, mirroring”."""
    shift = max(policy.width_shift_fraction, policy.height_shift_fraction)
    colors = [name for name in ("brightness", "contrast", "saturation", "hue") if getattr(policy, name) > 0]
    parts = [
        policy.rotation_degrees and f"rotation up to {policy.rotation_degrees:g}°",
        shift and f"shifts up to {100 * shift:g} %",
        policy.zoom_fraction and f"zoom up to {100 * policy.zoom_fraction:g} %",
        policy.shear_degrees and f"shear up to {policy.shear_degrees:g}°",
        policy.horizontal_flip and "mirroring",
        policy.vertical_flip and "upside down",
        ", ".join(colors),
        policy.erasing_probability and "erasing",
        policy.noise_stddev and "noise",
        policy.randaugment_operations and "RandAugment",
    ]
    return ", ".join(part for part in parts if part)
