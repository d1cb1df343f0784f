"""How robust a run is to rotation, shifts, darkening …: its accuracy on pictures distorted by fixed amounts.

One knob at a time. The engine measures in portions, so that it answers other requests in between; what is measured is
kept in the run's folder for as long as its best weights and the data set are the same. Below that: which runs read
pictures of which shape.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.config import AugmentationConfig, DatasetConfig
from core.datasets.identity import check_same_data
from core.datasets.storage import Dataset, describe_dataset
from core.errors import ConfigError
from core.store.records import Run
from core.system.files import write_bytes
from core.workspace import Workspace

MOST_PICTURES = 1000
# Of a portion, in pixels: 1,000 pictures of 32×32, which the article's network reads within a second or so.
PORTION_PIXELS = 1_024_000

# Under its own name, what was kept of hue counted the colour circle the other way round.
_FILES = {"hue": "hue-as-hsv"}

Range = tuple[float, float]
ImageShape = tuple[int, int, int]


class Counts(Protocol):
    """The part of the engine that is needed here: see `core.engine.client.Engine.count_right`."""

    def count_right(
        self, run_id: str, dataset: DatasetConfig, knob: str, level: float, start: int, stop: int, most: int
    ) -> tuple[int, int]: ...


@dataclass(frozen=True)
class Knob:
    """Something that is done to every picture by the same amount.

    `levels` hold `untouched`, at which a picture stays as it is. `trained` is the range of a policy, in the knob's
    own unit. `colored`: on pictures with colours alone.
    """

    title: str
    unit: str
    levels: tuple[float, ...]
    untouched: float
    trained: Callable[[AugmentationConfig], Range]
    colored: bool = False


@dataclass(frozen=True)
class Robustness:
    """What is measured of a run: `accuracy` at each level as a fraction of 1, None where it is not measured yet.

    `trained` is the range that its training drew from, None where it left this alone; `randaugment`: it drew beyond
    that now and then. `num_pictures` is 0 until the first level is measured.
    """

    run_id: str
    knob: str
    levels: tuple[float, ...]
    accuracy: tuple[float | None, ...]
    num_pictures: int
    trained: Range | None
    randaugment: bool

    @property
    def is_complete(self) -> bool:
        return None not in self.accuracy

    def at(self, level: float) -> float | None:
        """The accuracy at one of the levels."""
        return self.accuracy[self.levels.index(level)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        knob = KNOBS[self.knob]
        return {
            "run": self.run_id, "knob": self.knob, "unit": knob.unit, "untouched": knob.untouched,
            "trained": None if self.trained is None else list(self.trained), "randaugment": self.randaugment,
            "num_pictures": self.num_pictures, "level": list(self.levels), "accuracy": list(self.accuracy),
        }  # fmt: skip


def _steps(low: int, high: int, step: int, scale: float = 1) -> tuple[float, ...]:
    return tuple(number / scale for number in range(low, high + 1, step))


def _around(middle: float, name: str, scale: float = 1) -> Callable[[AugmentationConfig], Range]:
    """The range of the policy's field `name`, in its unit times `scale`."""

    def trained(augmentation: AugmentationConfig) -> Range:
        reach = scale * getattr(augmentation, name)
        return middle - reach, middle + reach

    return trained


KNOBS = {
    "rotation": Knob("Rotation", "°", _steps(-180, 180, 15), 0.0, _around(0, "rotation_degrees")),
    "width_shift": Knob(
        "Horizontal shift", "share of the width", _steps(-50, 50, 5, 100), 0.0, _around(0, "width_shift_fraction")
    ),
    "height_shift": Knob(
        "Vertical shift", "share of the height", _steps(-50, 50, 5, 100), 0.0, _around(0, "height_shift_fraction")
    ),
    "zoom": Knob("Zoom", "×", _steps(4, 16, 1, 10), 1.0, _around(1, "zoom_fraction")),
    "shear": Knob("Shear", "°", _steps(-60, 60, 10), 0.0, _around(0, "shear_degrees")),
    "brightness": Knob("Brightness", "share of full scale", _steps(-8, 8, 1, 10), 0.0, _around(0, "brightness")),
    "contrast": Knob("Contrast", "×", _steps(0, 20, 2, 10), 1.0, _around(1, "contrast")),
    "saturation": Knob("Saturation", "×", _steps(0, 20, 2, 10), 1.0, _around(1, "saturation"), colored=True),
    "hue": Knob("Hue", "°", _steps(-180, 180, 30), 0.0, _around(0, "hue", 360), colored=True),
    "noise": Knob(
        "Pixel noise", "spread, share of full scale", _steps(0, 30, 3, 100), 0.0,
        lambda augmentation: (0.0, augmentation.noise_stddev),
    ),
}  # fmt: skip


def find_knob(name: str, num_channels: int | None = None) -> Knob:
    """The knob of this name. Raises ConfigError when there is none, or none for pictures without colours."""
    if name not in KNOBS:
        raise ConfigError("knob", f"must be one of {', '.join(KNOBS)}, not {name[:40]!r}.")
    if num_channels == 1 and KNOBS[name].colored:
        raise ConfigError("knob", f"cannot be {name}: these pictures have no colours.")
    return KNOBS[name]


def measure_robustness(
    workspace: Workspace, engine: Counts, run: Run, knob: str, image_shape: tuple[int, int, int]
) -> Iterator[Robustness]:
    """What is known, and again after each level that had to be measured. The last one is complete.

    `image_shape` is that of the run's pictures. A caller that stops in between loses nothing: each
    level is kept.

    Raises:
        UserError: the run has no weights, there is no such knob, or the data that it was started on is not here.
        EngineError: the engine crashed or overran its deadline.
    """
    find_knob(knob, image_shape[2])
    check_same_data(workspace, run)
    run.check_weights()
    config, stamp = run.config, _stamp(workspace, run)
    path = workspace.run_folder(run.id) / f"robustness-{_FILES.get(knob, knob)}.json"
    kept = _read(path, stamp)
    yield _robustness(run, knob, kept)
    # From the middle outwards: after a few levels the shape is there.
    untouched = KNOBS[knob].untouched
    portion = max(1, PORTION_PIXELS // (image_shape[0] * image_shape[1]))
    for level in sorted(KNOBS[knob].levels, key=lambda each: abs(each - untouched)):
        kept |= _read(path, stamp)  # another process may be measuring the same
        if str(level) in kept:
            continue
        right, of, start = 0, MOST_PICTURES, 0
        while start < of:
            found, of = engine.count_right(
                run.id, config.dataset, knob, level, start, start + portion, MOST_PICTURES
            )
            right, start = right + found, start + portion
        kept[str(level)] = [right, of]
        with contextlib.suppress(OSError):  # a full disk only costs measuring it again
            write_bytes(path, json.dumps({"stamp": stamp, "levels": kept}).encode())
        yield _robustness(run, knob, kept)


def _robustness(run: Run, knob: str, kept: dict[str, list[int]]) -> Robustness:
    levels, augmentation = KNOBS[knob].levels, run.config.augmentation
    found = [kept.get(str(level)) for level in levels]
    trained = KNOBS[knob].trained(augmentation) if augmentation.is_active else None
    return Robustness(
        run_id=run.id,
        knob=knob,
        levels=levels,
        accuracy=tuple(None if each is None else each[0] / each[1] for each in found),
        num_pictures=max((each[1] for each in found if each is not None), default=0),
        trained=None if trained is None or trained[0] == trained[1] else trained,
        randaugment=augmentation.is_active and augmentation.randaugment_operations > 0,
    )


def _stamp(workspace: Workspace, run: Run) -> list[Any]:
    """Another one when the run's best weights, or the pictures of its data set, are others."""
    info = describe_dataset(workspace, run.dataset)
    return [run.attempt, run.best_epoch, None if info is None else info.digest]


def _read(path: Path, stamp: list[Any]) -> dict[str, list[int]]:
    """What was measured before; nothing where it cannot be read or is of other weights or pictures."""
    try:
        document = json.loads(path.read_bytes())
        levels = document["levels"] if document["stamp"] == stamp else {}
        return {str(level): [int(right), int(of)] for level, (right, of) in levels.items() if of > 0}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return {}


def trained_runs(runs: Iterable[Run], dataset_id: str, digest: str) -> list[Run]:
    """Those with weights and readable settings that were trained on the data set with this id and digest, in the same
    order; also where a run's digest is not known.
    """
    return [
        run
        for run in runs
        if run.has_weights
        and (run.dataset, run.dataset_digest or digest) == (dataset_id, digest)
        and run.unreadable is None
    ]


def fitting_runs(runs: Iterable[Run], dataset: Dataset, shown: ImageShape) -> list[Run]:
    """Those of `trained_runs` on this data set that read pictures of the shape `shown`."""
    return [
        run
        for run in trained_runs(runs, dataset.id, dataset.digest)
        if run.config.dataset.picture_shape(dataset.image_shape) == shown
    ]
