"""Pause, step, learning rate and epochs, by REST and on the command line, of a run whose worker is played."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.config import ExperimentConfig
from core.epoch import EpochRow
from core.store.records import Run, RunRequest
from tests.core.conftest import run_command, run_json
from tests.core.scheduling.fakes import CONFIG

pytestmark = pytest.mark.usefixtures("no_scheduler")


@pytest.fixture
def client():
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


@pytest.fixture
def run(store) -> Run:
    """After two of ten epochs."""
    made = store.queue_run(RunRequest(CONFIG, "mine"))
    store.claim(made.id, ["cpu:0"])
    store.record_started(made.id, 1, 10, 100, 0)
    for epoch in (1, 2):
        store.record_epoch(made.id, 1, EpochRow(epoch, val_accuracy=0.5))
    return store.get_run(made.id)


def test_by_rest(store, client, run) -> None:
    address = f"/api/v1/runs/{run.id}"
    assert client.post(f"{address}/pause").json()["pause_requested"]
    assert store.interventions.record_paused(run.id, 1, epoch_ended=True)
    assert client.post(f"{address}/step").status_code == 200
    assert client.post(f"{address}/learning-rate", json={"value": 0.0005}).status_code == 200
    assert client.post(f"{address}/epochs", json={"add": 5}).json()["total_epochs"] == 15
    answer = client.post(f"{address}/resume")
    assert (answer.status_code, answer.json()["pause_requested"]) == (200, False)
    shown = client.get(address).json()
    assert (shown["total_epochs"], shown["added_epochs"], shown["config"]["training"]["epochs"]) == (
        15,
        5,
        10,
    )
    assert [(each["kind"], each["value"], each["epoch"]) for each in shown["interventions"]] == [
        ("pause", None, 2),
        ("step", None, None),
        ("learning_rate", 0.0005, None),
        ("add_epochs", 5.0, 2),
        ("resume", None, None),
    ]
    assert shown == run_json("show", run.id)[1]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("learning-rate", {}, "value"),
        ("learning-rate", {"value": None}, "value"),
        ("learning-rate", {"value": "high"}, None),
        ("learning-rate", {"value": -1}, None),
        ("learning-rate", {"value": 1, "add": 1}, "add"),
        ("epochs", {"add": 1.5}, None),
        ("epochs", {"add": True}, None),
        ("epochs", {"value": 1}, "value"),
        ("epochs", [1], None),
    ],
)
def test_what_is_wrong_is_refused_in_words(store, client, run, path: str, body, field) -> None:
    answer = client.post(f"/api/v1/runs/{run.id}/{path}", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert answer.json()["error"].endswith(".")
    assert store.interventions.history(run.id) == []


def test_on_the_command_line(store, run) -> None:
    assert "pauses after the current batch" in run_command("pause", run.id)[1]
    assert store.interventions.record_paused(run.id, 1, epoch_ended=True)
    assert "until the end of an epoch" in run_command("step", run.id)[1]
    assert "0.0005 from its next epoch on" in run_command("set-rate", run.id, "0.0005")[1]
    assert "trains 15 epochs in total." in run_command("add-epochs", run.id, "5")[1]
    code, summary = run_json("resume", run.id)
    assert (code, summary["state"], summary["pause_requested"]) == (0, "PAUSED", False)
    assert store.interventions.record_resumed(run.id, 1)
    code, summary = run_json("pause", run.id)
    assert (code, summary["pause_requested"]) == (0, True)
    out = run_command("show", run.id)[1]
    assert "Changed while it trained:" in out
    for words in (
        "learning rate 0.0005",
        "Not yet.",
        "more epochs 5",
        "The run now trains 15 epochs in total.",
        "Resumed",
    ):
        assert words in out


@pytest.mark.parametrize(
    ("optimizer", "told"),
    [
        ({"schedule": "plateau"}, "has the learning rate 0.0005 from its next epoch on."),
        (
            {"schedule": "one_cycle"},
            "in the first step of its next epoch; its schedule (one_cycle) continues",
        ),
        ({"schedule": "cosine"}, "in the first step of its next epoch; its schedule (cosine) continues"),
        ({"schedule": "cosine", "warmup_epochs": 2}, "warms up from 0 to the learning rate 0.0005"),
    ],
)
def test_a_schedule_says_what_the_next_epoch_has(store, optimizer, told: str) -> None:
    config = ExperimentConfig.from_dict({"optimizer": optimizer})
    waiting = store.queue_run(RunRequest(config))
    assert told in run_command("set-rate", waiting.id, "0.0005")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("step",), "pause it first"),
        (("set-rate", "nan"), "above 0"),
        (("set-rate", "fast"), "invalid float"),
        (("add-epochs", "0"), "whole number from 1"),
        (("add-epochs", "1.5"), "invalid int"),
    ],
)
def test_bad_arguments_are_exit_code_2(run, arguments: tuple[str, ...], words: str) -> None:
    code, _, err = run_command(arguments[0], run.id, *arguments[1:])
    assert code == 2 and words in err
