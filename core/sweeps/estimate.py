"""What a sweep will take, counted and priced before it starts: its trials, what exists already, and how long it trains.

Seconds come from one config that was measured, by a dry run or an earlier run, and from how much more or less each
trial calculates. Time does not grow in step with FLOPs: with an eighth of them, a small network takes about as long,
because most of its time is overhead; a large one takes an eighth. So the estimate is a range (measured in
docs/decisions/0028-sweeps.md).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from core.config import ExperimentConfig
from core.errors import UserError
from core.formatting import count_of, percent
from core.runs import control
from core.runs.pace import pictures_per_epoch, recent_runs, seconds_per_picture
from core.runs.start import check_experiment
from core.store.records import RunRequest
from core.store.store import Store
from core.sweeps.configs import config_of
from core.sweeps.spec import SweepSpec
from core.sweeps.start import find_trials
from core.workspace import Workspace

# This many random choices stand for a space that is not tried as a whole.
SAMPLED = 100
# Time grows with FLOPs to a power between these two.
LEAST_POWER, USUAL_POWER, MOST_POWER = 0.0, 0.5, 1.0
# A dry run is off by up to so much: see docs/decisions/0012-dry-run.md.
MEASURED_WITHIN = 1.25
# What each way of pruning left of the epochs in replays, rounded: see docs/results.md.
LEFT_BY_PRUNING = {"none": 1.0, "median": 0.4, "hyperband": 0.6, "patience": 0.55}
MAX_SHOWN = 20


@dataclass(frozen=True)
class Pace:
    """How fast a config was measured to train. `source` says how: by a dry run, or in earlier runs."""

    config: ExperimentConfig
    epoch_seconds: float
    start_seconds: float = 0.0
    source: str = "a dry run"


@dataclass(frozen=True)
class Seconds:
    """Of the whole sweep, on the devices that it has."""

    low: float
    expected: float
    high: float


@dataclass(frozen=True)
class Infeasible:
    """Choices that cannot be trained, and why."""

    choices: dict[str, Any]
    reason: str


@dataclass(frozen=True)
class SweepEstimate:
    """`num_existing` runs are there already, `num_infeasible` trials cannot be trained; the other runs are trained.
    `num_found` trials are there as a whole: they are the first ones, and count towards the number of trials.

    `is_exact`: every trial was looked at; otherwise a sample of `num_sampled` stands for them. `seconds` is None where
    nothing like it was measured; `pace` is what it rests on.
    """

    num_trials: int
    num_runs: int
    num_existing: int
    num_found: int
    num_infeasible: int
    infeasible: tuple[Infeasible, ...]
    is_exact: bool
    num_sampled: int
    seconds: Seconds | None
    num_parallel: int
    pace: Pace | None
    notes: tuple[str, ...]

    @property
    def num_to_train(self) -> int:
        return self.num_runs - self.num_existing

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "trials": self.num_trials,
            "runs": self.num_runs,
            "found_trials": self.num_found,
            "existing_runs": self.num_existing,
            "runs_to_train": self.num_to_train,
            "infeasible_trials": self.num_infeasible,
            "infeasible": [{"values": each.choices, "reason": each.reason} for each in self.infeasible],
            "exact": self.is_exact,
            "sampled": self.num_sampled,
            "seconds": None
            if self.seconds is None
            else {
                "low": self.seconds.low,
                "expected": self.seconds.expected,
                "high": self.seconds.high,
            },
            "parallel": self.num_parallel,
            "measured": self.pace and self.pace.source,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Priced:
    choices: dict[str, Any]
    config: ExperimentConfig | None
    flops: int
    reason: str | None


def estimate_sweep(
    workspace: Workspace, store: Store, spec: SweepSpec, num_devices: int, pace: Pace | None = None
) -> SweepEstimate:
    """Count and price a sweep. Without a `pace`, earlier runs of its base are looked for. Raises UserError."""
    if pace is None:
        pace = earlier_pace(workspace, store, spec.base)
    found = [choices for choices, _ in find_trials(workspace, store, spec)[: spec.trials]]
    whole = spec.space.num_combinations == spec.trials
    choices = [each for each in spec.space.combinations() if each not in found] if whole else []
    left = spec.trials - len(found)
    if left and not whole:
        choices = _sample(spec, found)
    priced = [_price(workspace, spec, each) for each in choices]
    feasible = [(each, each.config) for each in priced if each.config is not None]
    failed = [Infeasible(each.choices, each.reason) for each in priced if each.reason is not None]
    scale = left / len(priced) if priced else 0.0
    num_infeasible = round(scale * len(failed))
    num_runs = (spec.trials - num_infeasible) * spec.num_seeds
    existing = _existing(workspace, store, spec, [config for _, config in feasible])
    num_existing = min(num_runs, len(found) * spec.num_seeds + round(scale * sum(existing)))
    parallel = max(1, min(num_devices, (spec.concurrency or num_devices) * spec.num_seeds))
    seconds = None
    if pace is not None:
        to_train = [
            (each, spec.num_seeds - count)
            for (each, _), count in zip(feasible, existing, strict=True)
            if count < spec.num_seeds
        ]
        seconds = _seconds(workspace, spec, pace, to_train, scale, parallel)
    return SweepEstimate(
        spec.trials, num_runs, num_existing, len(found), num_infeasible, tuple(failed[:MAX_SHOWN]),
        whole or not left, len(priced), seconds, parallel, pace,
        _notes(spec, len(found), failed, pace, whole or not left),
    )  # fmt: skip


def earlier_pace(workspace: Workspace, store: Store, config: ExperimentConfig) -> Pace | None:
    """What earlier runs of the same network say of its speed; None where there are none."""
    speed = seconds_per_picture(workspace, store, recent_runs(store), config)
    pictures = pictures_per_epoch(workspace, config)
    return None if speed is None or pictures is None else Pace(config, speed * pictures, 0.0, "earlier runs")


def _sample(spec: SweepSpec, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Random choices, without those that are there already unless there are only such."""
    random = Random(spec.seed)
    sampled = [spec.space.sample(random) for _ in range(SAMPLED)]
    return [each for each in sampled if each not in found] or sampled


def _price(workspace: Workspace, spec: SweepSpec, choices: dict[str, Any]) -> _Priced:
    try:
        config = config_of(spec, choices)
        return _Priced(choices, config, check_experiment(workspace, config).flops, None)
    except UserError as error:
        return _Priced(choices, None, 0, str(error))


def _existing(
    workspace: Workspace, store: Store, spec: SweepSpec, configs: Sequence[ExperimentConfig]
) -> list[int]:
    """For each config, how many of the runs with its seeds are there already."""
    if not spec.reuse:
        return [0] * len(configs)
    data = control.with_data(workspace, RunRequest(spec.base)).data
    requests = [
        [RunRequest(config.with_values({"seed": seed}), data=data) for seed in spec.seeds]
        for config in configs
    ]
    there = store.sweeps.reusable(request for each in requests for request in each)
    return [sum(request.config.config_id in there for request in each) for each in requests]


def _seconds(
    workspace: Workspace,
    spec: SweepSpec,
    pace: Pace,
    to_train: Iterable[tuple[_Priced, int]],
    scale: float,
    parallel: int,
) -> Seconds:
    measured_flops = max(1, check_experiment(workspace, pace.config).flops)
    measured_pictures = pictures_per_epoch(workspace, pace.config) or 1
    totals, longest = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    for priced, num_runs in to_train:
        assert priced.config is not None
        epochs = priced.config.training.epochs
        pictures = pictures_per_epoch(workspace, priced.config) or measured_pictures
        ratio = max(1, priced.flops) / measured_flops
        powers = sorted(ratio**power for power in (LEAST_POWER, USUAL_POWER, MOST_POWER))
        for index, factor in enumerate(powers):
            each = pace.epoch_seconds * factor * pictures / measured_pictures * epochs
            if index:  # at best, a process that is ready takes one run after the other
                each += pace.start_seconds
            totals[index] += each * num_runs * scale
            longest[index] = max(longest[index], each)
    low, expected, high = (
        max(total / parallel, one if total else 0.0) for total, one in zip(totals, longest, strict=True)
    )
    low, high = low / MEASURED_WITHIN, high * MEASURED_WITHIN
    return Seconds(low * LEFT_BY_PRUNING[spec.pruning], expected, high)


def _notes(
    spec: SweepSpec, num_found: int, failed: Sequence[Infeasible], pace: Pace | None, is_exact: bool
) -> tuple[str, ...]:
    notes = []
    if num_found == spec.trials:
        notes.append(
            f"All of its {count_of(num_found, 'trial')} are there already, so it searches and trains nothing: it shows "
            "what they reached. To search, ask for more trials, or set “reuse” to false to train all again."
            if num_found > 1
            else "Its only trial is there already, so it trains nothing. Set “reuse” to false to train it again."
        )
    elif num_found:
        verb = "is" if num_found == 1 else "are"
        notes.append(
            f"{num_found:,} of the {spec.trials:,} trials {verb} there already; the search adds the others."
        )
    if not is_exact:
        seconds = "" if pace is None else ", and how long they take,"
        notes.append(
            f"How many runs exist already or cannot be trained{seconds} is estimated from {SAMPLED} random choices; "
            "the search makes its own."
        )
    for reason, count in Counter(each.reason for each in failed).most_common(3):
        notes.append(f"{count_of(count, 'choice')} cannot be trained: {reason}")
    if num_found == spec.trials:
        return tuple(notes)
    if pace is None:
        notes.append(
            "How long it takes is not known: nothing like it was trained here. A dry run measures it."
        )
    elif spec.pruning != "none":
        left = percent(LEFT_BY_PRUNING[spec.pruning], 0)
        notes.append(f"The lower end assumes that pruning leaves {left} of the epochs.")
    if spec.base.training.early_stopping_patience is not None:
        notes.append("Runs that stop early take less.")
    return tuple(notes)
