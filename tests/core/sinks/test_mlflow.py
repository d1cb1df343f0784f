"""What an MLflow server gets. `test_real_mlflow.py` asks a real one."""

import re

import pytest

from core.sink_settings import read_sink_settings
from core.sinks.feeding import Feeding
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.core.searcher import trainer
from tests.core.sinks.mlflow_server import MlflowServer, serving


@pytest.fixture
def server() -> MlflowServer:
    return MlflowServer()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch) -> None:
    for name in ("EXPERIMENT_NAME", "TRACKING_USERNAME", "TRACKING_PASSWORD", "TRACKING_TOKEN"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)


def feeding_of(store: Store, port: int, user: str = "") -> Feeding:
    (setting,) = read_sink_settings({"CONVDECK_MLFLOW": f"http://{user}127.0.0.1:{port}"})
    return Feeding(store, setting)


def state_of(store: Store, feeding: Feeding):
    return store.sinks.state("mlflow", feeding._setting.shown)


def accuracies(run) -> dict[int, float]:
    return {step: value for key, step, value, _ in run["metrics"] if key == "val_accuracy"}


def test_a_run_is_there_with_its_settings_epochs_and_end(store, server) -> None:
    run = store.queue_run(RunRequest(trainer.TINY, "Bäume", preset="tiny"))
    trainer.begin(store, run)
    trainer.report(store, run, [0.3, 0.5])
    with serving(server) as port:
        feeding = feeding_of(store, port)
        assert feeding.tick() and not feeding.tick()
        (there,) = server.runs.values()
        assert (there["status"], there["run_name"], accuracies(there)) == (
            "RUNNING",
            "Bäume",
            {1: 0.3, 2: 0.5},
        )
        trainer.report(store, run, [0.4], first=3)
        store.rename_run(run.id, "Bäume 2")
        trainer.end(store, run)
        assert feeding.tick() and not feeding.tick()
    assert server.experiments["ConvDeck"] == there["experiment_id"]
    assert there["tags"] == {
        "convdeck.run": run.id,
        "convdeck.dataset": "shapes",
        "convdeck.preset": "tiny",
    }
    assert (there["status"], there["run_name"]) == ("FINISHED", "Bäume 2")
    assert there["end_time"] == round(store.get_run(run.id).ended_at * 1000)
    assert accuracies(there) == {1: 0.3, 2: 0.5, 3: 0.4}
    bests = {(step, value) for key, step, value, _ in there["metrics"] if key == "best_val_accuracy"}
    assert bests == {(2, 0.5), (3, 0.5)}
    # A second per epoch, from when the attempt began.
    times = sorted(time for key, _, _, time in there["metrics"] if key == "val_accuracy")
    assert [time - times[0] for time in times] == [0, 1000, 2000]
    params = there["params"]
    assert params["training.epochs"] == "3" and params["dataset.id"] == "shapes"
    assert params["model.blocks.0.filters"] == str(trainer.TINY.model.blocks[0].filters)


def test_epochs_that_a_server_missed_are_sent_later(store, server) -> None:
    run = store.queue_run(RunRequest(trainer.TINY, "one"))
    trainer.begin(store, run)
    trainer.report(store, run, [0.3])
    with serving(server) as port:
        feeding = feeding_of(store, port)
        feeding.tick()
    trainer.report(store, run, [0.4], first=2)
    assert not feeding.tick() and feeding.is_failing
    state = state_of(store, feeding)
    assert state.cause is not None and f"http://127.0.0.1:{port} does not answer" in state.cause
    assert state.failing_since is not None and state.sent_at is not None and state.num_sent == 1
    trainer.report(store, run, [0.5], first=3)
    trainer.end(store, run)
    assert store.get_run(run.id).state is RunState.FINISHED
    with serving(server, port):
        # A process that is made again goes on where the store says.
        assert feeding_of(store, port).tick()
    (there,) = server.runs.values()
    assert accuracies(there) == {1: 0.3, 2: 0.4, 3: 0.5} and there["status"] == "FINISHED"
    assert state_of(store, feeding).failing_since is None


def test_one_that_was_begun_twice_is_there_once(store, server) -> None:
    """A process that was killed after its request and before its note asks for the run by its tag."""
    run = store.queue_run(RunRequest(trainer.TINY, "one"))
    trainer.train(store, run)
    with serving(server) as port:
        feeding = feeding_of(store, port)
        feeding.tick()
        (before,) = [set(there["metrics"]) for there in server.runs.values()]
        other = Store(store.workspace)
        other.sinks.runs_to_send = lambda *_: [(store.get_run(run.id), None)]
        Feeding(other, feeding._setting).tick()
        other.close()
    (there,) = server.runs.values()
    assert there["metrics"] == before


def test_a_run_that_was_deleted_there_keeps_no_other_from_being_sent(store, server) -> None:
    runs = [store.queue_run(RunRequest(trainer.TINY, name)) for name in ("one", "two")]
    for run in runs:
        trainer.begin(store, run)
        trainer.report(store, run, [0.3])
    with serving(server) as port:
        feeding = feeding_of(store, port)
        feeding.tick()
        by_run = {there["tags"]["convdeck.run"]: there for there in server.runs.values()}
        by_run[runs[0].id]["is_deleted"] = True
        for run in runs:
            trainer.report(store, run, [0.4], first=2)
        assert feeding.tick() and not feeding.is_failing and not feeding.tick()
    assert accuracies(by_run[runs[1].id]) == {1: 0.3, 2: 0.4}
    state = state_of(store, feeding)
    assert (state.num_sent, state.num_refused) == (1, 1) and "must be in the 'active' state" in state.refusal


def test_a_server_that_lost_everything_gets_the_whole_run_again(store, server) -> None:
    run = store.queue_run(RunRequest(trainer.TINY, "one"))
    trainer.begin(store, run)
    trainer.report(store, run, [0.3])
    with serving(server) as port:
        feeding = feeding_of(store, port)
        feeding.tick()
        server.experiments = {"Default": "0", "Another": "1"}
        server.runs.clear()
        trainer.report(store, run, [0.4], first=2)
        assert feeding.tick() and not feeding.tick()
    (there,) = server.runs.values()
    assert accuracies(there) == {1: 0.3, 2: 0.4} and there["experiment_id"] == server.experiments["ConvDeck"]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, "You are not authenticated.", "name and password"),
        (403, "Invalid Host header - possible DNS rebinding attack detected", r"refuses requests.*\(403\)"),
        (403, '{"error_code": "PERMISSION_DENIED", "message": ""}', "name and password"),
        (404, "<h1>Error: 404 Not Found</h1>", "is no MLflow server"),
        (200, "<h1>Hello</h1>", "is no MLflow server"),
        (200, "[]", "is no MLflow server"),
        (500, "oops", r"answered with an error \(500\)"),
        (429, '{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}', r"\(429\): slow down"),
    ],
)
def test_an_answer_that_is_none_is_a_state_with_a_cause(store, server, status, body, said, caplog) -> None:
    trainer.train(store, store.queue_run(RunRequest(trainer.TINY, "one")))
    server.broken = (status, body)
    with serving(server) as port:
        feeding = feeding_of(store, port, "me:geheim@")
        for _ in range(2):
            feeding._due = float("-inf")
            assert not feeding.tick()
        (request, *_) = server.headers
    assert request["Authorization"] == "Basic bWU6Z2VoZWlt"  # me:geheim
    state = state_of(store, feeding)
    assert re.search(said, state.cause or "") and state.next_step
    assert len(caplog.records) == 1 and "geheim" not in caplog.text + state.cause + feeding._setting.shown


def test_a_redirect_is_not_followed_and_takes_no_password_along(store, server) -> None:
    run = store.queue_run(RunRequest(trainer.TINY, "one"))
    trainer.train(store, run)
    elsewhere = MlflowServer()
    with serving(elsewhere) as other, serving(server) as port:
        server.broken, server.leads_to = (302, ""), f"http://localhost:{other}/"
        feeding = feeding_of(store, port, "me:geheim@")
        assert not feeding.tick()
        assert "is not followed" in state_of(store, feeding).cause and not elsewhere.asked
        server.broken, server.leads_to = None, ""
        feeding._due = float("-inf")
        assert feeding.tick() and not feeding.is_failing


def test_one_whose_experiment_went_in_between_is_sent_to_a_new_one(store, server) -> None:
    with serving(server) as port:
        feeding = feeding_of(store, port)
        trainer.train(store, store.queue_run(RunRequest(trainer.TINY, "one")))
        feeding.tick()
        server.experiments = {"Default": "0"}
        server.runs.clear()
        trainer.train(store, store.queue_run(RunRequest(trainer.TINY, "two")))
        assert feeding.tick()
    (there,) = server.runs.values()
    assert (
        there["experiment_id"] == server.experiments["ConvDeck"] and state_of(store, feeding).num_refused == 0
    )


def test_a_failing_server_is_asked_less_and_less_often(store, clock) -> None:
    trainer.train(store, store.queue_run(RunRequest(trainer.TINY, "one")))
    (setting,) = read_sink_settings({"CONVDECK_MLFLOW": "http://127.0.0.1:9"})
    feeding, tries = Feeding(store, setting, clock), []
    feeding._send_runs = lambda sink: tries.append(clock.now) or 1 / 0
    begun = clock.now
    while clock.now < begun + 200:
        feeding.tick()
        clock.now += 1
    assert [time - begun for time in tries] == [0, 2, 6, 14, 30, 62, 122, 182]
