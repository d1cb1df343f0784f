"""Who has joined a class."""

import pytest

from core.config import ExperimentConfig
from core.errors import NotAllowed, UserError
from core.store import visitors as module
from core.store.records import RunRequest
from core.store.visitors import NameTaken
from core.visitors.person import TEACHER, Person, acting_as


def test_visitors_stay_in_the_order_in_which_they_joined(store):
    anna, ben = store.visitors.join(" Anna "), store.visitors.join("Ben")
    assert store.visitors.list_visitors() == [anna, ben]
    assert store.visitors.names() == {anna.id: "Anna", ben.id: "Ben"}
    assert store.visitors.get(ben.id) == ben
    assert store.visitors.get("somebody") is None


def test_a_taken_name_is_refused_with_one_that_is_free(store):
    store.visitors.join("Anna")
    with pytest.raises(NameTaken, match=r"“ANNA” has joined already.*“ANNA 2”") as refused:
        store.visitors.join("ANNA")
    assert store.visitors.join(refused.value.free).name == "ANNA 2"


def test_a_class_has_an_end(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_VISITORS", 1)
    store.visitors.join("Anna")
    with pytest.raises(UserError, match="no room"):
        store.visitors.join("Ben")


def test_another_key_is_another_class(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_VISITORS", 1)
    early = store.visitors.join("Anna")  # before there was any class
    store.visitors.begin_class("spring")
    assert store.visitors.list_visitors() == [early]
    store.visitors.begin_class("autumn")
    assert store.visitors.list_visitors() == [] and store.visitors.taken_keys() == set()
    later = store.visitors.join("Anna")
    with pytest.raises(UserError):
        store.visitors.join("Ben")
    assert store.visitors.list_visitors() == [later]
    assert store.visitors.names() == {early.id: "Anna", later.id: "Anna"}
    assert store.visitors.get(early.id) == early and store.visitors.list_all() == [early, later]
    store.visitors.begin_class("spring")
    assert store.visitors.list_visitors() == [early]
    with acting_as(Person("visitor", early.id)), pytest.raises(NotAllowed):
        store.visitors.begin_class("another")


def test_a_run_of_one_who_is_not_known_is_not_the_teacher_s(store):
    with acting_as(Person("visitor", "gone")):
        run = store.queue_run(RunRequest(ExperimentConfig()))
    with acting_as(Person("visitor", store.visitors.join("Anna").id)):
        sentence = store.visitors.refusal(run.visitor, "stop")
        with pytest.raises(NotAllowed) as refused:
            store.request_stop(run.id)
    assert sentence == str(refused.value) == "That is a visitor's run. Only the teacher can stop it."
    with pytest.raises(UserError, match="mistaken for somebody else"):
        store.visitors.join("A Visitor")


def test_a_run_says_who_has_started_it(store):
    anna = store.visitors.join("Anna")
    config = ExperimentConfig()
    with acting_as(Person("visitor", anna.id)):
        assert store.queue_run(RunRequest(config)).visitor == anna.id
    with acting_as(TEACHER):
        assert store.queue_run(RunRequest(config)).visitor is None
    assert store.queue_run(RunRequest(config)).visitor is None
