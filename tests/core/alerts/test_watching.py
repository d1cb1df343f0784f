"""What is told of runs, sweeps and studies, to whom, and how often; from epochs that are written down."""

import sqlite3

import pytest

from core.alerts import facts as facts_module
from core.alerts.watching import Watcher
from core.errors import ConvDeckError, UserError
from core.store import alerts
from core.store.alerts import GIVEN_UP, MAX_LOOKS, MOST_RULES, NewFact, Try
from core.store.run_record import Source
from core.store.states import RunState, SweepState
from core.sweeps import control, start
from tests.core.alerts.recorded import begun, end, rule, train
from tests.core.studies.ended import FLIPPED, TINY, create, spec
from tests.core.studies.ended import end as end_run
from tests.core.sweeps.trials import add_next, begin, end_trial


def told(store):
    return [(each.rule, each.kind, each.subject_id) for each in reversed(store.alerts.log())]


def test_without_a_rule_nothing_is_watched(store):
    run = begun(store)
    train(store, run)
    end(store, run)
    assert not store.alerts.has_work() and not Watcher(store).tick()
    rule(store)
    # What happened before is not told.
    assert not Watcher(store).tick() and told(store) == []


def test_overfitting_is_told_once_with_evidence_and_what_to_try(store):
    rule(store)
    run, watcher = begun(store), Watcher(store)
    for epoch in range(1, 11):
        train(store, run, epoch, epoch)
        assert store.alerts.has_work()
        assert watcher.tick()
    assert told(store) == [("all", "overfitting", run)]
    (delivery,) = store.alerts.log()
    message = delivery.message
    assert delivery.state == "pending" and message["id"] == delivery.id
    assert message["title"].startswith("“A run”: Overfitting since epoch ")
    assert message["subject"] == {"type": "run", "id": run, "name": "A run"}
    assert 4 <= message["epoch"] <= 10 and "Since epoch" in message["evidence"]
    assert message["link"] == f"/runs?run={run}"
    assert message["suggestion"]["sentence"].startswith("Turn augmentation on. ")
    assert message["suggestion"]["settings"]["augmentation.horizontal_flip"] is True
    end(store, run)
    watcher.tick()
    assert told(store)[1:] == [("all", "finished", run)]
    assert "60.0 %" in store.alerts.log()[0].message["title"]
    assert not watcher.tick() and not store.alerts.watched()


def test_each_rule_hears_of_its_kinds_alone_and_only_of_what_comes_after_it(store):
    rule(store, "finished", name="ends")
    rule(store, "failed", name="failures")
    first, second = begun(store, "first"), None
    end(store, first)
    store._clock = store.alerts._clock = lambda: 4e9
    rule(store, "finished", name="late")
    Watcher(store).tick()
    assert told(store) == [("ends", "finished", first)]
    second = begun(store, "second")
    end(store, second, RunState.FAILED, error="The disk is full.", next_step="Free some space.")
    Watcher(store).tick()
    assert told(store)[1:] == [("failures", "failed", second)]
    message = store.alerts.log()[0].message
    assert message["evidence"] == "The disk is full."
    assert message["suggestion"] == {"sentence": "Free some space.", "settings": {}}


def test_what_is_resumed_is_told_again_only_where_it_is_news(store):
    rule(store)
    watcher, run = Watcher(store), begun(store)
    train(store, run)
    end(store, run, RunState.FAILED, error="Out of memory.")
    watcher.tick()
    assert [kind for _, kind, _ in told(store)] == ["overfitting", "failed"]
    store.resume_run(run)
    begun(store, run_id=run, attempt=2, resumed_from=10)
    watcher.tick()
    end(store, run, RunState.INTERRUPTED, error="It was killed.")
    watcher.tick()
    # It overfits since the same epoch, which is known; that it was interrupted is news.
    assert [kind for _, kind, _ in told(store)] == ["overfitting", "failed", "failed"]


def fact(kind, since, known, attempt):
    return NewFact(kind, since, known, attempt, None, {"kind": kind})


@pytest.mark.parametrize(
    ("later", "is_told"),
    [
        (fact("plateau", 9, 15, 1), False),  # in the same attempt
        (fact("plateau", 13, 15, 1), False),
        (fact("plateau", 12, 15, 2), False),  # known then
        (fact("plateau", 13, 15, 2), True),
        (fact("overfitting", 3, 15, 1), True),  # another kind
    ],
)
def test_when_a_fact_is_news(store, later, is_told):
    rule(store)
    begun(store)
    (watched,) = store.alerts.watched()
    assert store.alerts.tell(watched, [fact("plateau", 8, 12, 1)]) == 1
    assert store.alerts.tell(watched, [later]) == int(is_told)


def test_what_was_known_before_a_resume_is_no_news_after_it(store):
    rule(store)
    begun(store)
    (watched,) = store.alerts.watched()
    told_of = [store.alerts.tell(watched, [each]) for each in (
        fact("plateau", 9, 12, 1), fact("plateau", 14, 30, 1), fact("plateau", 14, 31, 2), fact("plateau", 32, 40, 2),
    )]  # fmt: skip
    assert told_of == [1, 0, 0, 1]


def test_a_study_is_told_as_one_once_nothing_of_it_is_under_way(store):
    rule(store)
    study, watcher = create(store, spec("seeds", TINY, FLIPPED, num_seeds=2)), Watcher(store)
    members = [each.run for each in store.studies.members(study.id)]
    watcher.tick()
    for run in members[:-1]:
        end_run(store, run, (0.4, 0.5))
        watcher.tick()
        assert told(store) == []
    end_run(store, members[-1], (0.4, 0.6), state=RunState.FAILED, error="Out of memory.")
    watcher.tick()
    assert told(store) == [("all", "study_finished", study.id)]
    message = store.alerts.log()[0].message
    assert message["subject"] == {"type": "study", "id": study.id, "name": "A study"}
    assert message["evidence"].startswith("3 of 4 runs have finished, 1 did not finish.")
    # The failed one is trained again: that the study has finished with all of them is news.
    store.resume_run(members[-1].id)
    end_run(store, store.get_run(members[-1].id), (0.4, 0.6))
    watcher.tick()
    assert [kind for _, kind, _ in told(store)] == ["study_finished"] * 2
    assert store.alerts.log()[0].message["evidence"].startswith("4 of 4 runs have finished.")


def test_a_study_of_runs_that_are_there_already_is_told_and_one_that_was_stopped_is_not(store):
    first = create(store, spec("seeds", TINY, num_seeds=2))
    for each in store.studies.members(first.id):
        end_run(store, each.run)
    rule(store)
    again = create(store, spec("seeds", TINY, num_seeds=2), reuse=True)
    Watcher(store).tick()
    assert told(store) == [("all", "study_finished", again.id)]
    stopped = create(store, spec("seeds", FLIPPED, num_seeds=2))
    store.studies.stop(stopped.id)
    for each in store.studies.members(stopped.id):
        store.request_stop(each.run.id)
    Watcher(store).tick()
    assert len(told(store)) == 1


def test_a_sweep_is_told_with_its_best_trial_though_no_run_is_under_way(store, monkeypatch):
    for module in (start, control):
        monkeypatch.setattr(module, "ensure_scheduler", lambda workspace: None)
    rule(store)
    sweep, watcher = begin(store), Watcher(store)
    for accuracy in (0.5, 0.7, 0.6):
        end_trial(store, add_next(store, sweep), accuracy)
    watcher.tick()
    assert told(store) == []
    store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING)
    watcher.tick()
    watcher.tick()
    assert told(store) == [("all", "sweep_decided", sweep.id)]
    message = store.alerts.log()[0].message
    assert message["title"].endswith("is decided: trial 1 is the best, with 70.0 %.")
    assert message["suggestion"]["settings"] == {"model.blocks[0].filters": 8}
    assert message["link"] == f"/sweeps?sweep={sweep.id}"
    store.sweeps.change_state(sweep.id, SweepState.RUNNING, expected=SweepState.FINISHED)
    store.sweeps.change_state(
        sweep.id,
        SweepState.FAILED,
        expected=SweepState.RUNNING,
        error="Three in a row.",
        next_step="Look at them.",
    )
    watcher.tick()
    assert told(store)[1:] == [("all", "failed", sweep.id)]
    assert store.alerts.log()[0].message["suggestion"] == {"sentence": "Look at them.", "settings": {}}


def test_an_imported_run_is_no_news(store):
    rule(store)
    run = begun(store)
    train(store, run, last=3)
    end(store, run)
    Watcher(store).tick()
    count = len(told(store))
    copy = store.whole_runs.free_id()
    store.whole_runs.add(
        store.whole_runs.read(run, None), copy, Source(run, 1.0, "0.1.0", None, None), lambda: None
    )
    with sqlite3.connect(store.workspace.database) as connection:
        connection.execute("UPDATE runs SET state = 'STOPPED' WHERE id = ?", (copy,))
        connection.execute("UPDATE runs SET state = 'FINISHED' WHERE id = ?", (copy,))
    connection.close()
    assert [each.id for each in store.alerts.watched()] == [copy]
    Watcher(store).tick()
    assert len(told(store)) == count


def test_one_that_cannot_be_judged_stops_no_other_and_is_given_up(store, clock):
    rule(store, "finished")
    good = begun(store, "good")
    end(store, good)
    bad = begun(store, "bad")
    broken = [bad]

    def judge(store, subject, subject_id):
        if subject_id in broken:
            raise ZeroDivisionError("by hand")
        return facts_module.facts_of(store, subject, subject_id)

    watcher = Watcher(store, judge, clock)
    watcher.tick()
    assert told(store) == [("all", "finished", good)]
    for _ in range(MAX_LOOKS):
        watcher.tick()  # too early: nothing happens
        clock.now += 20
        watcher.tick()
    assert told(store)[1:] == [(None, GIVEN_UP, bad)]
    (last,) = store.alerts.log()[0].tries
    assert last.answer == "It could not be judged: ZeroDivisionError, by hand"
    assert store.alerts.watched() == []
    clock.now += 20
    watcher.tick()
    assert len(told(store)) == 2
    # Once it changes and can be judged, it is told like every other.
    broken.clear()
    end(store, bad)
    watcher.tick()
    assert told(store)[2:] == [("all", "finished", bad)]


def test_a_busy_database_loses_nothing_and_gives_nothing_up(store, clock, monkeypatch):
    rule(store, "finished")
    run, watcher = begun(store), Watcher(store, clock=clock)
    end(store, run)
    tell, busy = store.alerts.tell, [True] * (MAX_LOOKS + 2)

    def tell_or_wait(*arguments):
        if busy:
            busy.pop()
            raise ConvDeckError("The database was busy for more than 5 seconds. Try again.")
        return tell(*arguments)

    monkeypatch.setattr(store.alerts, "tell", tell_or_wait)
    for _ in range(MAX_LOOKS + 3):
        assert told(store) == []
        watcher.tick()
        clock.now += 20
    assert told(store) == [("all", "finished", run)]


def test_a_run_that_changes_while_it_is_looked_at_is_looked_at_again(store):
    rule(store, "finished")
    run = begun(store)

    def judge(store, subject, subject_id):
        found = facts_module.facts_of(store, subject, subject_id)
        if store.get_run(run).state is RunState.RUNNING:
            end(store, run)
        return found

    watcher = Watcher(store, judge)
    watcher.tick()
    assert told(store) == []
    watcher.tick()
    assert told(store) == [("all", "finished", run)]


def test_what_is_deleted_is_watched_no_more(store):
    rule(store)
    run = begun(store)
    end(store, run)
    store.trash.put(run)
    Watcher(store).tick()
    assert store.alerts.watched() == [] and told(store) == []


def test_a_removed_rule_sends_nothing_more_and_the_last_one_ends_all_watching(store):
    rule(store, "finished")
    run = begun(store)
    end(store, run)
    Watcher(store).tick()
    begun(store, "other")
    assert store.alerts.has_work()
    store.alerts.remove_rule("all")
    assert not store.alerts.has_work() and store.alerts.watched() == []
    (left,) = store.alerts.log()
    assert (left.rule, left.state, left.tries) == ("all", "failed", ())
    with pytest.raises(UserError, match="There is no alert “all”"):
        store.alerts.get_rule("all")


def test_the_log_and_the_rules_are_bounded(store, monkeypatch):
    assert alerts.MOST_LOGGED == 500
    monkeypatch.setattr(alerts, "MOST_LOGGED", 5)
    made = rule(store)
    for number in range(8):
        store.alerts.log_test(made, {"number": number}, Try(1.0, True, 200, "ok"))
    log = store.alerts.log()
    assert [each.message["number"] for each in log] == [7, 6, 5, 4, 3]
    with pytest.raises(UserError, match="There is an alert “all” already"):
        rule(store)
    for number in range(MOST_RULES - 1):
        rule(store, name=str(number))
    with pytest.raises(UserError, match="which is the most"):
        rule(store, name="one more")
