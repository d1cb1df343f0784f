"""What a dry run says, with a process that only pretends, and once with the real one."""

import shutil

import pytest
from filelock import FileLock

from core.design.presets import PRESETS
from core.errors import ConfigError, PreflightBusy, PreflightError
from core.preflight.child import OutOfMemory, TooSlow
from core.preflight.measurement import BUSY_NOTE, ROUGH_NOTE, available_mib, run_preflight, smaller_batches
from core.store.records import RunRequest
from core.store.store import Store
from core.system.devices import Device, DeviceReport

CONFIG = PRESETS["tiny"].config.with_values(
    {"dataset.id": "shapes", "dataset.num_train": 1000, "training.batch_size": 2048, "training.epochs": 10}
)
TIMED = {
    "parameters": 4338, "pictures": 1000, "steps": 1, "timed_steps": 9, "step": 2.0, "planning": 0.5,
    "evaluation": 1.0, "saving": 0.25, "first_step": 3.0, "epoch": 3.75, "start": 7.0, "memory_mib": 900,
}  # fmt: skip
CPU = Device("cpu:0", "a CPU", "cpu", 8000, 3000, 5.0, None, 2)


def gpu(number: int, used_mib: int = 0) -> Device:
    return Device(f"gpu:{number}", "a GPU", "gpu", 16_000, used_mib, 0.0, 40.0, 4)


class Pretender:
    """Stands in for `child.ask`: batches above `most` do not fit."""

    def __init__(self, most: int = 10**6, timed: dict | None = None) -> None:
        self.most = most
        self.timed = timed or TIMED
        self.asked: list[tuple[str, int]] = []
        self.devices: list[str] = []

    def __call__(self, workspace, task, config, devices, limit_mib, tell, seconds):
        self.asked.append((task, config.training.batch_size))
        self.devices = [device.id for device in devices]
        if config.training.batch_size > self.most:
            raise OutOfMemory
        return {"timed": self.timed} if task == "time" else {"fits": True}


def measured(workspace, ask, config=CONFIG, devices=(CPU,)):
    return run_preflight(
        workspace, config, ask=ask, devices=lambda: DeviceReport(tuple(devices)), memory_mib=5000
    )


def test_the_figures_are_the_process_s_and_their_sums(workspace) -> None:
    found = measured(workspace, Pretender())
    assert found.fits and found.largest_batch_size is None
    assert (found.train_seconds, found.epoch_seconds, found.start_seconds) == (2.5, 3.75, 7.0)
    assert found.total_seconds == 7.0 + 10 * 3.75
    assert found.images_per_second == 1000 / 2.5
    assert (found.memory_mib, found.memory_available_mib) == (900, 5000)
    assert (found.config_id, found.device, found.notes) == (CONFIG.config_id, "cpu:0", ())


@pytest.mark.parametrize(
    ("arguments", "sizes"),
    [
        ((32, 50_000, 1), [16, 8, 4, 2, 1]),
        ((65_536, 1000, 1), [500, 250, 125, 62, 31, 15, 7, 3, 1]),  # no batch has more than all pictures
        ((24, 50_000, 4), [12, 4]),  # each of the 4 GPUs gets as many
        ((1, 50_000, 1), []),
    ],
)
def test_the_batches_worth_trying(arguments: tuple[int, int, int], sizes: list[int]) -> None:
    assert smaller_batches(*arguments) == sizes


@pytest.mark.parametrize(("most", "largest"), [(600, 500), (500, 500), (40, 31), (1, 1), (0, None)])
def test_what_does_not_fit_gets_the_largest_half_that_does(workspace, most: int, largest: int | None) -> None:
    ask = Pretender(most)
    found = measured(workspace, ask)
    assert (found.fits, found.largest_batch_size, found.epoch_seconds) == (False, largest, None)
    assert ask.asked[0] == ("time", 2048)
    assert len(ask.asked) <= 5


def test_a_step_that_never_ends_is_a_sentence(workspace) -> None:
    def ask(*arguments):
        raise TooSlow

    with pytest.raises(PreflightError, match="too slow"):
        measured(workspace, ask)


def test_figures_from_a_single_step_are_called_rough(workspace) -> None:
    assert measured(workspace, Pretender(timed=TIMED | {"timed_steps": 1})).notes == (ROUGH_NOTE,)


def test_beside_a_run_on_the_cpu_it_is_measured_with_a_note(workspace) -> None:
    with Store(workspace) as store:
        store.claim(store.queue_run(RunRequest(CONFIG)).id, ["cpu:0"])
    assert measured(workspace, Pretender()).notes == (BUSY_NOTE,)


def test_a_gpu_that_trains_is_left_alone(workspace) -> None:
    ask = Pretender()
    with Store(workspace) as store:
        store.claim(store.queue_run(RunRequest(CONFIG)).id, ["gpu:0"])
        found = measured(workspace, ask, devices=[gpu(0), gpu(1, used_mib=6000)])
        assert (found.device, found.memory_available_mib) == ("gpu:1", 10_000)
        store.claim(store.queue_run(RunRequest(CONFIG)).id, ["gpu:1"])
    with pytest.raises(PreflightBusy, match="Every GPU is training"):
        measured(workspace, ask, devices=[gpu(0), gpu(1)])


def test_as_many_gpus_as_a_run_would_get_the_emptiest_first(workspace) -> None:
    ask = Pretender()
    config = CONFIG.with_values({"training.num_gpus": 2})
    measured(workspace, ask, config, [gpu(0, 500), gpu(1, 200), gpu(2, 100)])
    assert ask.devices == ["gpu:2", "gpu:1"]
    assert "asks for 2 GPUs" in measured(workspace, ask, config, [gpu(0)]).notes[0]


def test_one_at_a_time(workspace) -> None:
    with FileLock(workspace.root / "preflight.lock"), pytest.raises(PreflightBusy, match="two at once"):
        measured(workspace, Pretender())
    assert measured(workspace, Pretender()).fits


def test_what_cannot_be_trained_is_not_measured(workspace) -> None:
    ask = Pretender()
    with pytest.raises(ConfigError):
        measured(workspace, ask, CONFIG.with_values({"model.blocks[0].pool_size": 32}))
    assert ask.asked == []


def test_a_container_s_limit_counts(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("core.preflight.measurement.CGROUP", tmp_path)
    free = available_mib()
    assert free > 300
    (tmp_path / "memory.max").write_text("314572800")
    (tmp_path / "memory.current").write_text("209715200")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 52428800\n")
    assert available_mib() == 300 - 200 + 50
    (tmp_path / "memory.max").write_text("max\n")
    assert available_mib() > 300


def test_the_real_process(workspace, trained) -> None:
    """Keras's own count of this network's parameters is 4,338; TensorFlow alone takes more than 200 MiB."""
    shutil.copytree(trained.workspace.datasets / "shapes", workspace.datasets / "shapes")
    config = PRESETS["tiny"].config.with_values(
        {"dataset.id": "shapes", "dataset.num_train": 60, "training.batch_size": 16}
    )
    stages: list[str] = []
    found = run_preflight(workspace, config, stages.append, seconds=0.5)
    assert (stages[0], len(stages)) == ("Reading the data", 5)
    assert found.fits and found.parameters == 4338 and found.steps == 4
    assert found.epoch_seconds == pytest.approx(
        found.train_seconds + found.evaluation_seconds + found.saving_seconds
    )
    assert found.train_seconds >= found.steps * found.step_seconds > 0
    assert found.total_seconds == pytest.approx(found.start_seconds + 10 * found.epoch_seconds)
    assert 200 < found.memory_mib < found.memory_available_mib
    assert not any(workspace.runs.iterdir())

    tight = run_preflight(workspace, config.with_values({"training.batch_size": 2}), memory_mib=150)
    assert (tight.fits, tight.largest_batch_size, tight.epoch_seconds, tight.memory_mib) == (
        False,
        None,
        None,
        None,
    )
