"""Every command, on a real finished run."""

import errno
import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from core.config import ExperimentConfig
from core.datasets.catalogue import SHAPES_CLASSES
from core.design.presets import PRESETS
from core.epoch import CURVE_KEYS, EpochRow
from core.store.records import RunRequest
from core.store.store import Store
from core.workspace import PROJECT_ROOT
from tests.core.conftest import picture_file, run_command, run_json


def test_train_with_wait_gives_the_finished_run(home) -> None:
    code, shown = run_json("show", home.run_id)
    assert code == 0
    contract = {
        "id", "name", "state", "attempt", "config", "config_id", "dataset", "device", "best_epoch", "error",
        "verdict", "curves",
    }  # fmt: skip
    assert contract <= set(shown)
    assert (shown["name"], shown["state"], shown["attempt"]) == ("A finished run", "FINISHED", 1)
    assert shown["dataset"] == "shapes"
    assert set(shown["curves"]) == set(CURVE_KEYS)
    assert {len(values) for values in shown["curves"].values()} == {3}
    assert shown["curves"]["epoch"] == [1, 2, 3]
    assert ExperimentConfig.from_dict(shown["config"]).config_id == shown["config_id"]
    accuracies = shown["curves"]["val_accuracy"]
    assert shown["best_epoch"] == 1 + accuracies.index(max(accuracies))


def test_runs_lists_it_with_best_and_gap(home) -> None:
    _, runs = run_json("runs")
    (run,) = [run for run in runs if run["id"] == home.run_id]
    _, shown = run_json("show", home.run_id)
    curves = shown["curves"]
    assert run["best_val_accuracy"] == max(curves["val_accuracy"])
    gaps = np.subtract(curves["clean_train_accuracy"], curves["val_accuracy"])
    assert run["gap"] == pytest.approx(np.median(gaps[-3:]) if len(gaps) > 2 else gaps[-1])
    assert (
        run["verdict"]["gap"] == shown["verdict"]["gap"] == shown["gap"] == run["gap"]
    )  # one number everywhere
    assert "curves" not in run and "config" not in run
    assert run["verdict"] == shown["verdict"]
    assert run["verdict"]["best_epoch"] == shown["best_epoch"]


def test_tables_for_people(home) -> None:
    for command in (("runs",), ("show", home.run_id), ("datasets",), ("presets",), ("doctor",)):
        code, out, _ = run_command(*command)
        assert code == 0
        assert out.strip()
    assert "A finished run" in run_command("runs")[1]


def test_the_gap_is_told_in_points(workspace) -> None:
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, clean_train_accuracy=0.905, val_accuracy=0.7))
    assert run_command("runs")[1].splitlines()[1].endswith("70.0 %           20.5 points")


def test_datasets_tells_what_is_at_hand(home) -> None:
    _, datasets = run_json("datasets")
    states = {entry["id"]: entry["state"] for entry in datasets}
    assert states["shapes"] == "ready"
    assert states["cifar10"] == "available"


def test_predict_gives_a_row_a_picture_and_goes_on_after_a_bad_one(home, tmp_path) -> None:
    good = picture_file(tmp_path)
    bad = tmp_path / "notes.png"
    bad.write_text("not a picture")
    code, rows = run_json("predict", "--run", home.run_id, str(good), str(bad), str(tmp_path / "missing.png"))
    assert code == 0
    assert [row["ok"] for row in rows] == [True, False, False]
    assert rows[0]["error"] is None and rows[1]["error"] and rows[2]["error"]
    assert sum(entry["probability"] for entry in rows[0]["top"]) == pytest.approx(1, abs=1e-5)
    assert set(rows[0]) == {
        "image",
        "ok",
        "error",
        "top",
        "known",
        "distance_percentile",
        "neighbours",
        "temperature",
    }
    assert 0 <= rows[0]["distance_percentile"] <= 100
    assert rows[0]["known"] == (rows[0]["distance_percentile"] <= 95)
    assert [set(each) for each in rows[0]["neighbours"]] == [{"index", "class", "distance"}] * 5
    assert (rows[1]["known"], rows[1]["neighbours"]) == (None, [])
    assert rows[0]["temperature"] == run_json("evaluate", "--run", home.run_id)[1]["temperature"] != 1


def test_export_answers_as_predict_does(home, tmp_path) -> None:
    code, out, err = run_command(
        "export", home.run_id, "--format", "keras", "--out", str(tmp_path / "model.keras")
    )
    assert code == 0, err
    order = ", ".join(f"{place}: “{name}”" for place, name in enumerate(SHAPES_CLASSES))
    assert f"probabilities of the classes, in this order: {order}." in out
    assert "whole numbers from 0 to 255. Do not divide them" in out and "model.keras.json" in out
    assert "from PIL import Image, ImageOps" in out
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    picture = picture_file(tmp_path)
    _, rows = run_json("predict", "--run", home.run_id, "--crop", "stretch", str(picture))
    red = np.full((1, 32, 32, 3), (255, 0, 0), np.uint8)
    temperature = json.loads((tmp_path / "model.keras.json").read_bytes())["temperature"]
    powers = np.asarray(model(red), np.float64)[0] ** (1 / temperature)
    expected = sorted(powers / powers.sum(), reverse=True)
    np.testing.assert_allclose([entry["probability"] for entry in rows[0]["top"]], expected, atol=1e-6)


def test_augment_writes_a_sheet(home, tmp_path) -> None:
    target = tmp_path / "sheet.png"
    code, _, err = run_command(
        "augment",
        "--preset",
        "article-augmented",
        "--dataset",
        "shapes",
        "--out",
        str(target),
        "--pictures",
        "2",
    )
    assert code == 0, err
    with Image.open(target) as sheet:
        assert sheet.size == (13 * 32 * 4, 2 * 32 * 4)


def test_augment_tells_what_it_drew_for_a_picture_of_one_s_own(home, tmp_path) -> None:
    target, own = tmp_path / "sheet.png", picture_file(tmp_path)
    source = ("augment", "--preset", "article-augmented", "--dataset", "shapes", "--out", str(target))
    code, out, err = run_command(*source, "--image", str(own))
    assert code == 0, err
    values = [line for line in out.splitlines() if line.startswith("  1.")]
    assert len(values) == 12 and "rotated" in out
    with Image.open(target) as sheet:
        assert sheet.size == (13 * 32 * 4, 32 * 4)
        assert sheet.convert("RGB").getpixel((64, 64)) == (255, 0, 0)
    (tmp_path / "no.png").write_bytes(b"no picture")
    code, _, err = run_command(*source, "--image", str(tmp_path / "no.png"))
    assert code == 2 and "no.png is not a picture" in err


def test_show_log_has_the_run_s_messages(home) -> None:
    code, told = run_json("show", home.run_id, "--log")
    assert code == 0
    assert any("parameters" in line["text"] for line in told["log"])
    assert "parameters" in run_command("show", home.run_id, "--log")[1]


def test_describe_has_the_hints_of_the_design_page(home) -> None:
    source = (
        "describe",
        "--preset",
        "article",
        "--dataset",
        "shapes",
        "--set",
        "augmentation.width_shift_fraction=0.5",
    )
    (hint,) = [hint for hint in run_json(*source)[1]["hints"] if "Shifts" in hint]
    assert hint in run_command(*source)[1]


def test_describe_has_every_layer(home) -> None:
    _, network = run_json("describe", "--preset", "article", "--dataset", "shapes")
    assert network["parameters"] == 744_874
    assert [layer["name"] for layer in network["layers"]][2] == "conv_1"
    _, out, _ = run_command(
        "describe", "--preset", "article", "--dataset", "shapes", "--set", "model.dense=[]"
    )
    assert "fc1" not in out


def test_doctor_says_what_is_missing(home) -> None:
    _, report = run_json("doctor")
    assert report["packages"]["keras"] == keras.__version__
    assert any("CIFAR-10" in advice for advice in report["advice"])


def test_rename_stop_resume_and_delete(workspace) -> None:
    _, run = run_json("train", "--preset", "tiny", "--dataset", "shapes", "--set", "dataset.num_train=50")
    assert run["state"] in ("WAITING", "STARTING")
    assert run_command("rename", run["id"], "Another name")[0] == 0
    code, stopped = run_json("stop", run["id"], "--wait")
    assert (code, stopped["state"], stopped["name"]) == (0, "STOPPED", "Another name")
    _, resumed = run_json("resume", run["id"])
    assert resumed["attempt"] == 2
    run_json("stop", run["id"], "--wait")
    code, out, _ = run_command("delete", run["id"])
    assert (code, out.splitlines()[0]) == (0, f"{run['id']} is deleted.")
    assert f"python -m core restore {run['id']}" in out
    assert run_json("runs")[1] == []


def test_a_failed_run_is_exit_code_1(workspace) -> None:
    code, run = run_json(
        "train", "--preset", "tiny", "--dataset", "shapes", "--set", "dataset.num_train=50",
        "--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e30", "--wait",
    )  # fmt: skip
    assert code == 1
    assert run["state"] == "FAILED"
    assert "became NaN" in run["error"]
    assert all(value is None or abs(value) < 1e300 for value in run["curves"]["train_loss"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--preset", "articel"], "There is no preset"),
        (["train", "--config", "no-such-file.json"], "cannot be read"),
        (["train", "--preset", "article", "--dataset", "cifar10"], "is not here yet"),
        (["train", "--preset", "article", "--dataset", "nothing"], "There is no data set"),
        (
            ["train", "--preset", "article", "--dataset", "shapes", "--set", "model.blocks[0].filters=-1"],
            "filters",
        ),
        (["train", "--preset", "article", "--dataset", "shapes", "--set", "nonsense"], "PATH=VALUE"),
        (
            ["train", "--preset", "article", "--dataset", "shapes", "--set", "dataset.num_train=999999"],
            "6,000",
        ),
        (
            [
                "train",
                "--preset",
                "article",
                "--dataset",
                "shapes",
                "--set",
                "model.blocks[1].kernel_sizes=[29]",
            ],
            "conv_2",
        ),
        (["show", "../../etc/passwd"], "no run"),
        (["predict", "--run", "nobody", "x.png"], "no run"),
        (["datasets", "add", "my-own", "no-such-file.npz"], "There is nothing at"),
        (["datasets", "add", "../x", "y.npz"], "lowercase letters"),
        (["datasets", "remove", "mnist"], "is not here"),
        (["fly"], "invalid choice"),
        (["train"], "--preset"),
    ],
)
def test_bad_arguments_are_exit_code_2_and_one_sentence(workspace, arguments: list[str], words: str) -> None:
    code, out, err = run_command(*arguments)
    assert code == 2
    assert words in err
    assert out == ""
    assert "Traceback" not in err
    assert len(run_json("runs")[1]) == 0


def test_a_config_file_is_what_train_runs(workspace, tmp_path) -> None:
    _, network = run_json("describe", "--preset", "tiny", "--dataset", "shapes")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(network["config"]))
    _, run = run_json(
        "train",
        "--config",
        str(path),
        "--set",
        "training.epochs=1",
        "--set",
        "dataset.num_train=40",
        "--wait",
    )
    assert run["state"] == "FINISHED"
    assert run["config"]["training"]["epochs"] == 1


TRAIN = ("train", "--preset", "tiny", "--dataset", "shapes", "--set", "dataset.num_train=50")


def test_a_workspace_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVDECK_HOME", str(tmp_path / "file"))
    for command in (("runs",), ("doctor",), TRAIN, ("show", "nobody")):
        code, out, err = run_command(*command)
        assert (code, out) == (2, "")
        assert err.startswith(f"convdeck: The workspace {tmp_path / 'file'} cannot be written: File exists.")
        assert len(err.splitlines()) == 1


def test_what_the_system_refuses_is_a_sentence(workspace, monkeypatch) -> None:
    def fail(path: object) -> None:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(shutil, "disk_usage", fail)
    code, out, err = run_command("doctor")
    assert (code, out) == (1, "")
    assert err == f"convdeck: {workspace.root}: Input/output error. Fix the cause and try again.\n"


def test_a_queue_that_nobody_can_serve_hides_no_queued_run(workspace, caplog) -> None:
    workspace.scheduler_log.mkdir()  # so that no scheduler can be started
    code, run = run_json(*TRAIN)
    assert (code, run["state"]) == (0, "WAITING")
    assert "runs wait" in caplog.text
    assert [each["id"] for each in run_json("runs")[1]] == [run["id"]]
    assert run_json("stop", run["id"])[1]["state"] == "STOPPED"
    assert run_json("resume", run["id"])[1]["state"] == "WAITING"
    assert run_command("delete", run["id"])[0] == 0
    assert len(caplog.records) == 1


def test_ctrl_c_ends_the_waiting_and_says_that_the_run_goes_on(workspace, monkeypatch) -> None:
    workspace.scheduler_log.mkdir()

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.cli.waiting.time.sleep", interrupt)
    code, out, err = run_command(*TRAIN, "--wait")
    (run,) = run_json("runs")[1]
    assert (code, out, run["state"]) == (130, "", "WAITING")
    assert err.endswith(f"The run continues; stop it with: python -m core stop {run['id']}\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_no_encoding_is_too_narrow_for_what_is_printed(home, encoding: str) -> None:
    def command(*arguments: str | bytes) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "core", *arguments],
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        return done.stdout.decode(encoding)

    with Store(home.workspace) as store:
        store.rename_run(home.run_id, "Größe → 😀")
    assert "Gr" in command("runs")  # "–" stands there for what is not known
    (run, *_) = json.loads(command("runs", "--json"))
    assert run["name"] == "Größe → 😀"
    missing = b"/no/such/\xff.png"  # a name that is no text in any encoding
    # For the best epoch it would be measured first what the run knows: by an engine, in vain.
    predict = ("predict", "--run", home.run_id, "--epoch", "last", missing)
    assert "cannot be read" in command(*predict)
    (row,) = json.loads(command(*predict, "--json"))
    assert row["image"] == "/no/such/\udcff.png"
    with Store(home.workspace) as store:
        store.rename_run(home.run_id, "A finished run")
