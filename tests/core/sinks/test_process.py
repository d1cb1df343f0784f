"""The sinks' own process: it is started when it is needed, and only then."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from core.scheduling import single
from core.scheduling.single import SINKS, ensure_sinks
from core.sinks import __main__ as process
from core.sinks.feeding import Feeding
from core.store.records import RunRequest
from core.workspace import PROJECT_ROOT
from tests.core.searcher import trainer


def test_it_sends_what_there_is_in_a_process_of_its_own(
    workspace, store, tmp_path, monkeypatch, wait_for
) -> None:
    monkeypatch.setenv("CONVDECK_TENSORBOARD", str(tmp_path / "logs"))
    trainer.train(store, store.queue_run(RunRequest(trainer.TINY, "one")))
    ensure_sinks(workspace)
    assert wait_for(lambda: store.sinks.state("tensorboard", str(tmp_path / "logs")).num_sent == 1)
    assert len(list((tmp_path / "logs").rglob("*tfevents*"))) == 2
    assert SINKS.is_running(workspace)


@pytest.mark.parametrize(
    ("variable", "is_trained", "expected"),
    [(None, True, 0), ("/tmp/logs", False, 0), ("/tmp/logs", True, 1), ("logs", True, 0)],
)
def test_it_is_started_only_where_a_sink_is_on_and_something_is_to_be_sent(
    workspace, store, monkeypatch, caplog, variable, is_trained, expected
) -> None:
    started: list[object] = []
    monkeypatch.setattr(single.Single, "_start", lambda self, *_: started.append(self.name))
    monkeypatch.setattr(single, "SPAWN_SECONDS", 0.0)
    single._say_once.cache_clear()
    if variable is not None:
        monkeypatch.setenv("CONVDECK_TENSORBOARD", variable)
    if is_trained:
        trainer.train(store, store.queue_run(RunRequest(trainer.TINY, "one")))
    for _ in range(2):
        SINKS._started_at.clear()
        ensure_sinks(workspace)
    assert len(started) == 2 * expected
    # A setting that cannot be used is said once.
    said = [each.message for each in caplog.records if "CONVDECK_TENSORBOARD must be" in each.message]
    assert len(said) == int(variable == "logs")


def test_it_loads_neither_keras_nor_optuna_nor_streamlit() -> None:
    heavy = {"keras", "tensorflow", "optuna", "streamlit", "mlflow"}
    code = f"import core.sinks.__main__, sys; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(("is_failing", "expected"), [(False, 11), (True, 601)])
def test_it_ends_when_nothing_is_left_and_is_patient_with_a_sink_that_fails(
    workspace, store, monkeypatch, clock, is_failing, expected
) -> None:
    begun = clock.now
    sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)  # noqa: E731
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=clock, sleep=sleep))
    monkeypatch.setattr(Feeding, "is_failing", property(lambda self: is_failing))
    monkeypatch.setattr(process, "feed", lambda feedings: False)
    (setting,) = process.read_sink_settings({"CONVDECK_TENSORBOARD": "/tmp/logs"})
    process.serve_sinks(workspace, store, [Feeding(store, setting)])
    assert clock.now - begun == pytest.approx(expected, abs=1)
