"""From what a study asks to the runs that answer it: pure, and the same each time, so that a lost run is known."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from core.config import AugmentationConfig, ExperimentConfig
from core.errors import ConfigError
from core.store.records import MAX_NAME_CHARACTERS, RunRequest
from core.store.studies import NewRun
from core.studies.spec import ABLATION, MAX_RUNS, ONLY, SEEDS, VOLUME, WITHOUT, StudySpec

FIRST, SECOND = "first", "second"
FULL, NONE = "full", "none"

# What can be switched off by itself, with its fields. The two shifts are one thing to the person who sets them.
KNOBS: dict[str, tuple[str, ...]] = {
    "rotation": ("rotation_degrees",),
    "shift": ("width_shift_fraction", "height_shift_fraction"),
    "zoom": ("zoom_fraction",),
    "shear": ("shear_degrees",),
    "horizontal flip": ("horizontal_flip",),
    "vertical flip": ("vertical_flip",),
    "brightness": ("brightness",),
    "contrast": ("contrast",),
    "saturation": ("saturation",),
    "hue": ("hue",),
    "erasing": ("erasing_probability",),
    "pixel noise": ("noise_stddev",),
    "mixup": ("mixup_alpha",),
    "CutMix": ("cutmix_alpha",),
    "RandAugment": ("randaugment_operations",),
}


@dataclass(frozen=True)
class RunRole:
    """What a run is in its study: the conditions that it stands for, and its seed.

    Two conditions can be one config: of two knobs, without the one is the other alone.
    """

    conditions: tuple[str, ...]
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"arms": list(self.conditions), "seed": self.seed}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunRole":
        """What `to_dict` gave."""
        return cls(tuple(values["arms"]), int(values["seed"]))


@dataclass(frozen=True)
class Condition:
    """A condition: its key, what it is called, its config (with the base's own seed), and its base's number."""

    key: str
    name: str
    config: ExperimentConfig
    base: int = 0


@dataclass(frozen=True)
class PlannedRun:
    """A run to train, or to find."""

    role: RunRole
    config: ExperimentConfig
    name: str
    preset: str | None
    parent_id: str | None

    def to_new_run(self) -> NewRun:
        """For the store."""
        request = RunRequest(self.config, self.name, self.preset, parent_id=self.parent_id)
        return NewRun(self.role.to_dict(), request)


@lru_cache(maxsize=64)
def plan(spec: StudySpec) -> tuple[PlannedRun, ...]:
    """Every run of a study, each config once. All conditions of a seed come before the next seed, so that the first
    comparison is there as soon as can be.

    Raises ConfigError where there is nothing to study, or too much.
    """
    conditions = conditions_of(spec)
    num_runs = len({condition.config for condition in conditions}) * len(spec.seeds)
    if num_runs > MAX_RUNS:
        raise ConfigError("num_seeds", f"A study has at most {MAX_RUNS} runs; this would be {num_runs:,}.")
    planned: dict[ExperimentConfig, PlannedRun] = {}
    for seed in spec.seeds:
        for condition in conditions:
            training = replace(condition.config.training, keep_epoch_weights=False)  # there are many of them
            config = replace(condition.config, seed=seed, training=training)
            if config in planned:
                known = planned[config]
                role = dataclasses.replace(known.role, conditions=(*known.role.conditions, condition.key))
                planned[config] = dataclasses.replace(known, role=role)
                continue
            base = spec.bases[condition.base]
            name = _run_name(base.name, "" if spec.kind == SEEDS else condition.name, seed)
            planned[config] = PlannedRun(
                RunRole((condition.key,), seed), config, name, base.preset, base.run_id
            )
    return tuple(planned.values())


def conditions_of(spec: StudySpec) -> tuple[Condition, ...]:
    """The conditions of a study, in the order in which they are shown. Raises ConfigError."""
    if spec.kind == SEEDS:
        return _seed_conditions(spec)
    config = spec.bases[0].config
    if spec.kind == ABLATION:
        return _ablation_conditions(config, spec.modes)
    if spec.kind == VOLUME:
        return tuple(
            # All pictures are said by no number, as in a config that never set one: such a run can be reused.
            Condition(
                size_key(size),
                f"{size:,} pictures",
                _with_size(config, None if size == spec.num_available else size),
            )
            for size in spec.sizes
        )
    return tuple(
        Condition(
            fraction_key(fraction),
            f"{100 * fraction:g} % wrong labels",
            replace(config, dataset=replace(config.dataset, label_noise=fraction)),
        )
        for fraction in spec.fractions
    )


def size_key(size: int) -> str:
    """The key of the condition with that many pictures."""
    return f"size:{size}"


def fraction_key(fraction: float) -> str:
    """The key of the condition with this fraction of wrong labels."""
    return f"noise:{fraction!r}"


def knob_key(mode: str, knob: str) -> str:
    """The key of the condition without a knob, or with it alone."""
    return f"{mode}:{knob}"


def active_knobs(policy: AugmentationConfig) -> tuple[str, ...]:
    """The knobs that are switched on. None where no picture can come out changed."""
    if not policy.is_active:
        return ()
    off = AugmentationConfig()
    return tuple(
        knob
        for knob, fields in KNOBS.items()
        if any(getattr(policy, name) != getattr(off, name) for name in fields)
    )


def without_knobs(policy: AugmentationConfig, knobs: tuple[str, ...]) -> AugmentationConfig:
    """The policy with some knobs off. With nothing left it is the one that does nothing, whatever the modifiers."""
    off = AugmentationConfig()
    changed = replace(policy, **{name: getattr(off, name) for knob in knobs for name in KNOBS[knob]})
    return changed if changed.is_active else off


def _seed_conditions(spec: StudySpec) -> tuple[Condition, ...]:
    if len(spec.bases) > 2:
        raise ConfigError("", f"Two configs can be compared, not {len(spec.bases)}.")
    conditions = tuple(
        Condition(key, base.name, replace(base.config, seed=0), number)
        for number, (key, base) in enumerate(zip((FIRST, SECOND), spec.bases, strict=False))
    )
    datasets = {base.config.dataset.id for base in spec.bases}
    if len(datasets) > 1:
        raise ConfigError(
            "dataset.id",
            f"must be the same for both: accuracies on {' and '.join(sorted(datasets))} cannot be compared.",
        )
    if len(conditions) == 2 and conditions[0].config == conditions[1].config:
        raise ConfigError(
            "",
            "These two differ only in the seed, so there is nothing to compare. Choose one of them.",
        )
    return conditions


def _ablation_conditions(config: ExperimentConfig, modes: tuple[str, ...]) -> tuple[Condition, ...]:
    policy = config.augmentation
    knobs = active_knobs(policy)
    if not knobs:
        raise ConfigError(
            "augmentation",
            "changes no picture here, so there is nothing to leave out. Choose a config with augmentation.",
        )
    variants = [(FULL, "full augmentation", policy), (NONE, "no augmentation", AugmentationConfig())]
    if WITHOUT in modes:
        variants += [
            (knob_key(WITHOUT, knob), f"without {knob}", without_knobs(policy, (knob,))) for knob in knobs
        ]
    if ONLY in modes:
        variants += [
            (
                knob_key(ONLY, knob),
                f"{knob} alone",
                without_knobs(policy, tuple(k for k in knobs if k != knob)),
            )
            for knob in knobs
        ]
    return tuple(Condition(key, name, replace(config, augmentation=varied)) for key, name, varied in variants)


def _with_size(config: ExperimentConfig, size: int | None) -> ExperimentConfig:
    return replace(config, dataset=replace(config.dataset, num_train=size))


def _run_name(base: str, condition: str, seed: int) -> str:
    end = f"{condition}, seed {seed}" if condition else f"seed {seed}"
    room = MAX_NAME_CHARACTERS - len(end) - 2
    start = base if len(base) <= room else base[: room - 1] + "…"
    return f"{start}, {end}"
