"""Looking for runs."""

import pytest

from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.search import fits
from core.store.states import RunState


def test_what_fits():
    told = ("r1abc", "Grüße =1+1", "shapes", "tiny")
    for text in ("", "  ", "GRÜSSE", "shapes grüße", "TINY =1", "r1a", " r1abc "):
        assert fits(text, *told), text
    for text in ("nothing", "grüße cifar10", "1abc", "r1abcd"):
        assert not fits(text, *told), text
    assert fits("shapes", "r1abc", "a", "shapes", None)


def test_finding_by_text_and_state(store):
    first = store.queue_run(RunRequest(PRESETS["tiny"].config, "Grüße", "tiny"))
    second = store.queue_run(RunRequest(PRESETS["article"].config, "second", "article"))
    store.claim(first.id, ["cpu:0"])

    def found(text="", states=None, limit=10):
        page = store.find_runs(text, states, limit=limit)
        assert page.total == len(page.runs)
        return [run.id for run in page.runs]

    assert found() == [second.id, first.id]
    assert found("GRÜSSE") == [first.id]
    assert found("article second") == [second.id]
    assert found(first.id) == [first.id]
    assert found("nothing like it") == []
    assert found(states={RunState.WAITING}) == [second.id]
    assert found("tiny", {RunState.WAITING}) == []
    assert found(states=frozenset()) == []


@pytest.mark.parametrize(("text", "states"), [("", None), ("tiny", None), ("", {RunState.WAITING})])
def test_pages_follow_each_other_without_a_gap(store, text, states):
    ids = [
        store.queue_run(RunRequest(PRESETS["tiny"].config, f"run {number}", "tiny")).id for number in range(5)
    ][::-1]
    pages = [store.find_runs(text, states, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [[run.id for run in page.runs] for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert {page.total for page in pages} == {5}


def test_several_by_id_keep_their_order_and_leave_out_what_is_gone(store):
    first, second, gone = (store.queue_run(RunRequest(PRESETS["tiny"].config)) for _ in range(3))
    store.trash.put(gone.id)
    asked = [first.id, gone.id, second.id, first.id, "unknown"]
    assert [run.id for run in store.get_runs(asked)] == [first.id, second.id]


def test_the_run_to_watch_is_the_newest_active_one_or_else_the_newest(store):
    assert store.run_to_watch() is None
    first, second = (store.queue_run(RunRequest(PRESETS["tiny"].config)) for _ in range(2))
    assert store.run_to_watch() in (first, second)
    store.claim(first.id, ["cpu:0"])
    store.request_stop(second.id)
    assert store.get_run(second.id).state is RunState.STOPPED
    assert store.run_to_watch().id == first.id


def test_the_queue_and_the_counts(store):
    first, second, third = (store.queue_run(RunRequest(PRESETS["tiny"].config)) for _ in range(3))
    store.claim(second.id, ["cpu:0"])
    assert store.queue() == [first.id, third.id]
    assert store.count_by_state() == dict.fromkeys(RunState, 0) | {
        RunState.WAITING: 2, store.get_run(second.id).state: 1,
    }  # fmt: skip
