"""Studies in the store: all runs or none, once, and what is left when some are gone."""

import sqlite3
import threading
from dataclasses import replace

import pytest

from core.errors import ConvDeckError, RunError, StudyNotFound
from core.store.records import RunRequest, new_run_id
from core.store.states import RunState
from core.store.store import Store
from core.store.studies import NewRun
from tests.core.conftest import known_data
from tests.core.scheduling.fakes import CONFIG, Clock


@pytest.fixture
def store(workspace):
    with Store(workspace, clock=Clock()) as store:
        yield store


def wanted(count: int = 3) -> list[NewRun]:
    return [
        NewRun(
            {"arms": ["first"], "seed": seed},
            RunRequest(CONFIG.with_values({"seed": seed}), f"seed {seed}", "tiny"),
        )
        for seed in range(count)
    ]


def create(store: Store, runs=None, **options):
    return store.studies.create("seeds", "A study", "{}", wanted() if runs is None else runs, **options)


def finish(store: Store, run_id: str, state: RunState = RunState.FINISHED) -> None:
    store.claim(run_id, [f"device of {run_id}"])
    store.record_started(run_id, 1, 1, 1, 0)
    store.transition(run_id, state, expected=RunState.RUNNING)


def test_all_runs_wait_in_the_order_of_the_plan(store):
    study = create(store)
    assert study == store.studies.get(study.id)
    assert (study.kind, study.name, study.spec, study.created_at) == ("seeds", "A study", "{}", 1000.0)
    assert (study.num_runs, study.num_finished, study.num_under_way) == (3, 0, 3)
    members = store.studies.members(study.id)
    assert [member.run.id for member in members] == [run.id for run in store.waiting_runs()]
    assert [(member.role["seed"], member.run.name, member.run.preset) for member in members] == [
        (0, "seed 0", "tiny"),
        (1, "seed 1", "tiny"),
        (2, "seed 2", "tiny"),
    ]
    assert not any(member.is_reused or member.is_shared or member.is_changed for member in members)
    assert store.studies.list_studies() == [study]


def test_one_token_makes_one_study_however_many_ask_at_once(store):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(create(store, token="once").id)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert len(store.list_runs()) == 3


def test_a_plan_that_breaks_half_way_leaves_nothing(store):
    runs = wanted()
    runs[2] = NewRun(runs[2].role, replace(runs[2].request, preset=object()))
    with pytest.raises(ConvDeckError):
        create(store, runs)
    assert store.list_runs() == [] and store.studies.list_studies() == []


def test_a_run_s_name_is_one_that_a_person_could_give(store):
    runs = wanted()
    runs[2] = NewRun(runs[2].role, replace(runs[2].request, name="two\nlines"))
    with pytest.raises(RunError, match="line breaks"):
        create(store, runs)
    assert store.list_runs() == [] and store.studies.list_studies() == []


def test_what_is_there_already_is_reused(store):
    finished = store.queue_run(RunRequest(wanted()[0].request.config))
    finish(store, finished.id)
    waiting = store.queue_run(RunRequest(wanted()[1].request.config))
    stopped = store.queue_run(RunRequest(wanted()[2].request.config))
    finish(store, stopped.id, RunState.STOPPED)
    again = store.queue_run(RunRequest(wanted()[0].request.config))  # the one that is finished comes first

    configs = [run.request.config for run in wanted()]
    assert store.studies.reusable([run.request for run in wanted()]) == {
        configs[0].config_id: finished.id,
        configs[1].config_id: waiting.id,
    }
    members = store.studies.members(create(store).id)
    assert [member.is_reused for member in members] == [True, True, False]
    assert [member.run.id for member in members][:2] == [finished.id, waiting.id]
    assert members[2].run.id not in (stopped.id, again.id)

    fresh = store.studies.members(create(store, reuse=False).id)
    assert not {member.run.id for member in fresh} & {member.run.id for member in members}


def test_of_two_the_one_that_was_there_first_is_reused(store):
    config = wanted()[0].request.config
    first, second = store.queue_run(RunRequest(config)), store.queue_run(RunRequest(config))
    assert store.studies.reusable([RunRequest(config)]) == {config.config_id: first.id}
    finish(store, second.id)
    assert store.studies.reusable([RunRequest(config)]) == {config.config_id: second.id}
    finish(store, first.id)
    assert store.studies.reusable([RunRequest(config)]) == {config.config_id: first.id}


def test_a_run_on_other_data_of_the_same_name_is_not_reused(store):
    config = wanted()[0].request.config
    of_mine, of_other, of_unknown = (
        RunRequest(config, data=data) for data in (known_data("mine"), known_data("other"), None)
    )
    run = store.queue_run(of_mine)
    assert (
        store.studies.reusable([of_mine])
        == store.studies.reusable([of_unknown])
        == {config.config_id: run.id}
    )
    assert store.studies.reusable([of_other]) == {}
    (member,) = store.studies.members(create(store, [NewRun({"seed": 0}, replace(of_other, name="x"))]).id)
    assert (member.is_reused, member.run.dataset_digest) == (False, "other")
    old = store.queue_run(RunRequest(CONFIG.with_values({"seed": 9})))
    asked = RunRequest(old.config, data=known_data("mine"))
    assert store.studies.reusable([asked]) == {old.config_id: old.id}


def test_a_pause_makes_no_other_run_of_it(store):
    study = create(store, wanted(1))
    (member,) = store.studies.members(study.id)
    with store._database.writing() as connection:
        connection.execute(
            "INSERT INTO interventions (run_number, kind, asked_at, attempt) VALUES (1, 'pause', 1, 1)"
        )
    assert [each.is_changed for each in store.studies.members(study.id)] == [False]
    assert store.studies.reusable([RunRequest(member.run.config)]) == {
        member.run.config.config_id: member.run.id
    }


def test_a_run_that_is_being_stopped_is_not_reused(store):
    run = store.queue_run(RunRequest(wanted()[0].request.config))
    store.claim(run.id, ["cpu:0"])
    store.request_stop(run.id)
    assert store.studies.reusable([RunRequest(run.config)]) == {}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET added_epochs = 5",
        "INSERT INTO interventions (run_number, kind, asked_at, attempt) VALUES (1, 'learning_rate', 1, 1)",
    ],
)
def test_a_run_that_was_changed_by_hand_is_not_reused_and_is_told(store, workspace, change):
    study = create(store, wanted(1))
    with sqlite3.connect(workspace.database) as connection:
        connection.execute(change)
    connection.close()
    (member,) = store.studies.members(study.id)
    assert member.is_changed
    assert store.studies.reusable([RunRequest(member.run.config)]) == {}


def test_a_shared_run_is_known_to_be(store):
    first, second = create(store), create(store)
    assert all(member.is_shared for member in store.studies.members(first.id))
    store.studies.delete(second.id)
    assert not any(member.is_shared for member in store.studies.members(first.id))
    assert len(store.list_runs()) == 3


def test_a_deleted_run_leaves_a_hole_that_can_be_filled_once(store):
    study = create(store)
    lost = store.studies.members(study.id)[1].run
    store.trash.put(lost.id)
    assert store.studies.get(study.id).num_runs == 2
    assert store.studies.fill(study.id, wanted()) == 1
    assert store.studies.fill(study.id, wanted()) == 0
    members = store.studies.members(study.id)
    assert [member.role["seed"] for member in members] == [0, 1, 2]
    assert members[1].run.id != lost.id and members[1].run.config == lost.config


def test_curves_of_several_runs_in_one_reading(store):
    study = create(store)
    run = store.studies.members(study.id)[0].run
    assert store.studies.curves([run.id, new_run_id()]) == {run.id: store.curves(run.id)}


def test_rename(store):
    study = create(store)
    store.studies.rename(study.id, " Another ")
    assert store.studies.get(study.id).name == "Another"
    with pytest.raises(RunError):
        store.studies.rename(study.id, "")


@pytest.mark.parametrize("study_id", ["", "nothing", "../x", "aaaaaaaaaa", None])
def test_a_study_that_is_not_there(store, study_id):
    studies = store.studies
    for act in (
        studies.get, studies.members, studies.delete, lambda each: studies.fill(each, []),
        lambda each: studies.rename(each, "x"),
    ):  # fmt: skip
        with pytest.raises(StudyNotFound):
            act(study_id)


@pytest.mark.parametrize("token", ["", "x" * 201])
def test_a_token_that_is_not_allowed(store, token):
    with pytest.raises(RunError, match="token"):
        create(store, token=token)


def test_runs_that_a_study_began_are_told_from_those_that_it_took_up(store):
    alone = store.queue_run(RunRequest(wanted()[0].request.config, "alone"))
    finish(store, alone.id)
    taken, *began = store.studies.members(create(store, reuse=True).id)
    assert taken.run.id == alone.id and taken.is_reused
    for member in began:
        finish(store, member.run.id)
    other = store.queue_run(RunRequest(CONFIG, "goes on"))
    assert [run.id for run in store.standalone_results(5)] == [alone.id]
    finish(store, other.id, RunState.FAILED)
    assert [run.id for run in store.standalone_results(5)] == [other.id, alone.id]
    assert [run.id for run in store.standalone_results(1)] == [other.id]
    of_study = sorted((member.run.id for member in began), key=[run.id for run in store.list_runs()].index)
    assert [run.id for run in store.list_runs(alone_first=True)] == [other.id, alone.id, *of_study]
