"""`evaluate` and `mistakes`: the fields that other programs read, and what people read."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from core.design.presets import get_preset
from core.store.records import RunRequest
from tests.core.conftest import run_command, run_json

FIELDS = [
    "run", "split", "epoch", "n", "accuracy", "accuracy_low", "accuracy_high", "loss", "top3_accuracy", "top5_accuracy",
    "ece", "temperature", "ece_calibrated", "class_names", "confusion", "classes",
]  # fmt: skip


@pytest.fixture(scope="module")
def evaluated(trained):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(trained.workspace.root))
        code, document = run_json("evaluate", "--run", trained.run_id)
        assert code == 0, document
        yield document


def test_evaluate_measures_the_best_epoch_on_the_test_pictures(home, evaluated) -> None:
    assert list(evaluated) == FIELDS
    _, shown = run_json("show", home.run_id)
    assert (evaluated["run"], evaluated["split"], evaluated["n"]) == (home.run_id, "test", 1500)
    assert evaluated["epoch"] == shown["best_epoch"]
    assert evaluated["class_names"] == shown["class_names"]
    confusion = np.array(evaluated["confusion"])
    assert confusion.shape == (10, 10)
    assert confusion.sum(axis=1).tolist() == [each["support"] for each in evaluated["classes"]] == [150] * 10
    assert evaluated["accuracy"] == pytest.approx(np.trace(confusion) / 1500)
    assert evaluated["accuracy_low"] < evaluated["accuracy"] < evaluated["accuracy_high"]
    assert [list(each) for each in evaluated["classes"]] == [
        ["class", "precision", "recall", "f1", "support"]
    ] * 10


def test_on_the_validation_pictures_the_accuracy_is_the_run_s_own(home, evaluated) -> None:
    _, validation = run_json("evaluate", "--run", home.run_id, "--split", "validation", "--epoch", "best")
    _, shown = run_json("show", home.run_id)
    assert validation["accuracy"] == pytest.approx(shown["best_val_accuracy"], abs=1e-6)
    assert validation["temperature"] == evaluated["temperature"]


def test_any_epoch_that_was_kept_can_be_measured(home) -> None:
    _, curves = run_json("confusions", "--run", home.run_id)
    for epoch in (1, 2):
        _, document = run_json(
            "evaluate", "--run", home.run_id, "--split", "validation", "--epoch", str(epoch)
        )
        assert document["epoch"] == epoch
        measured = np.trace(curves["confusion"][epoch - 1]) / 1500
        assert document["accuracy"] == pytest.approx(measured, abs=2.5 / 1500)
        _, rows = run_json("mistakes", "--run", home.run_id, "--split", "validation", "--epoch", str(epoch))
        assert len(rows) == round(1500 * (1 - document["accuracy"]))


def test_mistakes_are_the_pictures_that_evaluate_counts_as_wrong(home, evaluated) -> None:
    _, rows = run_json("mistakes", "--run", home.run_id, "--by", "confidence")
    assert len(rows) == round(1500 * (1 - evaluated["accuracy"]))
    fields = ["index", "label", "predicted", "probability", "loss", "file"]
    assert [list(each) for each in rows] == [fields] * len(rows)
    assert {each["file"] for each in rows} == {None}  # it was not imported from files
    assert [each["probability"] for each in rows] == sorted(
        (each["probability"] for each in rows), reverse=True
    )
    names = evaluated["class_names"]
    pairs = np.zeros((10, 10), int)
    for each in rows:
        pairs[names.index(each["label"]), names.index(each["predicted"])] += 1
    confusion = np.array(evaluated["confusion"])
    assert np.array_equal(pairs, confusion - np.diag(np.diag(confusion)))
    labels = np.repeat(np.arange(10), confusion.sum(axis=1))
    answers = np.concatenate([np.repeat(np.arange(10), row) for row in confusion])
    assert evaluated["accuracy"] == pytest.approx(accuracy_score(labels, answers))


def test_what_people_read(home, evaluated) -> None:
    code, out, _ = run_command("evaluate", "--run", home.run_id)
    assert code == 0
    assert (
        f"Epoch {evaluated['epoch']} is right on {100 * evaluated['accuracy']:.1f} % of 1,500 test pictures"
        in out
    )
    assert "circle" in out
    code, out, _ = run_command("mistakes", "--run", home.run_id, "--split", "validation")
    assert code == 0
    assert "of 1,500 validation pictures are wrong." in out
    assert len(out.splitlines()) == 22


@pytest.mark.parametrize("command", ["evaluate", "mistakes"])
def test_what_cannot_be_measured_is_said(home, command: str) -> None:
    code, _, err = run_command(command, "--run", home.run_id, "--epoch", "99")
    assert code == 2
    assert "There are: best (epoch" in err
    code, _, err = run_command(command, "--run", "nobody")
    assert code == 2
    assert "no run" in err


def test_confusions_over_the_epochs_end_with_those_that_are_measured_now(home) -> None:
    _, document = run_json("confusions", "--run", home.run_id)
    assert document["epoch"] == [1, 2, 3]
    _, last = run_json("evaluate", "--run", home.run_id, "--split", "validation", "--epoch", "last")
    assert document["confusion"][-1] == last["confusion"]
    assert (document["class_names"], document["split"], document["note"]) == (
        last["class_names"],
        "validation",
        None,
    )
    code, out, _ = run_command("confusions", "--run", home.run_id)
    assert code == 0
    assert out.splitlines()[0].split() == ["is", "taken", "for", "epoch", "1", "epoch", "3"]


def test_a_run_without_epochs_has_no_confusions(workspace, store) -> None:
    run = store.queue_run(RunRequest(get_preset("tiny").config))
    _, document = run_json("confusions", "--run", run.id)
    assert document["confusion"] == []
    assert document["note"]
    assert run_command("confusions", "--run", run.id)[1].strip() == document["note"]


def test_more_numbers_than_fit_are_asked_for_by_epoch(home, monkeypatch) -> None:
    monkeypatch.setattr("core.runs.breakdown.MOST_CONFUSION_NUMBERS", 250)
    code, _, err = run_command("confusions", "--run", home.run_id, "--json")
    assert (code, "of 3 epochs and 10 classes are more than 250 numbers. Ask for one epoch." in err) == (
        2,
        True,
    )
    _, document = run_json("confusions", "--run", home.run_id, "--epoch", "2")
    assert document["epoch"] == [2]
    for options in ((), ("--json",)):
        code, _, err = run_command("confusions", "--run", home.run_id, "--epoch", "9", *options)
        assert (code, "Epoch 9 was not measured. There are epochs 1 to 3." in err) == (2, True)
