import dataclasses
import json
import math

import pytest

from core.config import ExperimentConfig
from core.epoch import CURVE_KEYS, EpochRow
from core.runs.documents import run_detail, run_summary, settings_json
from core.store.records import RunRequest
from core.store.store import Store
from tests.core.conftest import known_data
from tests.core.scheduling.fakes import CONFIG, Clock


@pytest.fixture
def store(workspace):
    with Store(workspace, clock=Clock(5.0)) as store:
        yield store


def test_summary_as_a_whole(store):
    run = store.queue_run(RunRequest(CONFIG, "A name", "tiny"))
    store.claim(run.id, ["gpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    store.record_epoch(run.id, 1, EpochRow(1, clean_train_accuracy=0.75, val_accuracy=0.5))
    store.record_batch(run.id, 1, 7, 100, math.nan, 0.25, 1000.0)
    store.request_stop(run.id)
    summary = run_summary(store.get_run(run.id))
    assert json.loads(json.dumps(summary, allow_nan=False)) == {
        "id": run.id, "name": "A name", "state": "RUNNING", "attempt": 1, "config_id": CONFIG.config_id,
        "dataset": "cifar10", "dataset_digest": None, "preset": "tiny", "parent": None, "visitor": None,
        "device": "gpu:0", "created_at": 5.0, "started_at": 5.0,
        "ended_at": None, "stop_requested": True, "pause_requested": False, "epoch": 1, "total_epochs": 10,
        "added_epochs": 0, "batch": 7, "total_batches": 100,
        "batch_loss": None, "batch_accuracy": 0.25, "images_per_second": 1000.0, "best_epoch": 1,
        "best_val_accuracy": 0.5, "balanced_accuracy": None, "gap": 0.25, "error": None, "next_step": None,
    }  # fmt: skip


def test_detail_adds_config_and_curves(store):
    run = store.queue_run(RunRequest(CONFIG))
    detail = run_detail(run, store.curves(run.id))
    assert detail.pop("config") == CONFIG.to_dict()
    assert detail.pop("config_error") is None
    assert detail.pop("curves") == {key: [] for key in CURVE_KEYS}
    assert detail.pop("interventions") == []
    assert detail.pop("verdict") is None
    assert detail.pop("class_names") is None
    assert detail.pop("problem") is None
    assert detail.pop("class_counts") is None
    assert detail.pop("origin") is None
    assert detail == run_summary(run)


def test_detail_says_what_the_run_is_trained_on(store):
    run = store.queue_run(RunRequest(CONFIG, data=known_data("ab" * 32, ("b", "ä"))))
    detail = run_detail(run, store.curves(run.id))
    assert json.loads(json.dumps(detail))["class_names"] == ["b", "ä"]
    assert detail["dataset_digest"] == "ab" * 32


def test_detail_has_what_was_done_to_the_run(store):
    run = store.queue_run(RunRequest(CONFIG))
    store.interventions.request(run.id, "learning_rate", 0.5)
    assert run_detail(run, store.curves(run.id), None, store.interventions.history(run.id))[
        "interventions"
    ] == [
        {
            "kind": "learning_rate",
            "value": 0.5,
            "asked_at": 5.0,
            "applied_at": None,
            "epoch": None,
            "outcome": None,
        }
    ]


def test_settings_that_cannot_be_read_are_a_sentence(store):
    run = dataclasses.replace(
        store.queue_run(RunRequest(CONFIG, "Later")), config_json='{"of_a_later_version": 1}'
    )
    detail = run_detail(run, store.curves(run.id))
    assert detail["config"] is None
    assert detail["config_error"].startswith("The settings of “Later” cannot be read: of_a_later_version: ")
    assert {key: detail[key] for key in run_summary(run)} == run_summary(run)


def test_no_nan_gets_out(store):
    run = store.queue_run(RunRequest(CONFIG))
    curves = {key: [math.nan, math.inf, 0.5] for key in CURVE_KEYS} | {"epoch": [1, 2, 3]}
    detail = run_detail(run, curves)
    json.dumps(detail, allow_nan=False)
    assert detail["curves"]["epoch"] == [1, 2, 3]
    assert all(type(epoch) is int for epoch in detail["curves"]["epoch"])
    assert detail["curves"]["val_loss"] == [None, None, 0.5]


def test_settings_are_kept_as_they_are(store):
    run = store.queue_run(RunRequest(CONFIG))
    assert ExperimentConfig.from_dict(json.loads(settings_json([run]))) == CONFIG
    assert [ExperimentConfig.from_dict(each) for each in json.loads(settings_json([run, run]))] == [
        CONFIG,
        CONFIG,
    ]
    assert settings_json([dataclasses.replace(run, config_json="damaged")]) == "damaged"


def test_settings_of_an_older_run_say_what_it_did(store):
    """Where it is not written, Muon trained no convolutions; whoever hands the settings in again gets the same."""
    config = CONFIG.with_values({"optimizer.name": "muon"})
    stored = json.loads(config.to_json())
    del stored["optimizer"]["muon_convolutions"]
    run = dataclasses.replace(store.queue_run(RunRequest(config)), config_json=json.dumps(stored))
    again = ExperimentConfig.from_json(settings_json([run]))
    assert again == run.config and not again.optimizer.muon_convolutions
