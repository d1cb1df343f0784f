"""What TensorBoard gets, read back by TensorFlow itself, which checks every checksum."""

import json
import subprocess
import sys

import pytest

from core.sink_settings import read_sink_settings
from core.sinks.feeding import Feeding
from core.store.records import RunRequest
from core.store.states import RunState
from core.workspace import PROJECT_ROOT
from tests.core.searcher import trainer

READ = """
import json, pathlib, sys
import tensorflow as tf
found = {}
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*tfevents*")):
    values = found[path.parent.relative_to(sys.argv[1]).as_posix()] = []
    for event in tf.compat.v1.train.summary_iterator(str(path)):
        if event.HasField("session_log"):
            values.append(["restart", event.step, event.session_log.status])
        for value in event.summary.value:
            values.append([value.tag, event.step, value.simple_value])
        if event.file_version:
            values.append([event.file_version, event.step, event.wall_time])
print(json.dumps(found))
"""


def read_back(folder):
    """By folder: (tag, step, value) of each value, in the order of the file."""
    answer = subprocess.run(
        [sys.executable, "-c", READ, str(folder)],
        capture_output=True, text=True, check=True, cwd=PROJECT_ROOT,
    )  # fmt: skip
    return json.loads(answer.stdout.splitlines()[-1])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "logs"


@pytest.fixture
def feeding(store, folder) -> Feeding:
    (setting,) = read_sink_settings({"CONVDECK_TENSORBOARD": str(folder)})
    return Feeding(store, setting)


def test_tensorflow_reads_the_curves_that_the_store_has(store, folder, feeding) -> None:
    """Also of epochs that were trained again after a stop, with the mark that drops the former ones."""
    run = store.queue_run(RunRequest(trainer.TINY, "Bäume / 2"))
    trainer.begin(store, run)
    trainer.report(store, run, [0.25, 0.5])
    assert feeding.tick() and not feeding.tick()
    trainer.end(store, run, RunState.STOPPED)
    run = store.resume_run(run.id)
    store.claim(run.id, ["a device"])
    store.record_started(run.id, 2, 3, 10, 1)
    trainer.report(store, run, [0.625, 0.75], first=2)
    store.rename_run(run.id, "Another name")
    trainer.end(store, run)
    assert feeding.tick() and not feeding.tick()

    found = read_back(folder)
    own = f"Baume-2-{run.id}"
    # `report` knows no training loss or accuracy and no learning rate, so there is no folder `train`.
    assert set(found) == {f"{own}/validation", f"{own}/clean_train"}
    version, *values = found[f"{own}/validation"]
    assert version[0] == "brain.Event:2" and version[2] >= int(run.created_at)
    assert values == [
        ["epoch_accuracy", 1, 0.25], ["epoch_accuracy", 2, 0.5],
        ["restart", 2, 1],
        ["epoch_accuracy", 2, 0.625], ["epoch_accuracy", 3, 0.75],
    ]  # fmt: skip
    clean = [value for tag, _, value in found[f"{own}/clean_train"] if tag == "epoch_accuracy"]
    assert clean == pytest.approx([0.35, 0.6, 0.725, 0.85])


def test_a_folder_that_was_removed_is_written_again_with_the_next_epoch(store, folder, feeding) -> None:
    run = store.queue_run(RunRequest(trainer.TINY, "one"))
    trainer.begin(store, run)
    trainer.report(store, run, [0.25])
    feeding.tick()
    (own,) = folder.iterdir()
    (file,) = (own / "validation").iterdir()
    first = file.read_bytes()
    file.unlink()
    (own / "validation").rmdir()
    for path in (own / "clean_train").iterdir():
        path.unlink()
    (own / "clean_train").rmdir()
    own.rmdir()
    trainer.report(store, run, [0.5], first=2)
    feeding.tick()
    assert file.read_bytes().startswith(first) and len(file.read_bytes()) > len(first)


def test_a_folder_that_cannot_be_written_is_a_state_of_the_sink_and_catches_up(
    store, folder, feeding
) -> None:
    folder.write_text("in the way")
    run = store.queue_run(RunRequest(trainer.TINY, "one"))
    trainer.train(store, run)
    assert not feeding.tick() and feeding.is_failing
    state = store.sinks.state("tensorboard", str(folder))
    assert state.cause is not None and state.cause.startswith(f"The folder {folder} cannot be written: ")
    assert "CONVDECK_TENSORBOARD" in (state.next_step or "") and state.sent_at is None
    folder.unlink()
    feeding._due = float("-inf")
    assert feeding.tick() and not feeding.is_failing
    assert store.sinks.state("tensorboard", str(folder)).failing_since is None
    assert len(list(folder.rglob("*tfevents*"))) == 2


def test_what_nobody_foresaw_stays_with_the_sink(store, feeding, monkeypatch, caplog) -> None:
    """A fault of the sink's own is a state too, logged once, whatever it is."""
    run = store.queue_run(RunRequest(trainer.TINY, "one"))
    trainer.train(store, run)
    monkeypatch.setattr(feeding._runs, "send", lambda news: 1 / 0)
    for _ in range(3):
        feeding._due = float("-inf")
        assert not feeding.tick()
    state = store.sinks.state("tensorboard", feeding._setting.shown)
    assert "ZeroDivisionError" in (state.cause or "")
    assert len([each for each in caplog.records if "ZeroDivisionError" in each.message]) == 1
