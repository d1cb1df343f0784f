"""Studies by the command line, one of them through real workers."""

import json

import pytest

from core.store.records import RunRequest
from core.store.store import Store
from core.studies import start
from tests.core.conftest import run_command, run_json
from tests.core.studies.ended import FLIPPED, TINY, create, end, end_all, save_weights, spec

SMALL = (
    "--preset",
    "tiny",
    "--dataset",
    "shapes",
    "--set",
    "dataset.num_train=60",
    "--set",
    "training.epochs=1",
)


@pytest.fixture
def unserved(workspace, monkeypatch):
    """A workspace whose queue nobody serves."""
    monkeypatch.setattr(start, "ensure_scheduler", lambda workspace: None)
    return workspace


def test_a_real_one_from_start_to_result(home, wait_for) -> None:
    # The first seed of a run that is there already is that run: a single one is trained, beside it.
    code, shown = run_json("study", "seeds", "--run", home.run_id, "--seeds", "2", "--wait")
    assert code == 0, shown
    try:
        assert (shown["num_planned"], shown["num_finished"], shown["partial"]) == (2, 2, False)
        assert [run["state"] for run in shown["runs"]] == ["FINISHED", "FINISHED"]
        assert [run["seed"] for run in shown["runs"]] == [0, 1]
        assert [run["reused"] for run in shown["runs"]] == [True, False]
        values = [run["best_val_accuracy"] for run in shown["runs"]]
        (config,) = shown["result"]["configs"]
        assert config["best_val_accuracy"]["mean"] == pytest.approx(sum(values) / 2)
        assert config["epochs"][0]["epoch"] == 1

        # Once more: the runs are there already.
        code, again = run_json("study", "seeds", "--run", home.run_id, "--seeds", "2", "--wait")
        assert code == 0 and again["id"] != shown["id"]
        assert [run["id"] for run in again["runs"]] == [run["id"] for run in shown["runs"]]
        assert all(run["reused"] for run in again["runs"])
        assert run_json("show-study", again["id"]) == (0, again)
        assert [study["id"] for study in run_json("studies")[1]] == [again["id"], shown["id"]]
        assert run_command("delete-study", again["id"], "--with-runs")[0] == 0
        assert len(run_json("runs")[1]) == 2
    finally:
        # The workspace is that of other tests too. On a busy machine a process takes its time to end.
        with Store(home.workspace) as store:
            wait_for(lambda: all(run.pid is None for run in store.list_runs()), timeout=120)
        assert run_command("delete-study", shown["id"], "--with-runs")[0] == 0
    assert [run["id"] for run in run_json("runs")[1]] == [home.run_id]


def test_every_kind_is_planned_from_its_options(unserved) -> None:
    for arguments, conditions in (
        (("seeds", "--against-set", "augmentation.hue=0.1", "--seeds", "2"), ["first", "second"] * 2),
        (("ablation", "--set", "augmentation.hue=0.1", "--set", "augmentation.zoom_fraction=0.1", "--mode", "without"),
         ["full", "none", "without:zoom", "without:hue"]),
        (("volume", "--sizes", "60,600"), ["size:60", "size:600"]),
        (("noise", "--fractions", "0,0.5"), ["noise:0.0", "noise:0.5"]),
    ):  # fmt: skip
        kind, *rest = arguments
        code, shown = run_json("study", kind, *SMALL, *rest, "--name", "Mine")
        assert code == 0, shown
        assert (shown["kind"], shown["name"], shown["partial"]) == (kind, "Mine", True)
        assert [run["arms"][0] for run in shown["runs"]] == conditions


def test_seeds_until_it_is_decided(unserved) -> None:
    arguments = ("seeds", *SMALL, "--against-set", "augmentation.hue=0.1", "--until-decided")
    code, shown = run_json("study", *arguments, "--max-seeds", "12", "--smallest-difference", "0.01")
    assert code == 0 and shown["num_planned"] == 8, shown
    assert (shown["until_decided"], shown["adding_seeds"]) == (True, True)
    assert shown["standing"].endswith("Seeds are added until it is decided, 12 at most.")
    decision = shown["result"]["decision"]
    assert (decision["decided"], decision["max_seeds"], decision["looks"]) == (False, 12, [])
    code, text, _ = run_command("stop-study", shown["id"])
    assert code == 0 and "No more seeds are added, because it was stopped." in text
    code, resumed = run_json("resume-study", shown["id"], "--max-seeds", "30")
    assert code == 0 and resumed["adding_seeds"] and resumed["result"]["decision"]["max_seeds"] == 30
    assert run_command("study", *arguments[:-1], "--max-seeds", "12")[0] == 2


def test_a_run_against_a_run_and_against_a_preset(unserved) -> None:
    with Store(unserved) as store:
        first, second = (
            store.queue_run(RunRequest(TINY, "one")),
            store.queue_run(RunRequest(FLIPPED, "other")),
        )
    code, shown = run_json("study", "seeds", "--run", first.id, "--against-run", second.id, "--seeds", "2")
    assert code == 0, shown
    assert [run["id"] for run in shown["runs"]][:2] == [first.id, second.id]
    assert [run["reused"] for run in shown["runs"]] == [True, True, False, False]
    assert shown["name"] == "Signal or noise: one and other"
    code, shown = run_json("study", "seeds", *SMALL, "--against-preset", "article")
    assert code == 0 and {run["dataset"] for run in shown["runs"]} == {"shapes"}


def test_tables_for_people(unserved) -> None:
    with Store(unserved) as store:
        two = spec("ablation", FLIPPED, num_seeds=2)
        for asked in (spec("seeds", TINY, FLIPPED), spec(), two, spec("volume"), spec("noise")):
            study = create(store, asked)
            end_all(store, study, lambda role: 0.5 + 0.01 * role.seed, lambda role: 0.1)
            code, out, _ = run_command("show-study", study.id)
            assert code == 0 and "runs have finished" in out and "%" in out
        lost, changed = (member.run for member in store.studies.members(study.id)[:2])
        store.trash.put(lost.id)
        with store._database.writing() as connection:
            connection.execute("UPDATE runs SET added_epochs = 5 WHERE id = ?", (changed.id,))
    shown = run_command("show-study", study.id)[1]
    assert "deleted" in shown and f"({changed.id}): changed during training" in shown
    # A study that lost a run is not whole.
    (line,) = (line for line in run_command("studies")[1].splitlines() if study.id in line)
    assert line.endswith("3/4")


@pytest.mark.parametrize("name", ["two\nlines", "half \udcff", " ", "x" * 200])
def test_a_file_s_name_becomes_part_of_a_run_s(unserved, tmp_path, name) -> None:
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(TINY.to_dict()))
    code, shown = run_json("study", "seeds", "--config", str(path), "--seeds", "2")
    assert code == 0, shown
    for run in shown["runs"]:
        assert run["name"].isprintable() and run["name"].encode()


def test_stop_resume_and_delete(unserved) -> None:
    _, shown = run_json("study", "seeds", *SMALL)
    study = shown["id"]
    _, stopped = run_json("stop-study", study)
    assert {run["state"] for run in stopped["runs"]} == {"STOPPED"}
    assert "3 did not finish" in stopped["standing"]
    _, resumed = run_json("resume-study", study)
    assert {run["state"] for run in resumed["runs"]} == {"WAITING"}
    run_json("stop-study", study)
    assert run_command("delete-study", study, "--with-runs")[0] == 0
    assert run_json("runs") == (0, [])
    assert run_command("show-study", study)[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("study",),
        ("study", "seeds"),
        ("study", "seeds", "--preset", "nothing"),
        ("study", "seeds", "--run", "nothing"),
        ("study", "seeds", *SMALL, "--seeds", "1"),
        ("study", "seeds", *SMALL, "--against-set", "seed=4"),
        ("study", "ablation", *SMALL),
        ("study", "ablation", *SMALL, "--mode", "within"),
        ("study", "volume", *SMALL, "--sizes", "many"),
        ("study", "volume", *SMALL, "--sizes", "60,6001"),
        ("study", "volume", *SMALL, "--sizes", f"60,1{'0' * 400}"),
        ("study", "noise", *SMALL, "--fractions", "0,2"),
        ("study", "noise", *SMALL, "--sizes", "60,600"),
        ("show-study", "nothing"),
        ("stop-study", "nothing"),
        ("delete-study", "nothing"),
    ],
)
def test_bad_arguments_are_refused_in_words(unserved, arguments) -> None:
    code, out, err = run_command(*arguments)
    assert (code, out) == (2, "") and err
    assert "Traceback" not in err
    assert run_json("runs") == (0, [])


def test_against_random_weights_in_one_step(unserved, store) -> None:
    source = end(store, store.queue_run(RunRequest(TINY, "source")))
    save_weights(unserved, source)
    started = TINY.with_values({"model.start_from": source.id, "model.frozen_blocks": 2})
    run = store.queue_run(RunRequest(started, "built on it"))
    code, shown = run_json("study", "seeds", "--run", run.id, "--against-scratch", "--seeds", "2")
    assert code == 0, shown
    configs = [store.get_run(each["id"]).config for each in shown["runs"]]
    assert sorted((each.seed, each.model.start_from or "", each.model.frozen_blocks) for each in configs) == [
        (0, "", 0), (0, source.id, 2), (1, "", 0), (1, source.id, 2),
    ]  # fmt: skip
    names = {store.get_run(each["id"]).name for each in shown["runs"]}
    assert "built on it: random weights, seed 1" in names
    code, _, problem = run_command("study", "seeds", "--run", source.id, "--against-scratch")
    assert code == 2 and "“source” starts from random weights itself" in problem


def test_describe_says_what_is_taken(unserved, store) -> None:
    source = end(store, store.queue_run(RunRequest(TINY, "source")))
    save_weights(unserved, source, classes=4)
    asked = ("describe", "--preset", "tiny", "--dataset", "shapes", "--set", f"model.start_from={source.id}")
    code, described = run_json(*asked, "--set", "model.frozen_blocks=2")
    assert code == 0
    # 24·10 + 10: the output layer alone is trained.
    assert described["trainable_parameters"] == 250
    assert [each["taken"] for each in described["start"]] == [True] * 4 + [False]
    code, out, _ = run_command(*asked)
    assert (
        "Starts from the weights of “source”. Taken: conv_1, batch_norm_1, conv_2, batch_norm_2. New: " in out
    )
    assert "softmax (10 classes instead of 4)." in out
    (unserved.run_folder(source.id) / "best-000002.keras").unlink()
    code, _, problem = run_command(*asked)
    assert code == 2 and "needs a run with weights: “source” has none" in problem
