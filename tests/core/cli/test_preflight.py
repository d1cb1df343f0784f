"""The command and the request for a dry run, with one that only pretends."""

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import cli
from core.api import runs as api_runs
from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.design.rate_range import find_rate, rate_of_step
from core.errors import PreflightBusy
from core.preflight.measurement import Preflight
from tests.core.conftest import run_command, run_json

FITS = Preflight(
    "id", "cpu:0", "a CPU", 4338, 64, 10, fits=True, steps=16, step_seconds=0.1, train_seconds=1.6,
    evaluation_seconds=0.5, saving_seconds=0.1, epoch_seconds=2.2, start_seconds=5.0, total_seconds=27.0,
    images_per_second=625.0, memory_mib=900, memory_available_mib=4000, notes=("A note.",),
)  # fmt: skip
TOO_LARGE = Preflight(
    "id", "cpu:0", "a CPU", 4338, 8192, 10, fits=False, largest_batch_size=512, memory_available_mib=4000
)


@pytest.fixture
def pretend(monkeypatch):
    def use(answer):
        asked = []

        def measure(workspace, config, *more):
            asked.append(config)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(cli.preflight, "run_preflight", measure)
        monkeypatch.setattr(api_runs, "run_preflight", measure)
        return asked

    return use


@pytest.fixture
def client(workspace):
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_the_command_gives_the_same_json_as_the_request(workspace, pretend, client) -> None:
    asked = pretend(FITS)
    code, printed = run_json("preflight", "--preset", "tiny", "--set", "training.batch_size=64")
    answer = client.post("/api/v1/preflight", json={"preset": "tiny", "set": {"training.batch_size": 64}})
    assert (code, answer.status_code) == (0, 200)
    assert answer.json() == printed == json.loads(json.dumps(FITS.to_dict()))
    assert asked == [PRESETS["tiny"].config.with_values({"training.batch_size": 64})] * 2


def test_in_words(workspace, pretend) -> None:
    pretend(FITS)
    assert run_command("preflight", "--preset", "tiny")[1].splitlines() == [
        "4,338 parameters on cpu:0 (a CPU).",
        "An epoch takes 2.2 s: 16 steps 1.6 s, measuring 0.5 s, saving 0.1 s.",
        "10 epochs take 27 s, including the start.",
        "Needs 900 MiB of memory, out of 4,000 MiB of free memory.",
        "A note.",
    ]
    pretend(TOO_LARGE)
    assert run_command("preflight", "--preset", "tiny")[1].splitlines()[1:] == [
        "Batches of 8,192 do not fit into 4,000 MiB of free memory.",
        "The largest batch size that fits: --set training.batch_size=512",
    ]


def test_a_second_one_is_told_to_wait(workspace, pretend, client) -> None:
    pretend(PreflightBusy("Another dry run is being measured."))
    answer = client.post("/api/v1/preflight", json={"preset": "tiny"})
    assert (answer.status_code, answer.json()["error"]) == (409, "Another dry run is being measured.")
    assert run_command("preflight", "--preset", "tiny")[0] == 1


def test_a_body_that_is_no_config_is_refused(workspace, client) -> None:
    assert client.post("/api/v1/preflight", json={}).status_code == 400
    assert client.post("/api/v1/preflight", json={"config": {"seed": "x"}}).json()["field"] == "seed"
    assert client.post("/api/v1/preflight", json={"preset": "tiny", "name": "x"}).status_code == 400


def test_a_range_test_by_command_and_request(workspace, client, monkeypatch) -> None:
    rates = [rate_of_step(step) for step in range(100)]
    found = find_rate(rates, [1 + abs(step - 60) / 60 for step in range(100)], diverged=True)
    asked = []

    def measure(workspace, config, *more):
        asked.append(config)
        return found

    for module in (cli.preflight, api_runs):
        monkeypatch.setattr(module, "run_rate_range", measure)
    code, printed = run_json("rate-range", "--preset", "tiny", "--set", "training.batch_size=32")
    answer = client.post("/api/v1/rate-range", json={"preset": "tiny", "set": {"training.batch_size": 32}})
    assert (code, answer.status_code) == (0, 200)
    assert answer.json() == printed == json.loads(json.dumps(found.to_dict()))
    assert asked == [PRESETS["tiny"].config.with_values({"training.batch_size": 32})] * 2
    # Near its lowest up to step 68: 10^(-6 + 68·7/199) = 0.000247.
    lines = run_command("rate-range", "--preset", "tiny")[1].splitlines()
    assert lines[0].split() == ["RATE", "SMOOTHED", "LOSS"] and len(lines) == 23
    assert lines[-2].startswith(
        "The smoothed loss stays near its lowest up to a rate of 0.000247, and training diverged at "
    )
    assert lines[-1] == "To use it: --set optimizer.learning_rate=2.5e-05"
