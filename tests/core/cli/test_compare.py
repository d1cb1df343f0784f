"""`compare`, `tag`, `hide` and `views`."""

import json

import pandas as pd
import pytest

from core.store.states import RunState
from tests.core.comparison.made import accuracies, stored
from tests.core.conftest import run_command, run_json

pytestmark = pytest.mark.usefixtures("no_scheduler")
RATE = "optimizer.learning_rate"


@pytest.fixture
def ids(store) -> list[str]:
    """Two rates with two seeds each, and a run that failed."""
    made = [
        stored(store, {"seed": seed, RATE: rate}, accuracies(0.1, best), name=f"rate {rate}, seed {seed}")
        for rate, bests in ((0.01, (0.6, 0.62)), (0.02, (0.7, 0.73)))
        for seed, best in enumerate(bests)
    ]
    return [*made, stored(store, {"seed": 2, RATE: 0.02}, state=RunState.FAILED, name="lost")]


def test_filtered_and_sorted(ids) -> None:
    code, out, _ = run_command(
        "compare", "--where", f"{RATE} = 0.02", "--sort=-val_accuracy", "--columns", RATE
    )
    lines = out.splitlines()
    assert code == 0 and lines[0] == "3 of 5 runs." and lines[2].split()[-2:] == ["LEARNING", "RATE"]
    assert [line.split()[0] for line in lines[3:]] == [ids[3], ids[2], ids[4]]
    assert run_command("compare", "--where", "gap < 0 and state = WAITING")[1] == "0 of 5 runs.\n"


def test_percent_that_was_meant_is_asked_for(ids, tmp_path) -> None:
    hint = "Validation accuracy lies between 0 and 1, so “val_accuracy >= 60” fits no run. Did you mean 60%?"
    assert run_command("compare", "--where", "val_accuracy >= 60")[1] == f"0 of 5 runs.\n{hint}\n"
    asked = ("compare", "--where", "val_accuracy >= 60 or seed = 2")
    assert run_json(*asked)[1]["hints"] == run_json(*asked, "--curves")[1]["hints"] == [hint]
    assert hint in run_command(*asked, "--csv", str(tmp_path / "runs.csv"))[1]
    assert run_json("compare", "--where", "val_accuracy >= 60% or seed = 2")[1]["hints"] == []


def test_alternatives(ids) -> None:
    found = run_json("compare", "--where", f"{RATE} = 0.01 and seed = 1 or state in failed, WAITING")[1]
    assert [run["id"] for run in found["runs"]] == [ids[4], ids[1]]
    assert (
        found["query"]
        == run_json("compare", "--where", f"({RATE} = 0.01 and seed = 1) or state one of (failed, WAITING)")[
            1
        ]["query"]
    )


def test_grouped_against_a_baseline(ids) -> None:
    code, document = run_json("compare", "--group-by", "all-but-seed", "--baseline", ids[0], "--epoch", "1")
    assert code == 0 and (document["total"], document["matching"], document["hidden"]) == (5, 5, 0)
    second, first = document["groups"]
    assert first["runs"] == ids[:2] and first["difference"]["is_baseline"]
    assert (second["n"], second["outcomes"]["failed"], second["median_run"]) == (2, 1, ids[2])
    assert second["means"]["val_accuracy"]["mean"] == pytest.approx(0.715)
    assert second["difference"]["words"] == "learning rate 0.01 → 0.02"
    assert second["difference"]["val_accuracy"]["change"] == pytest.approx(0.105)
    assert document["epoch"]["items"][second["key"]]["val_accuracy"]["mean"] == pytest.approx(0.1)
    out = run_command("compare", "--group-by", "all-but-seed", "--baseline", ids[0])[1]
    assert "n = 2, 1 failed" in out and "71.5 % (" in out and "learning rate 0.01 → 0.02" in out
    mixed = run_command("compare", "--group-by", "model.head")[1]
    assert "Head flatten: Its runs also differ in Learning rate (2 values)." in mixed


def test_the_front_and_the_curves_as_json(ids) -> None:
    document = run_json("compare", "--x", "seconds", "--y", "val_accuracy")[1]
    assert document["front"]["items"] == [ids[3]]  # all trained equally long
    curves = run_json("compare", "--curves", "--group-by", RATE, "--align", "seconds")[1]
    assert [(curve["x"], curve["n"]) for curve in curves["curves"]] == [([2.0, 4.0], [2, 2])] * 2
    assert curves["left_out"] == 0


def test_exports(ids, tmp_path) -> None:
    path = tmp_path / "curves.parquet"
    code, out, _ = run_command("compare", "--where", "tags is empty", "--curves", "--parquet", str(path))
    assert code == 0 and out == f"The curves of 5 of 5 runs written to {path}.\n"
    assert len(pd.read_parquet(path)) == 8
    run_command("compare", "--csv", str(tmp_path / "runs.csv"))
    assert set(pd.read_csv(tmp_path / "runs.csv")["id"]) == set(ids)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where", "accuracy > 1"], "“accuracy” is neither a result nor a setting."),
        (["--baseline", "aaaaaaaaaa"], "There is no run aaaaaaaaaa to compare with."),
        (["--view", "none"], "There is no view “none”."),
        (["--curves"], "--curves needs --json, --csv or --parquet"),
    ],
)
def test_what_cannot_be_answered_is_refused(ids, arguments, message) -> None:
    code, out, error = run_command("compare", *arguments)
    assert (code, out) == (2, "") and message in error


def test_tags_hidden_runs_and_views(ids) -> None:
    assert run_command("tag", ids[0], "good", "fast") == (0, f"{ids[0]}: fast, good.\n", "")
    assert run_command("untag", ids[0], "fast") == (0, f"{ids[0]}: good.\n", "")
    assert run_command("hide", *ids[:2])[1] == "2 runs hidden.\n"
    assert run_command("views")[1].startswith("No saved views yet.")
    assert run_command("save-view", "good ones", "where=tags = good&hidden=shown")[0] == 0
    for wrong in ("align=hours", "grop_by=seed", "embed=true"):
        assert run_command("save-view", "bad", wrong)[0] == 2
    assert run_command("save-view", "drawn", "show=scatter")[0] == 0
    assert run_command("delete-view", "drawn")[0] == 0
    assert [view["query"] for view in run_json("views")[1]] == ["where=tags = good&hidden=shown"]
    (run,) = run_json("compare", "--view", "good ones")[1]["runs"]
    assert (run["id"], run["tags"], run["hidden"]) == (ids[0], ["good"], True)
    assert run_json("compare", "--view", "good ones", "--hidden", "folded")[1]["hidden"] == 1
    assert run_json("compare")[1]["hidden"] == 2
    assert run_command("unhide", ids[0])[1] == "1 run listed again.\n"
    assert run_command("delete-view", "good ones")[1] == "“good ones” is deleted.\n"
    assert json.loads(run_command("views", "--json")[1]) == []


def test_several_are_deleted_and_restored(ids, store) -> None:
    code, out, _ = run_command("delete", *ids[:2])
    assert code == 0 and out.splitlines()[-1].endswith(f"restore {ids[0]} {ids[1]} brings them back.")
    assert len(store.list_runs()) == 3
    assert run_command("restore", *ids[:2])[1].count(" is restored.\n") == 2
    assert len(store.list_runs()) == 5
    assert run_command("delete", ids[0], "aaaaaaaaaa")[0] == 2 and len(store.list_runs()) == 5
