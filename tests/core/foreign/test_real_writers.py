"""Files that Keras, TensorFlow and ConvDeck itself have written, of one fit: its History says what must come in."""

import importlib.util
import json
import shutil
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from core.epoch import EpochRow
from core.foreign.epochs import FoundRun
from core.foreign.reading import Given, read_runs
from core.sink_settings import read_sink_settings
from core.sinks.feeding import Feeding
from core.store.records import RunRequest
from tests.core.conftest import run_command, run_json
from tests.core.foreign.conftest import columns
from tests.core.searcher import trainer

# Keras's names and ours.
CURVES = {
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "val_loss": "val_loss",
    "val_accuracy": "val_accuracy",
    "learning_rate": "learning_rate",
}
EPOCHS = 4


class Fit(NamedTuple):
    """What a fit has left: `History.history`, a folder of logs with one run in it, and the file of CSVLogger."""

    history: dict[str, list[float]]
    logs: Path
    table: Path

    @property
    def events(self) -> list[Path]:
        return sorted(self.logs.rglob("*tfevents*"))


@pytest.fixture(scope="module")
def scalars() -> Iterator[None]:
    """`tf.summary.scalar` is these lines of TensorBoard, a package that may be missing; TensorFlow writes the file."""
    if importlib.util.find_spec("tensorboard") is not None:
        yield
        return

    def scalar(name, data, step=None, description=None):
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)
        with tf.summary.experimental.summary_scope(name, "scalar_summary", values=[data, step]) as (tag, _):
            return tf.summary.write(tag=tag, tensor=tf.cast(data, tf.float32), step=step, metadata=metadata)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("tensorboard", "tensorboard.summary", "tensorboard.summary.v2"):
            patch.setitem(sys.modules, name, types.ModuleType(name))
        sys.modules["tensorboard.summary.v2"].scalar = scalar  # type: ignore[attr-defined]
        yield


def fit(folder: Path, rate_of: Callable[[int], float]) -> Fit:
    """Four epochs of a network of two layers, and its logs as `folder/logs/mine` and `folder/training.csv`."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 4)).astype("float32")
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    found = model.fit(
        x[:40], y[:40], validation_data=(x[40:], y[40:]), epochs=EPOCHS, batch_size=16, verbose=0,
        callbacks=[
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate_of(epoch)),
            keras.callbacks.TensorBoard(str(folder / "logs" / "mine"), update_freq=1),
            keras.callbacks.CSVLogger(str(folder / "training.csv")),
        ],
    )  # fmt: skip
    history = {name: [float(value) for value in values] for name, values in found.history.items()}
    assert set(history) == set(CURVES)
    return Fit(history, folder / "logs", folder / "training.csv")


@pytest.fixture(scope="module")
def fitted(scalars: None, tmp_path_factory: pytest.TempPathFactory) -> Fit:
    return fit(tmp_path_factory.mktemp("fitted"), lambda epoch: 0.5 / 2**epoch)


@pytest.fixture(scope="module")
def broken(scalars: None, tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """One whose learning rate makes its weights infinite in the third epoch, after which Keras goes on."""
    found = fit(tmp_path_factory.mktemp("broken"), lambda epoch: 1e25 if epoch == 2 else 0.1)
    assert np.isfinite(found.history["loss"]).tolist() == [True, True, False, False]
    return found


def check(found: FoundRun, history: dict[str, list[float]]) -> None:
    """That the curves are those of History, to the precision of float32, and no others."""
    assert [row.epoch for row in found.rows] == list(range(1, EPOCHS + 1))
    for name, key in CURVES.items():
        np.testing.assert_allclose(
            [getattr(row, key) for row in found.rows], history[name], rtol=1e-6, err_msg=key
        )
    assert set(found.mapped) == set(CURVES.values())
    assert all(row.seconds is None and row.clean_train_loss is None for row in found.rows)
    assert found.nan_epoch is None


def test_keras_writes_csv(fitted: Fit) -> None:
    (found,) = read_runs([Given(fitted.table, "training.csv")])
    check(found, fitted.history)
    assert (found.tool, found.ignored, found.remarks) == ("Keras", (), ())


def test_a_history_is_written_as_json(fitted: Fit, tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text(json.dumps(fitted.history))
    (found,) = read_runs([Given(path, "mine/history.json")])
    check(found, fitted.history)
    assert (found.name, found.tool) == ("mine", "Keras")


def test_keras_writes_a_folder_of_event_files(fitted: Fit) -> None:
    """`train` and `validation`: also as the log folder of several runs, as the run itself, and as a zip of either."""
    assert [path.parent.name for path in fitted.events] == ["train", "validation"]
    for folder in (fitted.logs, fitted.logs / "mine"):
        (found,) = read_runs([Given(folder, folder.name)])
        check(found, fitted.history)
        assert (found.name, found.tool) == ("mine", "TensorBoard")
        # Of each batch, and of validation by batches: the epochs have them already.
        assert set(found.ignored) == {
            "train/batch_loss", "train/batch_accuracy", "validation/evaluation_loss_vs_iterations",
            "validation/evaluation_accuracy_vs_iterations",
        }  # fmt: skip


@pytest.mark.parametrize("inside", [".", "mine"])
def test_a_zip_of_that_folder(fitted: Fit, tmp_path: Path, inside: str) -> None:
    path = Path(shutil.make_archive(str(tmp_path / "mine"), "zip", fitted.logs / inside))
    (found,) = read_runs([Given(path, "mine.zip")])
    check(found, fitted.history)
    assert found.name == "mine"


def test_event_files_that_a_browser_sends_without_their_folders(fitted: Fit) -> None:
    (found,) = read_runs([Given(path, path.name) for path in reversed(fitted.events)])
    check(found, fitted.history)


def test_one_event_file_alone(fitted: Fit) -> None:
    train, validation = fitted.events
    (found,) = read_runs([Given(train, train.name)])
    assert [row.train_loss for row in found.rows] == pytest.approx(fitted.history["loss"], rel=1e-6)
    assert set(found.mapped) == {"train_loss", "train_accuracy", "learning_rate"}
    (found,) = read_runs([Given(validation, f"mine/validation/{validation.name}")])
    assert [row.val_loss for row in found.rows] == pytest.approx(fitted.history["val_loss"], rel=1e-6)
    assert set(found.mapped) == {"val_loss", "val_accuracy"}


def test_the_command_imports_each_form(workspace, store, fitted: Fit, tmp_path: Path) -> None:
    zipped = shutil.make_archive(str(tmp_path / "logs"), "zip", fitted.logs)
    forms = ([fitted.logs], [fitted.logs / "mine"], [zipped], fitted.events, [fitted.table])
    for paths in forms:
        code, answer = run_json("import", *map(str, paths))
        assert (code, len(answer["runs"]), answer["epoch"]) == (0, 1, EPOCHS), answer
        # `training.csv` says nothing of a run, so it is called after its folder.
        assert answer["name"] == (fitted.table.parent.name if paths == [fitted.table] else "mine")
        curves = store.curves(answer["id"])
        for name, key in CURVES.items():
            assert curves[key] == pytest.approx(fitted.history[name], rel=1e-6)


def test_two_fits_into_one_folder(fitted: Fit, tmp_path: Path) -> None:
    """The second one, begun at epoch 0 again, has replaced the first: files are read in the order of their names."""
    folder = tmp_path / "mine"
    shutil.copytree(fitted.logs / "mine", folder)
    for path in sorted(folder.rglob("*tfevents*")):
        shutil.copy(path, path.with_name("events.out.tfevents.9999999999.later.v2"))
    (found,) = read_runs([Given(folder, "mine")])
    check(found, fitted.history)
    assert "Some epochs were recorded twice, as after a restart: the later values count." in found.remarks


def test_a_fit_that_diverges_is_one(workspace, store, broken: Fit, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    history.write_text(json.dumps(broken.history))
    before = broken.history["loss"][1]
    for path in (broken.logs, broken.table, history):
        code, answer = run_json("import", str(path))
        assert (code, answer["state"], answer["epoch"]) == (0, "FAILED", EPOCHS), answer
        run = store.get_run(answer["id"])
        assert run.error == "The loss became NaN in epoch 3." and not run.can_resume
        code, out, err = run_command("resume", run.id)
        assert (code, out) == (2, "") and f"“{run.name}” was trained elsewhere" in err, err
        code, shown = run_json("show", run.id)
        assert (code, shown["verdict"]["headline"]) == (0, "Diverged in epoch 3")
        assert shown["verdict"]["evidence"] == (
            "In epoch 3 the loss became NaN, so nothing can be learned from there on; in epoch 2 it was "
            f"{before:.2f}."
        )
        assert "The loss became NaN in epoch 3, so the run counts as failed." in answer["notes"]
        curves = store.curves(run.id)
        assert curves["train_loss"][:2] == pytest.approx(broken.history["loss"][:2], rel=1e-6)
        assert curves["train_loss"][2:] == [None, None]
        assert curves["val_accuracy"] == pytest.approx(broken.history["val_accuracy"], rel=1e-6)


def test_scalars_of_tf_summary_beside_what_is_no_number(scalars: None, tmp_path: Path) -> None:
    folder = tmp_path / "by-hand"
    with tf.summary.create_file_writer(str(folder)).as_default():
        for step in range(3):
            tf.summary.scalar("train/loss", 2.0 - step, step=step)
            tf.summary.scalar("val/accuracy", tf.constant(step / 4, tf.float64), step=step)
            tf.summary.write("picture", tf.zeros((2, 8, 8, 3)), step=step)
            tf.summary.write("words", tf.constant("loss"), step=step)
    (found,) = read_runs([Given(folder, "by-hand")])
    assert found.name == "by-hand"
    assert columns(found, "epoch", "train_loss", "val_accuracy") == [
        (1, 2.0, 0.0),
        (2, 1.0, 0.25),
        (3, 0.0, 0.5),
    ]


def test_simple_values_of_tensorflow_1(tmp_path: Path) -> None:
    """The form that PyTorch's SummaryWriter takes too."""
    folder = tmp_path / "old"
    with tf.Graph().as_default(), tf.compat.v1.summary.FileWriter(str(folder)) as writer:
        for step in range(3):
            values = [
                tf.compat.v1.Summary.Value(tag=tag, simple_value=value)
                for tag, value in (("Loss/train", 2.0 - step), ("Loss/test", 2.5 - step))
            ]
            writer.add_summary(tf.compat.v1.Summary(value=values), step)
    (found,) = read_runs([Given(folder, "old")])
    assert columns(found, "epoch", "train_loss", "val_loss") == [(1, 2.0, 2.5), (2, 1.0, 1.5), (3, 0.0, 0.5)]


def test_what_convdeck_writes_for_tensorboard_comes_back(store, tmp_path: Path) -> None:
    rows = [
        EpochRow(epoch, 2.0 / epoch, 0.25, 1.5 / epoch, 0.5, 1.75 / epoch, 0.375, 0.01, 4.0, 900.0)
        for epoch in (1, 2, 3)
    ]
    (setting,) = read_sink_settings({"CONVDECK_TENSORBOARD": str(tmp_path / "logs")})
    feeding = Feeding(store, setting)
    run = store.queue_run(RunRequest(trainer.TINY, "mine"))
    trainer.begin(store, run)
    for row in rows:
        store.record_epoch(run.id, run.attempt, row)
    assert feeding.tick()
    (found,) = read_runs([Given(tmp_path / "logs", "logs")])
    assert (found.name, found.ignored) == (f"mine-{run.id}", ())
    keys = ("train_loss", "train_accuracy", "clean_train_loss", "clean_train_accuracy", "val_loss")
    keys += ("val_accuracy", "learning_rate")
    np.testing.assert_allclose(
        columns(found, "epoch", *keys), [(row.epoch, *(getattr(row, key) for key in keys)) for row in rows],
        rtol=1e-6,
    )  # fmt: skip
