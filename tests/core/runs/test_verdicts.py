"""A run as JSON with its verdict."""

import shutil
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.analysis.diagnosis import Verdict, diagnose
from core.api.routes import build_routes
from core.datasets.prepare import ensure_dataset
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.notebook import all_entries
from core.runs import verdicts
from core.runs.verdicts import suggestions_of, summaries_of, summary_of, verdict_of
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.core.conftest import run_command, run_json
from tests.core.store.test_breakdowns import details


def overfitting(store: Store, dataset: str = "cifar10"):
    """Learns its pictures by heart from epoch 4 on."""
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": dataset})))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 12, 100, 0)
    for epoch in range(1, 13):
        rising, falling = min(epoch, 4), max(0, epoch - 4)
        training = min(0.99, 0.5 + 0.05 * epoch)
        row = EpochRow(
            epoch, train_loss=1 / epoch, clean_train_loss=1 / epoch, val_loss=1 / rising + 0.1 * falling,
            train_accuracy=training, clean_train_accuracy=training, val_accuracy=0.5 + 0.05 * rising - 0.01 * falling,
        )  # fmt: skip
        store.record_epoch(run.id, 1, row)
    return store.get_run(run.id)


def test_the_summary_of_a_run_says_its_verdict(store):
    verdict = summary_of(store, overfitting(store))["verdict"]
    assert verdict["verdict"] == "overfitting"
    assert verdict["best_epoch"] == 4
    assert verdict["onset_epoch"] in range(4, 8)


def test_stopping_at_the_best_epoch_is_offered_only_where_others_came_after_it(store):
    run = overfitting(store)
    # Of twelve epochs the fourth was best, and forty were planned.
    run = replace(run, config_json=run.config.with_values({"training.epochs": 40}).to_json())
    diagnosis = verdict_of(store, run, store.curves(run.id))
    for ended_at, offered in ((12, True), (4, False)):
        suggestions = {
            each.id: each for each in suggestions_of(store.workspace, replace(run, epoch=ended_at), diagnosis)
        }
        assert ("stop-at-best" in suggestions) is offered
        assert ("early-stopping" in suggestions) is not offered


def always_healthy(store: Store):
    """A network that never finds the rare class: 96 of 100 validation pictures are healthy."""
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "gone"}), "rare"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 6, 100, 0)
    for epoch in range(1, 7):
        told = details([0, 0]) | {"validation": {"count": [96, 4], "right": [96, 0]}}
        row = EpochRow(
            epoch, train_loss=0.2, clean_train_loss=0.2, val_loss=0.2, train_accuracy=0.97, clean_train_accuracy=0.97,
            val_accuracy=0.96, details=told,
        )  # fmt: skip
        store.record_epoch(run.id, 1, row)
    return store.get_run(run.id)


def test_one_answer_for_everything_is_told_by_every_face(store):
    run = always_healthy(store)
    headline = "Always answers “class 0”"
    _, shown = run_json("show", run.id)
    _, listed = run_json("runs")
    with TestClient(Starlette(routes=build_routes())) as client:
        told = client.get(f"/api/v1/runs/{run.id}").json()
    for verdict in (
        shown["verdict"],
        listed[0]["verdict"],
        told["verdict"],
        summary_of(store, run)["verdict"],
    ):
        assert (verdict["verdict"], verdict["headline"]) == ("guessing", headline)
    _, out, _ = run_command("show", run.id)
    assert "validation accuracy 96.0 % (balanced 50.0 %)." in out and headline in out
    store.notes.write([run.id], outcome="Useless.")
    assert all_entries(store)[0].facts()[0].startswith(headline)
    _, measured = run_json("show", run.id, "--details")
    assert measured["balanced_val_accuracy"] == [0.5] * 6


def test_what_the_data_set_and_the_run_say_decides_what_is_offered(store):
    ensure_dataset(store.workspace, "shapes")  # 6,000 training pictures
    found = diagnose(store.curves(always_healthy(store).id))
    guessing = replace(found, verdict=Verdict.GUESSING, hardly_learned=True, gap=0.0)
    config = PRESETS["tiny"].config.with_values({"dataset.id": "shapes", "training.epochs": 10})
    for num_train, more in ((6_000, False), (144, True)):
        own = config.with_values({"dataset.num_train": num_train})
        run = store.queue_run(RunRequest(own))
        found = {each.id for each in suggestions_of(store.workspace, run, guessing)}
        assert ("all-pictures" in found, "smaller-batch" in found) == (more, more)
    run = replace(
        run, state=RunState.FINISHED, epoch=6,
        config_json=own.with_values({"training.early_stopping_patience": 2}).to_json(),
    )  # fmt: skip
    assert "more-epochs" not in {each.id for each in suggestions_of(store.workspace, run, guessing)}


def test_a_run_without_epochs_is_too_early_to_judge(store):
    assert (
        summary_of(store, store.queue_run(RunRequest(PRESETS["tiny"].config)))["verdict"]["verdict"]
        == "too_early"
    )


def test_a_run_deleted_while_runs_are_listed_is_left_out(store):
    kept, gone = (store.queue_run(RunRequest(PRESETS["tiny"].config)) for _ in range(2))
    listed = [gone, kept]
    store.trash.put(gone.id)
    assert [each["id"] for each in summaries_of(store, listed)] == [kept.id]


@pytest.fixture
def judged(monkeypatch) -> list[int]:
    """How many epochs each diagnosis that was made from now on looked at."""
    looked_at: list[int] = []

    def counting(curves, **known):
        looked_at.append(len(curves["epoch"]))
        return diagnose(curves, **known)

    monkeypatch.setattr(verdicts, "diagnose", counting)
    return looked_at


def verdict_in_list(store: Store) -> dict:
    (summary,) = summaries_of(store, store.list_runs())
    return summary["verdict"]


def test_a_run_that_has_ended_is_judged_once_and_again_when_it_goes_on(store, judged):
    run = overfitting(store)
    for _ in range(2):  # it trains
        verdict_in_list(store)
    assert judged == [12, 12]
    store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING, attempt=1)
    first, second = verdict_in_list(store), verdict_in_list(store)
    assert judged == [12, 12, 12]
    assert first == second == verdict_of(store, run, store.curves(run.id)).to_dict()
    first["headline"] = "Somebody else's"
    assert verdict_in_list(store) == second
    judged.clear()
    store.resume_run(run.id)
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 2, 12, 100, 2)
    store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING, attempt=2)
    assert verdict_in_list(store)["verdict"] == "too_early"
    assert judged == [2]


def test_a_run_that_has_ended_is_judged_anew_when_its_data_set_goes_and_comes_back(store, judged):
    """Nobody says of a data set that is gone how many pictures its accuracies rest on."""
    ensure_dataset(store.workspace, "shapes")
    own = store.workspace.datasets / "pictures"
    shutil.copytree(store.workspace.datasets / "shapes", own)
    run = overfitting(store, "pictures")
    store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING, attempt=1)
    curves = store.curves(run.id)
    whole = verdict_of(store, run, curves).to_dict()
    assert verdict_in_list(store) == whole
    aside = own.rename(store.workspace.root / "aside")
    assert verdict_in_list(store) == diagnose(curves).to_dict() != whole
    aside.rename(own)
    assert verdict_in_list(store) == whole
    assert len(judged) == 3  # `verdict_of` and two kinds of verdicts


def test_runs_of_another_workspace_have_their_own_verdicts(store, tmp_path):
    """The run that comes with ConvDeck has the same id everywhere."""
    run = overfitting(store)
    store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING, attempt=1)
    run = store.get_run(run.id)
    assert summary_of(store, run)["verdict"]["verdict"] == "overfitting"
    with Store(replace(store.workspace, root=tmp_path / "other").ensure()) as other:
        assert summaries_of(other, [run]) == []
