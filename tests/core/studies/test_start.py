"""Start, stop, complete, delete; and how a study stands."""

import json

import pytest

from core.errors import ConfigError, DatasetError, StudyNotFound, TokenTaken
from core.runs.pace import estimate_seconds
from core.store.records import RunRequest
from core.store.states import RunState
from core.studies import start
from core.studies.plan import plan
from core.studies.report import read_report, study_summary
from core.studies.spec import StudySource, build_spec
from tests.core.studies.ended import FLIPPED, TINY, create, end, end_all, spec


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    monkeypatch.setattr(start, "ensure_scheduler", lambda workspace: None)
    monkeypatch.setattr(start.control, "ensure_scheduler", lambda workspace: None)


def test_a_study_and_its_numbers_as_they_come(workspace, store):
    study = start.start_study(workspace, spec("seeds", TINY, FLIPPED, num_seeds=2))
    assert study.name == "Signal or noise: config 0 and config 1"
    report = read_report(workspace, store, study.id)
    assert report.standing == "0 of 4 runs have finished, 4 are running or waiting."
    assert report.is_partial

    members = report.members
    end(store, members[0].run, (0.4, 0.5), 0.6)
    end(store, members[1].run, (0.4, 0.53), 0.6)
    report = read_report(workspace, store, study.id)
    assert report.standing == "2 of 4 runs have finished, 2 are running or waiting."
    assert report.result.accuracy.mean == pytest.approx(-0.03)

    end(store, members[2].run, (0.4, 0.45), 0.6)
    end(store, members[3].run, (0.4, 0.8), 0.6, RunState.STOPPED)
    store.trash.put(members[0].run.id)
    report = read_report(workspace, store, study.id)
    assert report.standing == "2 of 4 runs have finished, 1 did not finish, 1 was deleted."
    assert report.num_planned == 4
    assert [hole.name for hole in report.holes] == ["config 0, seed 0"]
    # A run that was stopped is no measurement, however good it was.
    assert report.result.accuracy is None
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False)) == report.to_dict()


def test_one_token_one_study(workspace, store):
    first, second = (start.start_study(workspace, spec(), token="t") for _ in range(2))
    assert first.id == second.id and len(store.list_runs()) == 3
    for other in (spec(num_seeds=2), spec("seeds", TINY.with_values({"seed": 9}))):
        with pytest.raises(TokenTaken, match="another study"):
            start.start_study(workspace, other, token="t")
    assert len(store.list_runs()) == 3


def test_nothing_is_queued_when_one_of_the_runs_cannot_be_trained(workspace, store):
    too_big = TINY.with_values({"dataset.num_train": 6_001})
    with pytest.raises(ConfigError, match="must be at most 6,000"):
        start.start_study(workspace, spec("seeds", TINY, too_big))
    with pytest.raises(DatasetError, match="not here yet"):
        start.start_study(workspace, spec("seeds", TINY.with_values({"dataset.id": "cifar10"})))
    assert store.list_runs() == [] and store.studies.list_studies() == []


def test_stop_leaves_what_others_need(workspace, store):
    mine = store.queue_run(RunRequest(TINY))  # there before: a person's own
    study = start.start_study(workspace, spec())
    other = start.start_study(workspace, spec("seeds", TINY.with_values({"seed": 2}), num_seeds=2))
    assert [member.is_reused for member in store.studies.members(study.id)] == [True, False, False]
    assert start.stop_study(workspace, study.id) == 1
    states = {member.role["seed"]: member.run.state for member in store.studies.members(study.id)}
    assert states == {0: RunState.WAITING, 1: RunState.STOPPED, 2: RunState.WAITING}
    assert store.get_run(mine.id).state is RunState.WAITING
    assert store.studies.get(other.id).num_under_way == 2


def test_of_studies_that_share_a_run_the_last_one_that_wants_it_stops_it(workspace, store):
    first, second = (start.start_study(workspace, spec()) for _ in range(2))
    assert {member.run.id for member in store.studies.members(first.id)} == {
        member.run.id for member in store.studies.members(second.id)
    }
    assert start.stop_study(workspace, first.id) == 0
    told, other = (start.read_report(workspace, store, each.id).to_dict() for each in (first, second))
    assert (told["is_stopped"], other["is_stopped"]) == (True, False)
    assert told["standing"] == (
        "0 of 3 runs have finished, 3 are running or waiting. It was stopped. 3 runs continue, because a person, a "
        "sweep or another study wants them; this study does not any more."
    )
    assert other["standing"] == "0 of 3 runs have finished, 3 are running or waiting."
    # Resumed, it wants them again.
    assert start.complete_study(workspace, first.id) == 0
    assert start.stop_study(workspace, second.id) == 0
    assert start.stop_study(workspace, first.id) == 3
    assert {run.state for run in store.list_runs()} == {RunState.STOPPED}
    told = start.read_report(workspace, store, first.id).to_dict()
    assert told["standing"] == "0 of 3 runs have finished, 3 did not finish. It was stopped."
    assert start.complete_study(workspace, second.id) == 3 and not store.studies.get(second.id).is_stopped


def test_complete_queues_what_failed_and_trains_anew_what_was_deleted(workspace, store):
    study = create(store, spec())
    failed, deleted, done = (member.run for member in store.studies.members(study.id))
    end(store, failed, state=RunState.FAILED, error="Diverged", next_step="Lower it.")
    store.trash.put(deleted.id)
    end(store, done)
    assert start.complete_study(workspace, study.id) == 2
    assert start.complete_study(workspace, study.id) == 0
    members = store.studies.members(study.id)
    assert [member.run.state for member in members] == [
        RunState.WAITING,
        RunState.WAITING,
        RunState.FINISHED,
    ]
    assert members[0].run.id == failed.id and members[0].run.attempt == 2
    assert members[1].run.id != deleted.id


def test_what_was_deleted_is_trained_anew_whatever_else_is_there(workspace, store):
    doubted = end(store, store.queue_run(RunRequest(TINY, "doubted")))
    study = start.start_study(workspace, spec(), reuse=False)
    store.trash.put(store.studies.members(study.id)[0].run.id)
    assert start.complete_study(workspace, study.id) == 1
    members = store.studies.members(study.id)
    assert not any(member.is_reused for member in members)
    assert doubted.id not in {member.run.id for member in members}


def test_all_pictures_are_as_many_as_were_meant(workspace, store):
    # As if Shapes had grown since: its largest run would be trained on 6,000 and counted as 5,000.
    grown = build_spec("volume", [StudySource("config 0", TINY)], {}, 5_000)
    study = create(store, grown)
    store.trash.put(store.studies.members(study.id)[-1].run.id)
    with pytest.raises(ConfigError, match="5,000 training pictures; Shapes has 6,000 now"):
        start.complete_study(workspace, study.id)
    with pytest.raises(ConfigError):
        start.start_study(workspace, grown)


@pytest.mark.parametrize("kind", ["noise", "ablation"])
def test_what_failed_is_not_said_to_be_under_way(workspace, store, kind):
    study = create(store, spec(kind, FLIPPED))
    first, *others = store.studies.members(study.id)
    end(store, first.run)
    for member in others:
        end(store, member.run, state=RunState.FAILED)
    headline = read_report(workspace, store, study.id).result.headline
    assert "way" not in headline and "no run to compare it with has finished yet" in headline


def test_a_study_that_lost_a_run_is_not_whole_in_the_list_either(workspace, store):
    study = create(store, spec())
    end_all(store, study, lambda role: 0.5, lambda role: 0.1)
    store.trash.put(store.studies.members(study.id)[0].run.id)
    listed = study_summary(store.studies.list_studies()[0])
    assert (listed["num_finished"], listed["num_runs"], listed["num_planned"]) == (2, 2, 3)
    unreadable = store.studies.create("seeds", "Old", "{}", [plan(spec())[0].to_new_run()])
    assert study_summary(unreadable)["num_planned"] == 1


def test_delete_keeps_the_runs_unless_asked(workspace, store):
    study = create(store, spec())
    end_all(store, study, lambda role: 0.5, lambda role: 0.1)
    start.delete_study(workspace, study.id)
    assert len(store.list_runs()) == 3
    with pytest.raises(StudyNotFound):
        start.delete_study(workspace, study.id)

    reusing = create(store, spec(num_seeds=4), reuse=True)
    new = store.studies.members(reusing.id)[3].run
    store.request_stop(new.id)
    assert start.delete_study(workspace, reusing.id, with_runs=True) == []
    assert new.id not in {run.id for run in store.list_runs()} and len(store.list_runs()) == 3


def test_runs_that_another_study_has_too_are_not_deleted(workspace, store):
    mine = create(store, spec(num_seeds=3))
    end_all(store, mine, lambda role: 0.5, lambda role: 0.1)
    other = create(store, spec(num_seeds=2), reuse=True)
    assert start.delete_study(workspace, mine.id, with_runs=True) == []
    assert len(store.list_runs()) == store.studies.get(other.id).num_runs == 2


def test_what_another_version_wrote_is_said_and_its_runs_are_shown(workspace, store):
    study = store.studies.create("seeds", "Old", '{"kind": "seeds"}', [plan(spec())[0].to_new_run()])
    report = read_report(workspace, store, study.id)
    assert "cannot be read" in report.problem and report.result is None and len(report.members) == 1
    assert start.complete_study(workspace, study.id) == 0


def test_a_study_outlives_its_data_set(workspace, store):
    config = FLIPPED.with_values({"dataset.id": "gone"})
    study = create(store, spec("ablation", config))
    end_all(store, study, lambda role: 0.5, lambda role: 0.1)
    report = read_report(workspace, store, study.id)
    assert report.result.effects[0].accuracy.error is None


def test_names_of_two_differ(workspace, store):
    base = StudySource("same", TINY)
    asked = start.make_spec(workspace, "seeds", base, StudySource("same", FLIPPED), {})
    assert [each.name for each in asked.bases] == ["same", "same (second)"]
    with pytest.raises(ConfigError, match="study of kind seeds"):
        start.make_spec(workspace, "noise", base, StudySource("same", FLIPPED), {})
    run = store.queue_run(RunRequest(TINY, "tiny, seed 12"))
    assert start.base_of_run(store, run.id, {}).name == "tiny"
    assert start.base_of_run(store, run.id, {"seed": 3}).name == "tiny: seed 0 → 3"
    fork = start.base_fork(base, {"augmentation.horizontal_flip": True})
    assert fork.name == "same: horizontal flip off → on"


def test_the_time_comes_from_a_run_of_the_same_network(workspace, store):
    configs = [run.config for run in plan(spec("volume", sizes=[60, 600]))]
    assert estimate_seconds(workspace, store, configs, 1) is None
    end(store, store.queue_run(RunRequest(FLIPPED)))
    # 2 s an epoch for 60 pictures: three epochs of 60 take 6 s, of 600 take 60 s.
    assert estimate_seconds(workspace, store, configs, 1) == pytest.approx(66)
    assert estimate_seconds(workspace, store, configs, 3) == pytest.approx(22)
    other = TINY.with_values({"model.blocks[0].filters": 8})
    assert estimate_seconds(workspace, store, [other], 1) is None


def test_a_run_of_a_few_pictures_does_not_tell_the_time_where_there_is_a_larger_one(workspace, store):
    end(
        store, store.queue_run(RunRequest(TINY.with_values({"dataset.num_train": 600})))
    )  # 2 s for 600 pictures
    end(
        store, store.queue_run(RunRequest(TINY))
    )  # the newest: 2 s for 60, most of it for what comes with every epoch
    config = TINY.with_values({"dataset.num_train": 1_200})
    assert estimate_seconds(workspace, store, [config], 1) == pytest.approx(3 * 4)
