"""Runs of other tools in the store: judged as ours, compared with ours, and refused where weights are needed."""

import json
import time
import zipfile
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.analysis.diagnosis import diagnose
from core.api.routes import build_routes
from core.bundles.arrivals import Wishes, import_any, is_bundle, look_at
from core.errors import BundleError, RecordError, RunError, UserError
from core.foreign.importing import already_here, here_in_words
from core.foreign.reading import Given
from core.report.shared_page import render_shared_run
from core.report.shared_run import shared_run_of
from core.runs.breakdown import confusions_document
from core.runs.verdicts import verdict_of
from tests.core.conftest import run_command, run_json
from tests.core.foreign.written import CURVES, KEYS, csv_of

ROWS = [(epoch, *row) for epoch, row in enumerate(CURVES)]
CSV = csv_of("epoch,loss,accuracy,val_loss,val_accuracy,f1", [(*row, 0.5) for row in ROWS])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(CSV)
    return path


@pytest.fixture
def run(workspace, store, file):
    (run,) = import_any(workspace, store, [Given(file, "mine.csv")])
    return run


def test_it_is_a_finished_run_with_curves_alone(store, run) -> None:
    assert (run.name, run.state, run.epoch, run.total_epochs) == ("mine", "FINISHED", 12, 12)
    assert (run.best_epoch, run.best_val_accuracy) == (6, 0.64)
    assert run.gap == pytest.approx(
        0.93 - 0.63
    )  # the lowest of the last three epochs, as no clean one is known
    assert (run.recorded_by, run.dataset, run.has_weights, run.can_resume) == (
        "Keras",
        "not known",
        False,
        False,
    )
    curves = store.curves(run.id)
    assert list(zip(*(curves[key] for key in KEYS), strict=True)) == CURVES
    assert [line.text for line in store.log(run.id)] == [
        "12 epochs from Keras: loss → train_loss, accuracy → train_accuracy, val_loss → val_loss, "
        "val_accuracy → val_accuracy.",
        "Not used: f1.",
    ]
    with pytest.raises(
        RunError, match="“mine” was imported from Keras: ConvDeck has its curves, but neither"
    ):
        _ = run.config


def test_the_verdict_is_that_of_the_same_curves_and_says_what_is_not_known(
    workspace, store, run, file
) -> None:
    curves = store.curves(run.id)
    diagnosis, expected = verdict_of(store, run, curves), diagnose(curves)
    assert diagnosis.verdict == "overfitting"
    doubt = " How many validation pictures there were is not known; 1,000 are assumed, and "
    doubt += "with fewer the curves say less."
    assert diagnosis == replace(expected, evidence=expected.evidence + doubt)
    (known,) = import_any(workspace, store, [Given(file, "mine.csv")], Wishes(validation_pictures=10_000))
    assert verdict_of(store, known, curves) == diagnose(curves, num_validation=10_000)


def test_a_name_that_is_wished_and_one_that_is_hostile(workspace, store, file, tmp_path) -> None:
    (run,) = import_any(workspace, store, [Given(file, "mine.csv")], Wishes(name=" Theirs "))
    assert run.name == "Theirs"
    with pytest.raises(RunError, match="at most 120 characters"):
        import_any(workspace, store, [Given(file, "mine.csv")], Wishes(name="x" * 121))
    with pytest.raises(RecordError, match="1 to 100,000,000 pictures, not 0"):
        import_any(workspace, store, [Given(file, "mine.csv")], Wishes(validation_pictures=0))
    path = tmp_path / "h.csv"
    path.write_bytes(
        csv_of("run_name,step,loss", [("a\u202eb\x07 " + "x" * 300, 0, 1), ("two", 0, 2), ("", 0, 3)])
    )
    before = len(store.list_runs())
    runs = import_any(workspace, store, [Given(path, "\u202e.csv")])
    assert len(store.list_runs()) == before + 3
    assert all(
        "\u202e" not in each.name and "\x07" not in each.name and 0 < len(each.name) <= 120 for each in runs
    )


def test_several_runs_come_all_or_not_at_all(workspace, store, tmp_path, monkeypatch) -> None:
    path = tmp_path / "h.csv"
    path.write_bytes(csv_of("run_name,step,loss", [("one", 0, 1), ("two", 0, 2)]))
    from core.store import run_tables

    calls = []

    def fail_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise RunError("full")

    with monkeypatch.context() as patch:
        patch.setattr(run_tables, "summarise", fail_second)
        with pytest.raises(RunError, match="full"):
            import_any(workspace, store, [Given(path, "h.csv")])
    assert store.list_runs() == [] and not list(workspace.runs.iterdir())


def test_the_command_takes_several_files_and_says_what_it_made_of_them(workspace, file, tmp_path) -> None:
    code, answer = run_json("import", str(file), "--name", "Theirs", "--validation-pictures", "5000")
    assert (code, answer["name"], answer["state"], answer["best_epoch"]) == (0, "Theirs", "FINISHED", 6)
    assert answer["runs"] == [answer["id"]] and answer["notes"][1] == "Not used: f1."
    code, shown = run_json("show", answer["id"])
    assert code == 0 and shown["origin"]["tool"] == "Keras" and shown["config"] is None
    assert shown["verdict"]["verdict"] == "overfitting" and "is not known" not in shown["verdict"]["evidence"]
    code, out, _ = run_command("import", str(file))
    assert code == 0 and "“mine” imported as" in out and "from Keras." in out
    other = tmp_path / "a.csv"
    other.write_bytes(b"Hello")
    for arguments, sentence in (
        ((str(other),), "a.csv is nothing that can be imported"),
        ((str(other), "--format", "json"), "is neither valid JSON"),
        ((str(tmp_path / "none.csv"),), "none.csv cannot be read: No such file"),
        ((str(file), "--format", "tensorboard"), "is no event file of TensorBoard"),
    ):
        code, out, err = run_command("import", *arguments)
        assert (code, out) == (2, "") and sentence in err and "Traceback" not in err


def test_what_needs_weights_or_settings_refuses_in_a_sentence(workspace, store, run, tmp_path) -> None:
    out = str(tmp_path / "out")
    picture = tmp_path / "p.png"
    picture.write_bytes(b"x")
    for arguments in (
        ("resume", run.id),
        ("fork", run.id, "--set", "training.epochs=2"),
        ("export", run.id, "--format", "onnx", "--out", out),
        ("export", run.id, "--format", "bundle", "--out", out),
        ("export", run.id, "--format", "script", "--out", out),
        ("evaluate", "--run", run.id),
        ("mistakes", "--run", run.id),
        ("predict", "--run", run.id, str(picture)),
        ("robustness", run.id, "--knob", "rotation"),
        ("report", run.id, "--out", out),
    ):
        code, said, err = run_command(*arguments)
        assert code == 2 and err.startswith("convdeck: ") and "Traceback" not in err, (arguments, said, err)
        assert any(word in err for word in ("imported from Keras", "trained elsewhere", "has finished")), (
            arguments,
            err,
        )
    for arguments in (("runs",), ("compare",), ("show", run.id)):
        code, said, err = run_command(*arguments)
        assert code == 0, (arguments, err)


def test_rest_takes_files_and_refuses_in_words(workspace, store) -> None:
    with TestClient(Starlette(routes=build_routes())) as client:
        history = json.dumps({"loss": [2, 1], "val_loss": [3, 2]})
        sent = client.post(
            "/api/v1/imports",
            files=[("file", ("mine.json", history))],
            data={"name": "R", "validation_pictures": "500"},
        )
        assert sent.status_code == 200, sent.text
        answer = sent.json()
        assert (answer["name"], answer["runs"]) == ("R", [answer["id"]])
        assert client.get(f"/api/v1/runs/{answer['id']}").json()["origin"]["tool"] == "Keras"
        two = client.post("/api/v1/imports", files=[("file", ("a.csv", CSV)), ("file", ("b.csv", CSV))])
        assert two.status_code == 200 and len(two.json()["runs"]) == 2
        before = len(store.list_runs())
        for files, data, sentence in (
            ([("file", ("a.csv", b"x"))], {}, "a.csv is nothing that can be imported"),
            (
                [("file", ("a.csv", CSV))],
                {"format": "xml"},
                "The format can be tensorboard, csv, json, not 'xml'.",
            ),
            ([("file", ("a.csv", CSV))], {"validation_pictures": "many"}, "must be a whole number"),
            ([], {"name": "x"}, "multipart form"),
        ):
            refused = client.post("/api/v1/imports", files=files, data=data)
            assert refused.status_code == 400 and sentence in refused.json()["error"], refused.text
        assert len(store.list_runs()) == before


def test_visitors_own_what_they_import(workspace, store, file, anna) -> None:
    from core.visitors.person import acting_as

    with acting_as(anna):
        (run,) = import_any(workspace, store, [Given(file, "mine.csv")])
    assert run.visitor == anna.id


def test_a_bundle_comes_by_itself(workspace, store, file, tmp_path) -> None:
    bundle = tmp_path / "b.zip"
    bundle.write_bytes(b"PK\3\4 half")
    with pytest.raises(UserError, match=r"is a bundle. Import it by itself"):
        import_any(workspace, store, [Given(bundle, "b.zip"), Given(file, "mine.csv")])


def test_the_gap_is_the_one_of_the_verdict(workspace, store, run) -> None:
    diagnosis = verdict_of(store, run, store.curves(run.id))
    assert diagnosis.gap == pytest.approx(0.30) == run.gap


def test_the_same_curves_are_known_again_whatever_they_are_called(
    workspace, store, run, file, tmp_path
) -> None:
    (found,) = look_at([Given(file, "other.csv")])
    assert already_here(store, [found]) == [run]
    assert here_in_words([found], [run]) == [f"Already here: run {run.id}, “mine”. Import adds it once more."]
    changed = tmp_path / "changed.csv"
    changed.write_bytes(CSV.replace(b"0.1,", b"0.11,"))
    assert already_here(store, look_at([Given(changed, "mine.csv")])) == [None]
    (again,) = import_any(workspace, store, [Given(file, "mine.csv")])
    assert store.log(again.id)[-1].text == f"The same curves were here already, as run {run.id}."


def test_epochs_of_an_import_are_limited_and_written_at_once(workspace, store, tmp_path, monkeypatch) -> None:
    path = tmp_path / "many.csv"
    path.write_bytes(
        csv_of("run_name,epoch,loss", [(name, epoch, 1.0) for name in "abcdef" for epoch in range(20_000)])
    )
    with pytest.raises(
        RecordError, match="holds 120,000 epochs in all; at most 100,000 can be imported at once"
    ):
        import_any(workspace, store, [Given(path, "many.csv")])
    path.write_bytes(
        csv_of("run_name,epoch,loss", [(name, epoch, 1.0) for name in "ab" for epoch in range(20_000)])
    )
    began = time.process_time()
    runs = import_any(workspace, store, [Given(path, "many.csv")])
    assert [run.epoch for run in runs] == [20_000, 20_000] and time.process_time() - began < 10


def test_what_it_lacks_is_said_as_of_a_run_of_another_tool(workspace, store, run) -> None:
    assert confusions_document(workspace, run, None)["note"] == (
        "Keras has recorded curves alone: which classes the network confuses is not known."
    )
    with pytest.raises(UserError, match="“mine” was imported from Keras: ConvDeck has its curves alone"):
        store.interventions.request(run.id, "pause")
    page = render_shared_run(shared_run_of(workspace, store, run), 0.0)
    assert f"Run {run.id} recorded by Keras, finished after 12 of 12 epochs." in page
    assert "not known, finished" not in page and "The curves are as Keras has recorded them." in page
    assert "with augmentation and dropout on" not in page


def test_the_list_of_a_zip_is_looked_at_before_it_is_opened(tmp_path, monkeypatch) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3000):
            archive.writestr(f"{number:05}" + "x" * 300, b"")
    with pytest.raises(RecordError, match="lists far more than 2,000 files"):
        look_at([Given(path, "many.zip")])

    def fail(*_):
        raise AssertionError("opened")

    monkeypatch.setattr(zipfile, "ZipFile", fail)
    assert not is_bundle(path)


def test_a_broken_zip_is_refused_when_it_is_looked_at(tmp_path) -> None:
    path = tmp_path / "b"
    path.write_bytes(b"PK\3\4 half")
    with pytest.raises(BundleError, match=r"b\.zip is no whole zip"):
        look_at([Given(path, "b.zip")])
