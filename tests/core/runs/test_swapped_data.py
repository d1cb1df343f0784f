"""Another data set is added under the name of the one that a run was started on: everything that needs it notices."""

import sqlite3
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.analysis.diagnosis import diagnose
from core.api.routes import build_routes
from core.augmentation.robustness import measure_robustness
from core.datasets.storage import delete_dataset, describe_dataset
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.errors import DatasetError
from core.runs import control
from core.runs.start import fork_experiment, start_experiment
from core.runs.verdicts import suggestions_of, summaries_of, verdict_of
from core.store.records import Run, RunRequest
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from core.studies.plan import plan
from core.studies.report import read_report
from core.studies.start import (
    base_of_preset,
    base_of_run,
    complete_study,
    configs_to_train,
    make_spec,
    start_study,
)
from core.workspace import Workspace
from tests.core.conftest import own_data, run_command, run_json
from tests.core.store.test_breakdowns import details

pytestmark = pytest.mark.usefixtures("no_scheduler")

VALUES = {"dataset.id": "pets", "training.epochs": 3}
CONFIG = PRESETS["tiny"].config.with_values(VALUES)
OTHER_DATA = "another data set that was called pets"


@pytest.fixture
def store(workspace):
    own_data(workspace)
    with Store(workspace) as store:
        yield store


@pytest.fixture
def run(workspace, store) -> Run:
    return end(store, start_experiment(workspace, RunRequest(CONFIG, "pets 1")))


def end(store: Store, run: Run, state: RunState = RunState.STOPPED) -> Run:
    store.claim(run.id, [f"device of {run.id}"])
    store.record_started(run.id, run.attempt, 3, 2, 0)
    row = EpochRow(1, clean_train_accuracy=0.6, val_accuracy=0.5, seconds=1.0, details=details([0, 1]))
    store.record_epoch(run.id, run.attempt, row)
    store.workspace.run_folder(run.id).mkdir(exist_ok=True)
    return store.transition(run.id, state, expected=ACTIVE)


def swap(workspace: Workspace, **changed) -> None:
    delete_dataset(workspace, "pets")
    own_data(workspace, **(changed or {"class_names": ("apple", "banana")}))


def test_a_run_keeps_digest_and_class_names_of_its_data(workspace, store, run) -> None:
    digest = describe_dataset(workspace, "pets").digest
    assert (run.dataset_digest, run.class_names) == (digest, ("cat", "dog"))
    told = run_json("show", run.id)[1]
    assert (told["dataset_digest"], told["class_names"]) == (digest, ["cat", "dog"])
    with TestClient(Starlette(routes=build_routes())) as client:
        assert client.get(f"/api/v1/runs/{run.id}").json()["class_names"] == ["cat", "dog"]


@pytest.mark.parametrize("change", [lambda workspace: delete_dataset(workspace, "pets"), swap])
def test_names_of_classes_are_the_run_s_own(workspace, store, run, change) -> None:
    change(workspace)
    code, out, _ = run_command("show", run.id, "--details")
    assert code == 0 and "cat" in out and "dog" in out and "apple" not in out
    told = run_json("show", run.id, "--details")[1]
    assert [each["class"] for each in told["classes"]] == ["cat", "dog"]


def actions(workspace: Workspace, store: Store, run: Run) -> dict[str, Callable[[], object]]:
    """Everything that needs the run's data again."""
    return {
        "resume": lambda: control.resume_run(workspace, run.id),
        "fork": lambda: fork_experiment(workspace, run.id, {"seed": 5}),
        "robustness": lambda: list(measure_robustness(workspace, Never(), run, "zoom", (16, 16, 3))),
        "study": lambda: start_study(
            workspace, make_spec(workspace, "seeds", base_of_run(store, run.id, {}), None, {})
        ),
    }


class Never:
    """An engine that must not be asked."""

    def count_right(self, *arguments) -> tuple[int, int]:
        raise AssertionError("These are not the run's pictures.")


@pytest.mark.parametrize("action", ["resume", "fork", "robustness", "study"])
def test_what_needs_the_data_refuses(workspace, store, run, action) -> None:
    swap(workspace, seed=1)  # the same classes, other pictures
    with pytest.raises(DatasetError, match=OTHER_DATA):
        actions(workspace, store, run)[action]()
    delete_dataset(workspace, "pets")
    with pytest.raises(DatasetError, match=r"not here any more|no data set .pets. here"):
        actions(workspace, store, run)[action]()
    assert [each.state for each in store.list_runs()] == [RunState.STOPPED]
    own_data(workspace)
    if action != "robustness":
        actions(workspace, store, run)[action]()
        assert len(store.waiting_runs()) >= 1


def test_commands_and_rest_say_so(workspace, store, run, tmp_path) -> None:
    swap(workspace)
    batch = ("batch", "--run", run.id, "--out", str(tmp_path / "batch.png"))
    for command in (batch, ("resume", run.id), ("fork", run.id, "--set", "seed=1"), ("robustness", run.id)):
        code, _, error = run_command(*command)
        assert code == 2 and OTHER_DATA in error
    assert not (tmp_path / "batch.png").exists()
    assert OTHER_DATA in run_command("show", run.id)[1]
    with TestClient(Starlette(routes=build_routes())) as client:
        for method, place in (("GET", "batch"), ("GET", "robustness"), ("POST", "resume")):
            answer = client.request(method, f"/api/v1/runs/{run.id}/{place}")
            assert answer.status_code == 400 and OTHER_DATA in answer.json()["error"]


def test_a_fork_onto_a_data_set_that_is_named_is_no_mistake(workspace, store, run) -> None:
    own_data(workspace, "fruit", ("apple", "banana"))
    swap(workspace)
    fork = fork_experiment(workspace, run.id, {"dataset.id": "fruit"})
    assert (fork.parent_id, fork.class_names) == (run.id, ("apple", "banana"))


@pytest.mark.parametrize(
    "change", [lambda workspace: delete_dataset(workspace, "pets"), lambda workspace: None]
)
def test_the_verdict_rests_on_the_run_s_own_data(workspace, store, run, change) -> None:
    curves = store.curves(run.id)
    whole = diagnose(curves, num_classes=2, num_validation=6, num_clean=24)
    change(workspace)
    assert verdict_of(store, run, curves) == whole
    (summary,) = summaries_of(store, [run])
    assert summary["verdict"] == whole.to_dict()


def test_the_verdict_rests_on_no_other_data_and_offers_nothing(workspace, store, run) -> None:
    curves = store.curves(run.id)
    swap(workspace, class_names=("a", "b", "c"))
    own = diagnose(curves, num_classes=2, num_validation=6, num_clean=24)
    assert verdict_of(store, run, curves) == own
    assert suggestions_of(workspace, run, verdict_of(store, run, curves)) == ()
    later = end(store, control.start_run(workspace, RunRequest(CONFIG)))
    of_later, of_run = summaries_of(store, [later, run])
    counted = diagnose(curves, num_classes=3, num_validation=6, num_clean=24)
    assert (of_later["verdict"], of_run["verdict"]) == (counted.to_dict(), own.to_dict())


def test_a_study_reuses_no_run_on_other_data(workspace, store) -> None:
    finished = end(store, start_experiment(workspace, RunRequest(CONFIG)), RunState.FINISHED)
    asked = make_spec(workspace, "seeds", base_of_preset("tiny", VALUES), None, {"num_seeds": 2})
    assert len(configs_to_train(store, plan(asked), reuse=True)) == 1
    swap(workspace)
    assert len(configs_to_train(store, plan(asked), reuse=True)) == 2
    members = store.studies.members(start_study(workspace, asked).id)
    assert finished.id not in {member.run.id for member in members}
    assert {member.run.class_names for member in members} == {("apple", "banana")}


def test_a_study_is_not_completed_with_other_data(workspace, store) -> None:
    varied = VALUES | {"augmentation.horizontal_flip": True, "augmentation.rotation_degrees": 20}
    study = start_study(workspace, make_spec(workspace, "ablation", base_of_preset("tiny", varied), None, {}))
    *others, last = store.studies.members(study.id)
    for member in others:
        end(store, member.run, RunState.FINISHED)
    end(store, last.run, RunState.FAILED)

    def result() -> dict:
        return read_report(workspace, store, study.id).to_dict()["result"]

    assert read_report(workspace, store, study.id).result.effects[0].accuracy.error is not None
    whole = result()
    swap(workspace, seed=1, count=240)
    assert result() == whole  # its standard errors rest on how many pictures the runs saw
    with pytest.raises(DatasetError, match=OTHER_DATA):
        complete_study(workspace, study.id)
    store.trash.put(last.run.id)
    with pytest.raises(DatasetError, match=OTHER_DATA):
        complete_study(workspace, study.id)
    assert store.waiting_runs() == []
    swap(workspace, seed=0)
    assert complete_study(workspace, study.id) == 1


def test_of_a_run_of_an_older_version_nothing_is_compared(workspace, store, run) -> None:
    with sqlite3.connect(workspace.database) as connection:
        connection.execute("UPDATE runs SET dataset_digest = NULL, class_names = NULL")
    connection.close()
    swap(workspace)
    assert run_json("show", run.id, "--details")[1]["classes"][0]["class"] == "apple"
    assert run_json("show", run.id)[1]["class_names"] is None
    assert control.resume_run(workspace, run.id).state is RunState.WAITING
