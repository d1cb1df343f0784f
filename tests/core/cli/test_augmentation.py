"""Commands about augmentation, with the real engine, which is started once for all of them."""

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from core.augmentation import robustness
from core.cli import augmentation
from core.config import ExperimentConfig
from core.datasets.splits import load_split
from core.design.presets import PRESETS
from core.store.store import Store
from core.training.arrays import training_set
from core.training.pipeline import batches
from tests.core.conftest import run_command, run_json


@pytest.fixture(autouse=True)
def shared_engine(home, engine, monkeypatch) -> None:
    class Shared:
        """The engine that stays: a command would close its own."""

        def __getattr__(self, name):
            return getattr(engine, name)

        def close(self) -> None:
            pass

    monkeypatch.setattr(augmentation, "Engine", lambda workspace: Shared())


def test_a_run_is_asked_about_each_variant(home, engine, tmp_path) -> None:
    source = (
        "augment",
        "--preset",
        "article-augmented",
        "--dataset",
        "shapes",
        "--out",
        str(tmp_path / "x.png"),
    )
    code, out, _ = run_command(*source, "--pictures", "1", "--run", home.run_id)
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 14
    flips = sum("(another class)" in line for line in lines)
    assert f"{flips} of 12 variants change that" in lines[1]
    named = lines[1].partition("classified as ")[2].partition(" (")[0]
    for line in lines[2:]:
        assert (f": {named} " in line) == ("(another class)" not in line)


def test_the_article_s_generator_is_printed_too() -> None:
    mild = ("augment", "--preset", "article-augmented", "--dataset", "shapes")
    code, out, _ = run_command(*mild, "--code", "generator")
    assert code == 0 and "rotation_range=20," in out and "RandomRotation" not in out


def test_the_code_of_a_policy_is_printed_and_runs() -> None:
    code, out, _ = run_command("augment", "--preset", "article-augmented", "--dataset", "shapes", "--code")
    assert code == 0 and "RandomRotation(20 / 360" in out
    found: dict[str, object] = {}
    exec(out, found)
    assert "augmentation" in found
    code, _, err = run_command("augment", "--preset", "article-augmented", "--dataset", "shapes")
    assert code == 2 and "--out" in err


def test_a_batch_is_the_one_that_trains(home, tmp_path) -> None:
    with Store(home.workspace) as store:
        config = store.get_run(home.run_id).config
    data = training_set(load_split(home.workspace, config.dataset, config.seed))
    _, (images, labels) = islice(batches(config, data, 0), 2)
    target = tmp_path / "batch.png"
    code, shown = run_json("batch", "--run", home.run_id, "--step", "2", "--out", str(target))
    assert code == 0
    assert (shown["epoch"], shown["step"], shown["steps"], shown["seed"]) == (1, 2, 5, config.seed)
    assert shown["pictures"] == len(shown["shown"]) == 64
    sheet = np.asarray(Image.open(target).resize((8 * 32, 8 * 32), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(sheet[32:64, :32], images[8])
    names = load_split(home.workspace, config.dataset, 0).class_names
    assert [list(entry["label"]) for entry in shown["shown"]] == [
        [names[place]] for place in labels.argmax(axis=1)
    ]


def test_a_batch_of_an_epoch_that_was_added(home, tmp_path, monkeypatch) -> None:
    run = Store(home.workspace).get_run(home.run_id)
    longer = replace(run, total_epochs=run.total_epochs + 2, added_epochs=2)
    monkeypatch.setattr(Store, "get_run", lambda *_: longer)
    target = str(tmp_path / "batch.png")
    code, shown = run_json("batch", "--run", home.run_id, "--epoch", "5", "--out", target)
    assert code == 0 and (shown["epoch"], shown["epochs"]) == (5, 5)
    code, _, err = run_command("batch", "--run", home.run_id, "--epoch", "6", "--out", target)
    assert code == 2 and "There is no epoch 6" in err


def test_a_mixed_batch_tells_the_shares(tmp_path) -> None:
    path = tmp_path / "config.json"
    config = PRESETS["tiny"].config.with_values({"dataset.id": "shapes", "augmentation.mixup_alpha": 1.0})
    path.write_text(ExperimentConfig.to_json(config))
    target = str(tmp_path / "batch.png")
    _, shown = run_json("batch", "--config", str(path), "--set", "training.batch_size=7", "--out", target)
    for entry in shown["shown"]:
        assert sum(entry["label"].values()) == pytest.approx(1, abs=1e-5)
        assert list(entry["label"].values()) == sorted(entry["label"].values(), reverse=True)
    assert any(len(entry["label"]) == 2 for entry in shown["shown"])
    code, out, _ = run_command("batch", "--config", str(path), "--out", target)
    assert code == 0 and "of another picture" in out
    code, _, err = run_command("batch", "--config", str(path), "--epoch", "99", "--out", target)
    assert code == 2 and "There is no epoch 99" in err


def test_what_a_run_stands_is_measured_once(home, engine, monkeypatch) -> None:
    monkeypatch.setattr(robustness, "MOST_PICTURES", 100)
    code, found = run_json("robustness", home.run_id, "--knob", "contrast")
    assert code == 0
    assert found["level"] == list(robustness.KNOBS["contrast"].levels)
    assert len(found["accuracy"]) == len(found["level"]) and found["num_pictures"] == 100
    assert all(0 <= value <= 1 for value in found["accuracy"])
    assert found["trained"] is None
    monkeypatch.setattr(type(engine), "count_right", None)
    code, out, _ = run_command("robustness", home.run_id, "--knob", "contrast")
    assert code == 0 and "On 100 validation pictures" in out
    assert len(out.splitlines()) == 1 + len(found["level"]) + 2
    assert json.loads(json.dumps(found)) == run_json("robustness", home.run_id, "--knob", "contrast")[1]
