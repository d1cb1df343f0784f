"""A run as JSON with its verdict."""

from dataclasses import replace

import pytest

from core.presets import PRESETS
from core.runs.store import EpochRow, Store
from core.verdicts import mends_of, summaries_of, summary_of, verdict_of


@pytest.fixture
def store(workspace):
    with Store(workspace) as store:
        yield store


def overfitting(store: Store):
    """Learns its pictures by heart from epoch 4 on."""
    run = store.create_run(PRESETS["tiny"].config)
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
    diagnosis = verdict_of(store.workspace, run, store.curves(run.id))
    for ended_at, offered in ((12, True), (4, False)):
        mends = {each.id: each for each in mends_of(store.workspace, replace(run, epoch=ended_at), diagnosis)}
        assert ("stop-at-best" in mends) is offered
        assert ("early-stopping" in mends) is not offered


def test_a_run_without_epochs_is_too_early_to_judge(store):
    assert summary_of(store, store.create_run(PRESETS["tiny"].config))["verdict"]["verdict"] == "too_early"


def test_a_run_deleted_while_runs_are_listed_is_left_out(store):
    kept, gone = (store.create_run(PRESETS["tiny"].config) for _ in range(2))
    listed = [gone, kept]
    store.delete_run(gone.id)
    assert [each["id"] for each in summaries_of(store, listed)] == [kept.id]
