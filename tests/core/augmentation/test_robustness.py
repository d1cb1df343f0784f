"""What is asked of the engine for a sweep over one knob, in which portions, and what is kept of it."""

import numpy as np
import pytest
from msgspec.structs import asdict

from core.augmentation.robustness import KNOBS, measure_robustness
from core.config import AugmentationConfig, ExperimentConfig
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.errors import ConfigError, EngineError, RunError
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.workspace import Workspace

SHAPE = (32, 32, 3)


class Counter:
    """Counts as the engine does: of `of` pictures, a quarter of each portion, more the nearer to untouched."""

    def __init__(self, of: int = 1000) -> None:
        self.of = of
        self.asked: list[tuple[str, float, int, int]] = []
        self.fails_after: int | None = None

    def count_right(self, run_id, dataset, knob, level, start, stop, most):
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise EngineError("The picture engine ended unexpectedly.")
        self.asked.append((knob, level, start, stop))
        of = min(self.of, most)
        return (min(stop, of) - start) // (4 if level else 2), of


@pytest.fixture
def run(workspace) -> Run:
    return trained_run(workspace, PRESETS["tiny"].config.with_values({"dataset.id": "shapes"}))


def trained_run(workspace: Workspace, config: ExperimentConfig) -> Run:
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(config))
        store.claim(run.id, [run.id])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.4))
        workspace.run_folder(run.id).mkdir()
        return store.get_run(run.id)


def test_each_level_once_from_the_middle_outwards(workspace, run) -> None:
    engine = Counter()
    told = list(measure_robustness(workspace, engine, run, "rotation", SHAPE))
    levels = [level for _, level, _, _ in engine.asked]
    assert levels[0] == 0 and [abs(level) for level in levels] == sorted(abs(level) for level in levels)
    assert sorted(levels) == list(range(-180, 181, 15))
    assert len(told) == 26 and told[0].num_pictures == 0 and not told[-2].is_complete
    last = told[-1]
    assert last.is_complete and last.num_pictures == 1000
    assert (last.at(0), last.at(90), last.at(-180)) == (0.5, 0.25, 0.25)


def test_large_pictures_are_measured_in_portions(workspace, run) -> None:
    engine = Counter(of=100)
    last = list(measure_robustness(workspace, engine, run, "contrast", (160, 160, 3)))[-1]
    assert [(start, stop) for _, level, start, stop in engine.asked if level == 1.0] == [
        (0, 40),
        (40, 80),
        (80, 120),
    ]
    assert last.num_pictures == 100 and last.at(1.0) == 0.25


def test_what_is_measured_is_kept_until_the_weights_are_others(workspace, run) -> None:
    engine = Counter()
    engine.fails_after = 3
    with pytest.raises(EngineError):
        list(measure_robustness(workspace, engine, run, "shear", SHAPE))
    engine.fails_after = None
    complete = list(measure_robustness(workspace, engine, run, "shear", SHAPE))[-1]
    assert len(engine.asked) == len(KNOBS["shear"].levels)
    (again,) = measure_robustness(workspace, engine, run, "shear", SHAPE)
    assert again == complete
    with Store(workspace) as store:
        store.record_epoch(run.id, 1, EpochRow(2, val_accuracy=0.6))
        better = store.get_run(run.id)
    assert next(measure_robustness(workspace, engine, better, "shear", SHAPE)).num_pictures == 0


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"stamp": 1}', b'{"stamp": [1, 1, null], "levels": {"0.0": [1]}}']
)
def test_a_damaged_file_is_measured_anew(workspace, run, content: bytes) -> None:
    (workspace.run_folder(run.id) / "robustness-zoom.json").write_bytes(content)
    assert list(measure_robustness(workspace, Counter(), run, "zoom", SHAPE))[-1].is_complete


def test_without_room_to_keep_it_it_is_measured_all_the_same(workspace, run) -> None:
    workspace.run_folder(run.id).rmdir()
    assert list(measure_robustness(workspace, Counter(), run, "zoom", SHAPE))[-1].is_complete


def test_the_range_of_the_training_is_told_in_the_knob_s_own_unit(workspace) -> None:
    policy = AugmentationConfig(
        rotation_degrees=20, width_shift_fraction=0.1, zoom_fraction=0.25, contrast=0.5, hue=0.1, noise_stddev=0.06,
        randaugment_operations=1,
    )  # fmt: skip
    values = {f"augmentation.{name}": value for name, value in asdict(policy).items()}
    run = trained_run(workspace, PRESETS["tiny"].config.with_values(values))
    found = {knob: next(measure_robustness(workspace, Counter(), run, knob, SHAPE)) for knob in KNOBS}
    expected = {
        "rotation": (-20, 20), "width_shift": (-0.1, 0.1), "zoom": (0.75, 1.25), "contrast": (0.5, 1.5),
        "hue": (-36, 36), "noise": (0, 0.06),
    }  # fmt: skip
    for knob, one in found.items():
        assert one.randaugment
        if knob in expected:
            np.testing.assert_allclose(one.trained, expected[knob])
        else:
            assert one.trained is None
    all_off = trained_run(workspace, run.config.with_values({"augmentation.unchanged_fraction": 1.0}))
    nothing = next(measure_robustness(workspace, Counter(), all_off, "rotation", SHAPE))
    assert (nothing.trained, nothing.randaugment) == (None, False)


def test_what_cannot_be_measured_is_a_sentence(workspace, run) -> None:
    with pytest.raises(ConfigError, match="must be one of rotation"):
        next(measure_robustness(workspace, Counter(), run, "warp", SHAPE))
    with pytest.raises(ConfigError, match="no colours"):
        next(measure_robustness(workspace, Counter(), run, "hue", (28, 28, 1)))
    with Store(workspace) as store:
        new = store.queue_run(RunRequest(run.config))
    with pytest.raises(RunError, match="no weights yet"):
        next(measure_robustness(workspace, Counter(), new, "zoom", SHAPE))
