"""A real MLflow server. Its package is large, so it is no part of the tests: start `mlflow server` in an environment of
its own, and give its address in CONVDECK_TEST_MLFLOW.
"""

import json
import os
import urllib.request

import pytest

from core.sink_settings import read_sink_settings
from core.sinks.feeding import Feeding
from core.store.records import RunRequest
from tests.core.searcher import trainer

ADDRESS = os.environ.get("CONVDECK_TEST_MLFLOW")

pytestmark = pytest.mark.skipif(ADDRESS is None, reason="needs a server, its address in CONVDECK_TEST_MLFLOW")


def ask(path: str, body: object = None):
    request = urllib.request.Request(
        f"{ADDRESS}/api/2.0/mlflow/{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_real_server_has_the_run(store, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "ConvDeck's tests")
    run = store.queue_run(RunRequest(trainer.TINY, "Bäume"))
    (setting,) = read_sink_settings({"CONVDECK_MLFLOW": ADDRESS})
    trainer.begin(store, run)
    trainer.report(store, run, [0.25, 0.5])
    assert Feeding(store, setting).tick()
    trainer.report(store, run, [0.75], first=3)
    trainer.end(store, run)
    assert Feeding(store, setting).tick()
    mark = store.sinks.state("mlflow", setting.shown)
    assert (mark.num_sent, mark.failing_since) == (1, None)
    experiment = ask("experiments/get-by-name?experiment_name=ConvDeck%27s%20tests")["experiment"]
    asked = {
        "experiment_ids": [experiment["experiment_id"]],
        "filter": f"tags.`convdeck.run` = '{run.id}'",
    }
    (found,) = ask("runs/search", asked)["runs"]
    assert (found["info"]["run_name"], found["info"]["status"]) == ("Bäume", "FINISHED")
    params = {each["key"]: each["value"] for each in found["data"]["params"]}
    assert params["model.blocks.0.filters"] == str(trainer.TINY.model.blocks[0].filters)
    history = ask(
        f"metrics/get-history?run_id={found['info']['run_id']}&metric_key=val_accuracy&max_results=100"
    )
    assert [(each["step"], each["value"]) for each in history["metrics"]] == [(1, 0.25), (2, 0.5), (3, 0.75)]
