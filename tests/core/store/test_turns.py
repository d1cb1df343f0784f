"""Whose run is next."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.store.records import RunRequest
from core.store.states import RunState
from core.store.turns import in_turn
from core.visitors.person import MACHINE, TEACHER, Person, acting_as
from tests.core.scheduling.fakes import CONFIG

VISITORS = st.sampled_from(["", "a", "b", "c", "d"])


def queue(store, person: Person, name: str) -> str:
    with acting_as(person):
        return store.queue_run(RunRequest(CONFIG, name=name)).id


def start_next(store) -> str:
    run = store.waiting_runs()[0]
    store.claim(run.id, ["cpu:0"])
    store.transition(run.id, RunState.FAILED, expected=RunState.STARTING)
    return run.name


def test_without_a_class_the_queue_is_first_come_first_served(store):
    names = [f"run {number}" for number in range(5)]
    for name in names:
        queue(store, MACHINE, name)
    assert [start_next(store) for _ in names] == names


def test_visitors_take_turns_and_the_teacher_like_one_of_them(store):
    anna, ben = Person("visitor", "a"), Person("visitor", "b")
    for number in range(3):
        queue(store, anna, f"A{number}")
    queue(store, ben, "B0")
    for number in range(2):
        queue(store, TEACHER, f"T{number}")
    forecast = [run.name for run in store.waiting_runs()]
    assert forecast == ["A0", "B0", "T0", "A1", "T1", "A2"]
    assert store.queue() == [run.id for run in store.waiting_runs()]
    assert [start_next(store) for _ in range(2)] == ["A0", "B0"]
    # Ben comes back with more: he had a turn after Anna, the teacher had none.
    for number in (1, 2):
        queue(store, ben, f"B{number}")
    assert [start_next(store) for _ in range(6)] == ["T0", "A1", "B1", "T1", "A2", "B2"]


def test_a_deleted_run_gives_no_turn_back(store):
    anna, ben = Person("visitor", "a"), Person("visitor", "b")
    queue(store, anna, "A0")
    queue(store, ben, "B0")
    assert start_next(store) == "A0"
    store.trash.put(store.find_runs("A0", limit=1).runs[0].id)
    queue(store, anna, "A1")
    assert start_next(store) == "B0"


@given(st.lists(VISITORS, max_size=30), st.dictionaries(VISITORS, st.integers(1, 9), max_size=5))
def test_the_order_keeps_all_runs_and_each_visitor_s_own_order(waiting, last):
    items = [(visitor, place) for place, visitor in enumerate(waiting)]
    order = in_turn([(visitor, (visitor, place)) for visitor, place in items], last)
    assert sorted(order) == sorted(items)
    for visitor in set(waiting):
        own = [place for owner, place in order if owner == visitor]
        assert own == sorted(own)


@given(st.lists(st.one_of(VISITORS.map(lambda visitor: (visitor, True)), st.just(("", False))), max_size=60))
def test_no_visitor_s_first_waiting_run_waits_behind_two_of_another(steps):
    """Over any course of runs that come (True) and starts of the next one (False)."""
    waiting, last, turn = [], {}, 0
    since_first_waits = {}
    for number, (visitor, comes) in enumerate(steps):
        if comes:
            waiting.append((visitor, (visitor, number)))
            since_first_waits.setdefault(visitor, Counter())
        elif waiting:
            order = in_turn(waiting, last)
            for first in {owner for owner, _ in waiting}:
                before = Counter(itertools.takewhile(first.__ne__, (owner for owner, _ in order)))
                assert max(before.values(), default=0) < 2
            owner = order[0][0]
            turn += 1
            last[owner] = turn
            waiting.remove((owner, order[0]))
            for other, counted in since_first_waits.items():
                if other != owner:
                    counted[owner] += 1
                    assert counted[owner] < 2, f"{other} waits while {owner} had two turns"
            still = any(each == owner for each, _ in waiting)
            since_first_waits.pop(owner)
            if still:
                since_first_waits[owner] = Counter()
