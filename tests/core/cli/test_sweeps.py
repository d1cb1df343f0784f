"""Sweeps by the command line, without the search: what is printed, refused and changed."""

import json
import re

import pytest

from core.cli import sweeps as commands
from core.preflight.measurement import Preflight
from core.runs import trash
from core.store.store import Store
from core.sweeps import control, start
from core.workspace import PROJECT_ROOT
from tests.core.conftest import run_command, run_json
from tests.core.sweeps.trials import BASE, FILTERS, add_next, end_trial

PATH = "model.blocks[0].filters"


@pytest.fixture
def unserved(workspace, monkeypatch):
    """A workspace whose queue nobody serves."""
    for module in (start, control, trash):
        monkeypatch.setattr(module, "ensure_scheduler", lambda workspace: None)
    return workspace


@pytest.fixture
def file(tmp_path):
    def write(content=None, **asked):
        path = tmp_path / "sweep.json"
        values = {**BASE, "space": FILTERS, "method": "grid", **asked}
        path.write_text(json.dumps(values) if content is None else content)
        return str(path)

    return write


def test_a_real_one_is_searched_from_its_file_to_its_end(home, file, wait_for) -> None:
    # One of the two choices is the run that is there already: a single one is trained, beside it.
    asked = {"run": home.run_id, "space": {"training.epochs": {"values": [1, 3]}}, "method": "grid"}
    code, shown = run_json("sweep", file(json.dumps(asked)), "--wait")
    assert code == 0, shown
    try:
        assert (shown["state"], shown["planned"]) == ("FINISHED", 2)
        assert [
            (each["values"], each["state"], each["origin"], each["epochs"]) for each in shown["trials"]
        ] == [
            ({"training.epochs": 3}, "FINISHED", "found", 3),
            ({"training.epochs": 1}, "FINISHED", "search", 1),
        ]
        assert shown["trials"][0]["runs"] == [home.run_id]
        runs = {run["id"]: run["best_val_accuracy"] for run in run_json("runs")[1]}
        assert len(runs) == 2
        assert [each["objective"] for each in shown["trials"]] == [
            runs[each["runs"][0]] for each in shown["trials"]
        ]
        assert shown["best"]["objective"] == max(runs.values())

        # Once more: all of its trials are there already.
        code, again = run_json("sweep", file(json.dumps(asked)), "--wait")
        assert (code, again["state"]) == (0, "FINISHED") and again["id"] != shown["id"]
        assert {each["origin"] for each in again["trials"]} == {"found"}
        assert run_command("delete-sweep", again["id"], "--with-runs")[0] == 0
        assert len(run_json("runs")[1]) == 2
    finally:
        # The workspace is that of other tests too. On a busy machine a process takes its time to end.
        with Store(home.workspace) as store:
            wait_for(lambda: all(run.pid is None for run in store.list_runs()), timeout=120)
        assert run_command("delete-sweep", shown["id"], "--with-runs")[0] == 0
    assert [run["id"] for run in run_json("runs")[1]] == [home.run_id]


def test_a_sweep_from_its_file_to_its_confirmation(unserved, file) -> None:
    assert run_command("sweeps")[1].startswith("No sweeps yet.")
    code, shown = run_json("sweep", file(name="Which filters?"))
    assert (code, shown["name"], shown["state"], shown["planned"], shown["trials"]) == (
        0, "Which filters?", "RUNNING", 4, [],
    )  # fmt: skip
    sweep_id = shown["id"]
    with Store(unserved) as store:
        sweep = store.sweeps.get(sweep_id)
        for accuracy in (0.5, 0.7):
            end_trial(store, add_next(store, sweep), accuracy)
    assert run_json("add-trial", sweep_id, "--set", f"{PATH}=32")[1]["values"] == {PATH: 32}
    assert run_json("pause-sweep", sweep_id)[1]["state"] == "PAUSED"
    code, out, error = run_command("pause-sweep", sweep_id)
    assert (code, out) == (2, "") and "is paused" in error
    assert run_json("resume-sweep", sweep_id)[1]["state"] == "RUNNING"
    changed = run_json("change-sweep", sweep_id, "--trials", "4", "--concurrency", "2", "--name", "Filters")[
        1
    ]
    assert (changed["planned"], changed["concurrency"], changed["name"]) == (4, 2, "Filters")
    assert run_json("change-sweep", sweep_id, "--concurrency", "0")[1]["concurrency"] is None
    assert run_command("change-sweep", sweep_id)[0] == 2
    assert run_command("change-sweep", sweep_id, "--trials", "3", "--concurrency", "-1")[0] == 2
    assert run_json("show-sweep", sweep_id)[1]["planned"] == 4

    stopped = run_json("stop-sweep", sweep_id)[1]
    assert [trial["state"] for trial in stopped["trials"]] == ["FINISHED", "FINISHED", "STOPPED"]
    code, confirmed = run_json("confirm-sweep", sweep_id, "--seeds", "2")
    assert code == 0 and [len(each["runs"]) for each in confirmed["confirmed"]["trials"]] == [2, 2]
    with Store(unserved) as store:
        for trial, accuracies in zip(
            store.sweeps.trials(sweep_id), ((0.5, 0.51), (0.7, 0.705)), strict=False
        ):
            end_trial(store, trial, accuracies, purpose="confirm")

    code, out, _ = run_command("show-sweep", sweep_id)
    assert code == 0
    for said in (
        f"Filters ({sweep_id}): STOPPED. 3 of 4 trials have ended: 2 finished, 1 stopped.",
        "The best is trial 1, 70.0 %: Filters 8 in block 1.",
        "Trial 1 beats trial 0",
    ):
        assert said in out
    shown = run_json("show-sweep", sweep_id)[1]
    assert {key: shown["best"][key] for key in ("number", "values", "objective")} == {
        "number": 1, "values": {PATH: 8}, "objective": 0.7,
    }  # fmt: skip
    (listed,) = run_json("sweeps")[1]
    assert listed.items() <= shown.items()
    assert f"{sweep_id}  Filters  STOPPED  3/4" in run_command("sweeps")[1]
    assert run_command("delete-sweep", sweep_id) == (0, f"{sweep_id} is deleted.\n", "")
    assert run_json("sweeps") == (0, []) and len(run_json("runs")[1]) == 7
    assert run_command("show-sweep", sweep_id)[0] == 2


def test_what_fresh_seeds_reached_takes_the_place_of_the_guess_at_luck(unserved, file) -> None:
    sweep_id = run_json("sweep", file(seeds=2))[1]["id"]
    with Store(unserved) as store:
        sweep = store.sweeps.get(sweep_id)
        for accuracy in ((0.5, 0.51), (0.6, 0.61), (0.713, 0.715)):
            end_trial(store, add_next(store, sweep), accuracy)
    before = run_command("show-sweep", sweep_id)[1]
    assert "With other seeds" in before and "fresh seeds" not in before
    assert run_command("confirm-sweep", sweep_id, "--seeds", "2")[0] == 0
    with Store(unserved) as store:
        for trial, accuracies in zip(
            store.sweeps.trials(sweep_id), ((0.5, 0.51), (0.6, 0.61), (0.706, 0.708)), strict=True
        ):
            end_trial(store, trial, accuracies, purpose="confirm")
    after = run_command("show-sweep", sweep_id)[1]
    # (70.6 + 70.8) / 2
    assert "With 2 fresh seeds: 70.7 % on average (in the search: 71.4 %)." in after
    assert "luck" not in after and "With other seeds" not in after and "really the best" not in after
    curse = run_json("show-sweep", sweep_id)[1]["honesty"]["winners_curse"]
    assert curse["sentence"] and curse["chance_sentence"]


def test_a_best_trial_at_the_level_of_guessing_is_called_so(unserved, file) -> None:
    sweep_id = run_json("sweep", file())[1]["id"]
    with Store(unserved) as store:
        sweep = store.sweeps.get(sweep_id)
        for accuracy in (0.09, 0.11):
            end_trial(store, add_next(store, sweep), accuracy)
        with store._database.writing() as connection:
            names = json.dumps(list("abcdefghij"))
            connection.execute("UPDATE runs SET class_names = ?, data_num_validation = 1500", (names,))
    out = run_command("show-sweep", sweep_id)[1]
    assert "The best is trial 1, 11.0 %" in out
    assert "Even the best trial is at the level of guessing (10 % with 10 classes)" in out


def test_a_trial_that_cannot_be_built_is_shown_with_its_reason(unserved, file) -> None:
    shown = run_json("sweep", file(objective=["val_accuracy", "parameters"]))[1]
    with Store(unserved) as store:
        store.sweeps.add_trial(shown["id"], 0, {PATH: 4}, (), error="The kernel is larger than the picture.")
    out = run_command("show-sweep", shown["id"])[1]
    assert "1 trial, numbered from 0:" in out
    assert "Trial 0: The kernel is larger than the picture." in out
    (trial,) = run_json("show-sweep", shown["id"])[1]["trials"]
    assert (trial["state"], trial["error"], trial["runs"]) == (
        "FAILED", "The kernel is larger than the picture.", [],
    )  # fmt: skip


def test_an_estimate_counts_and_prices_without_starting(unserved, file, monkeypatch) -> None:
    def measure(workspace, config, tell):
        return Preflight(
            config.config_id, "cpu:0", "CPU", 1, 64, 2, fits=True, epoch_seconds=60.0, start_seconds=0.0
        )

    monkeypatch.setattr(commands, "run_preflight", measure)
    code, priced = run_json("sweep", file(), "--estimate")
    assert (code, priced["trials"], priced["runs_to_train"], priced["measured"]) == (0, 4, 4, "a dry run")
    # 16 filters in two blocks are measured; four runs of two epochs, as many at once as there are devices.
    assert 0 < priced["seconds"]["low"] < priced["seconds"]["expected"] < priced["seconds"]["high"]
    out = run_command("sweep", file(), "--estimate")[1]
    assert "4 trials with 4 runs in all. None is there already, so all would be trained, " in out
    assert "from a dry run" in out
    assert run_json("sweeps") == (0, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "The sweep is not valid JSON"),
        ('{"space": {}, "space": {}}', "The sweep holds the key 'space' twice"),
        ("[1]", "A sweep is a JSON object"),
        ('{"preset": "tiny", "space": {"optimizer.nam": {"values": [1]}}}', "space.optimizer.nam: is not known here"),
        ('{"preset": "tiny", "space": {"model.blocks[0].filters": {"low": 0, "high": 4}}}',
         "space.model.blocks[0].filters.low: must be from 1 to 2,048, not 0."),
        ('{"preset": "tiny", "space": {"seed": {"values": [1]}}}', "space.seed: cannot be searched"),
        ('{"preset": "tiny", "space": {"optimizer.learning_rate": [0.1, 0.01]}}',
         'space.optimizer.learning_rate: must be {"values": […]} or {"low": …, "high": …}, not [0.1, 0.01].'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_and_ends_with_2(unserved, file, content, said) -> None:
    code, out, error = run_command("sweep", file(content))
    assert (code, out) == (2, "") and said in error
    assert run_command("sweep", "/nowhere.json")[0] == 2


def test_the_help_names_an_example_that_is_there() -> None:
    code, out, _ = run_command("sweep", "--help")
    (example,) = re.findall(r"\S+\.json", out)
    assert code == 0 and (PROJECT_ROOT / example).is_file()
