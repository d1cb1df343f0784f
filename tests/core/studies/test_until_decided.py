"""Seeds that are added: when, how many, once; and what failed, stopped or deleted runs and people do to it."""

import itertools
import threading

import pytest

from core.errors import ConfigError
from core.searcher.searcher import Searcher
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.studies import start, until_decided
from core.studies.plan import RunRole
from core.studies.report import read_report, study_summary
from core.studies.until_decided import continue_studies, expected_seeds, open_studies
from tests.core.studies.ended import FLIPPED, TINY, create, end, spec


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    for module in (start, start.control, until_decided):
        monkeypatch.setattr(module, "ensure_scheduler", lambda workspace: None)


def adding(**asked):
    return spec("seeds", TINY, FLIPPED, until_decided=True, **asked)


def end_waiting(store, study, difference=lambda seed: 0.0, state=RunState.FINISHED):
    """Let its runs end, the second `difference` better than 50 %, by seed."""
    for member in store.studies.members(study.id):
        role = RunRole.from_dict(member.role)
        if member.run.state is RunState.WAITING:
            better = difference(role.seed) if "second" in role.conditions else 0.0
            end(store, member.run, (0.4, 0.5 + better), 0.7, state)


# In 1,500-ths, so as accuracies are: about no difference, and a clear one of 5 points.
def unclear(seed):
    return (-9, 12, -6, 15, -12, 3)[seed % 6] / 1_500


def clear(seed):
    return 0.05 + unclear(seed) / 6


def test_a_seed_at_a_time_until_it_is_decided(workspace, store):
    study = start.start_study(workspace, adding())
    assert [each.id for each in open_studies(store)] == [study.id] and store.studies.is_any_adding_seeds()
    assert continue_studies(workspace, store) == 0  # its runs are waiting
    # Four seeds that say nothing, then two of a large difference.
    end_waiting(store, study, unclear)
    assert [continue_studies(workspace, store) for _ in range(3)] == [1, 0, 0]
    members = store.studies.members(study.id)
    assert [(member.role["arms"], member.role["seed"]) for member in members[-2:]] == [
        (["first"], 4),
        (["second"], 4),
    ]
    assert [member.position for member in members] == list(range(10))
    report = read_report(workspace, store, study.id)
    assert report.num_planned == 10 and not report.holes
    assert report.to_dict()["standing"] == (
        "8 of 10 runs have finished, 2 are running or waiting. Seeds are added until it is decided, 20 at most."
    )
    listed = study_summary(store.studies.get(study.id))
    assert (listed["num_planned"], listed["until_decided"], listed["adding_seeds"]) == (10, True, True)


def test_when_it_is_decided_no_seed_is_added(workspace, store):
    study = start.start_study(workspace, adding())
    end_waiting(store, study, clear)
    assert continue_studies(workspace, store) == 0
    report = read_report(workspace, store, study.id)
    assert report.is_decided and report.adding is None and open_studies(store) == []
    assert report.result.notes[0] == "Decided after 4 seeds: the interval leaves out zero."
    # It stays so when someone queues what is missing, of which there is nothing.
    assert start.complete_study(workspace, study.id) == 0 and open_studies(store) == []


def test_an_error_of_one_study_keeps_no_other_from_being_looked_at(workspace, store, monkeypatch):
    broken, other = (start.start_study(workspace, adding(max_seeds=most)) for most in (5, 6))
    for study in (broken, other):
        end_waiting(store, study, unclear)
    going_on = until_decided.read_report

    def report_of(workspace, store, study_id):
        if study_id == broken.id:
            raise ZeroDivisionError("a bug")
        return going_on(workspace, store, study_id)

    monkeypatch.setattr(until_decided, "read_report", report_of)
    with pytest.raises(ZeroDivisionError):
        continue_studies(workspace, store)
    assert store.studies.get(other.id).added_seeds == 1 and store.studies.get(broken.id).added_seeds == 0


def test_within_its_budget_and_beyond_it_when_asked(workspace, store):
    study = start.start_study(workspace, adding(max_seeds=5))
    end_waiting(store, study, unclear)
    assert continue_studies(workspace, store) == 1
    end_waiting(store, study, unclear)
    assert continue_studies(workspace, store) == 0 and open_studies(store) == []
    report = read_report(workspace, store, study.id)
    assert report.result.notes[0].startswith("Not decided within 5 seeds; about ")
    assert report.adding == "All 5 seeds are used. With a larger number it continues where it stands."
    with pytest.raises(ConfigError, match="from 5, which it has, to 100"):
        start.complete_study(workspace, study.id, 4)
    assert start.complete_study(workspace, study.id, 6) == 0
    assert continue_studies(workspace, store) == 1
    fixed = start.start_study(workspace, spec("seeds", TINY, FLIPPED))
    with pytest.raises(ConfigError, match="only for a study that adds seeds"):
        start.complete_study(workspace, fixed.id, 6)
    assert study.id in {each.id for each in open_studies(store)} and len(open_studies(store)) == 1


def test_many_at_once_add_one_seed(workspace, store):
    study = start.start_study(workspace, adding())
    end_waiting(store, study, unclear)
    added = []

    def ask():
        with Store(workspace) as own:
            added.append(continue_studies(workspace, own))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [0, 0, 0, 0, 0, 1]
    assert store.studies.get(study.id).added_seeds == 1 and len(store.studies.members(study.id)) == 10


def test_one_seed_that_failed_costs_a_seed_and_two_in_a_row_end_it(workspace, store):
    study = start.start_study(workspace, adding())
    end_waiting(store, study, unclear)
    for expected in (1, 1):
        assert continue_studies(workspace, store) == expected
        end_waiting(store, study, state=RunState.FAILED)
    # After the first of them a seed was added; after the second no more.
    assert continue_studies(workspace, store) == 0 and open_studies(store) == []
    report = read_report(workspace, store, study.id)
    assert report.adding.startswith("No more seeds are added: the last 2 have no pair of results.")
    assert report.decision.num_pairs == 4
    # A person queues what failed: it continues.
    assert start.complete_study(workspace, study.id) == 4
    end_waiting(store, study, unclear)
    assert continue_studies(workspace, store) == 1


def test_deleted_runs_are_no_pair(workspace, store):
    study = start.start_study(workspace, adding())
    end_waiting(store, study, unclear)
    store.trash.put(store.studies.members(study.id)[2].run.id)
    assert read_report(workspace, store, study.id).decision.num_pairs == 3
    assert continue_studies(workspace, store) == 1
    # The seed that was deleted stays a hole, and the next one is new.
    assert [hole.role.seed for hole in read_report(workspace, store, study.id).holes] == [1]
    assert max(member.role["seed"] for member in store.studies.members(study.id)) == 4


def test_stopped_by_a_person_until_it_is_resumed(workspace, store):
    study = start.start_study(workspace, adding())
    assert start.stop_study(workspace, study.id) == 8
    assert continue_studies(workspace, store) == 0 and open_studies(store) == []
    assert start.complete_study(workspace, study.id) == 8
    end_waiting(store, study, unclear)
    start.stop_study(workspace, study.id)
    report = read_report(workspace, store, study.id)
    assert report.adding == "No more seeds are added, because it was stopped. It can be continued."
    assert continue_studies(workspace, store) == 0
    start.complete_study(workspace, study.id)
    assert continue_studies(workspace, store) == 1


def test_runs_that_are_there_are_reused_unless_not_wanted(workspace, store):
    there = store.queue_run(RunRequest(TINY.with_values({"seed": 4}), "there before"))
    end(store, there, (0.4, 0.5), 0.7)
    found = {}
    for reuse in (True, False):
        study = start.start_study(workspace, adding(), reuse=reuse)
        end_waiting(store, study, unclear)
        continue_studies(workspace, store)
        added = next(each for each in store.studies.members(study.id) if each.role["seed"] == 4)
        found[reuse] = added.run.id == there.id
        start.delete_study(workspace, study.id)
    assert found == {True: True, False: False}


def test_one_token_one_study_however_many_seeds_it_has_added(workspace, store):
    study = start.start_study(workspace, adding(), token="t")
    end_waiting(store, study, unclear)
    continue_studies(workspace, store)
    assert start.start_study(workspace, adding(), token="t").id == study.id


def test_a_study_that_cannot_continue_ends_alone(workspace, store):
    gone = TINY.with_values({"dataset.id": "gone"})
    bad = create(store, spec("seeds", gone, gone.with_values({"training.epochs": 4}), until_decided=True))
    good = start.start_study(workspace, adding())
    for study in (bad, good):
        end_waiting(store, study, unclear)
    assert continue_studies(workspace, store) == 1
    assert [each.id for each in open_studies(store)] == [good.id]
    # It says why, and what to do; a person who continues it starts afresh.
    said = read_report(workspace, store, bad.id).to_dict()
    assert said["adding_ended_by"] and said["standing"].endswith(
        f" No more seeds are added: {said['adding_ended_by']} Fix the cause, then continue the study."
    )
    assert "gone" in said["standing"] and "stopped" not in said["standing"]
    store.studies.continue_adding(bad.id)
    assert store.studies.get(bad.id).ended_by is None


def test_the_searcher_adds_them(workspace, store):
    study = start.start_study(workspace, adding(max_seeds=5))
    seconds = itertools.count()
    searcher = Searcher(store, clock=lambda: float(next(seconds)))  # studies are not looked at at each tick
    assert store.needs_searcher() and searcher.tick()
    end_waiting(store, study, unclear)
    assert searcher.tick() and store.studies.get(study.id).added_seeds == 1
    end_waiting(store, study, unclear)
    searcher.tick()
    assert not searcher.tick() and not store.needs_searcher()


def test_what_it_may_take_is_known_from_runs_that_are_there(store):
    asked = adding(smallest_difference=0.02)
    assert expected_seeds(store, asked) is None
    # Another network on the same data: seeds move it by 1 point, so pairs of the two by √2 points.
    other = TINY.with_values({"optimizer.learning_rate": 0.01})
    for seed, accuracy in enumerate((0.49, 0.50, 0.51)):
        run = store.queue_run(RunRequest(other.with_values({"seed": seed}), "other"))
        end(store, run, (0.4, accuracy), 0.6)
    unlike = expected_seeds(store, asked)
    # Three pairs of the two themselves say more: they differ by a tenth as much.
    for seed, accuracy in enumerate((0.499, 0.500, 0.501)):
        for config, best in ((TINY, 0.5), (FLIPPED, accuracy)):
            run = store.queue_run(RunRequest(config.with_values({"seed": seed}), "own"))
            end(store, run, (0.4, best), 0.6)
    own = expected_seeds(store, asked)
    assert own.forecast.more < unlike.forecast.more
    assert own.basis == "From 3 pairs of runs of the two that are there."
    assert unlike.basis == "From runs of other configs on the same data that differ by their seed alone."
    assert unlike.sentence == (
        f"About {unlike.forecast.more} seeds are needed to detect a difference of 2 points."
    )


def test_runs_that_were_changed_or_saw_other_pictures_do_not_tell_what_it_may_take(store):
    asked = adding(smallest_difference=0.02)

    def repeat(name, seeds):
        made = []
        for seed in seeds:
            run = store.queue_run(RunRequest(TINY.with_values({"seed": seed}), name))
            made.append(end(store, run, (0.4, 0.5 + 0.1 * (seed % 2)), 0.6))
        return [run.id for run in made]

    ids = repeat("changed", (0, 1))
    with store._database.writing() as connection:
        connection.executemany("UPDATE runs SET added_epochs = 2 WHERE id = ?", [(each,) for each in ids])
    assert expected_seeds(store, asked) is None
    ids = repeat("other pictures", (2, 3))
    with store._database.writing() as connection:
        query = "UPDATE runs SET dataset_digest = 'other' WHERE id = ?"
        connection.executemany(query, [(each,) for each in ids])
    assert expected_seeds(store, asked) is None
    repeat("as they are", (4, 5))
    assert expected_seeds(store, asked) is not None
