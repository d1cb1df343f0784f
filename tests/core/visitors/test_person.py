"""Who does something, and what of it belongs to whom."""

import threading

import pytest

from core.errors import NotAllowed
from core.visitors import person as module
from core.visitors.person import (
    MACHINE,
    TEACHER,
    Person,
    acting_as,
    acting_person,
    check_not_visitor,
    refusal,
    tell_by,
)

ANNA = Person("visitor", "a1")


@pytest.fixture(autouse=True)
def no_other_way(monkeypatch):
    monkeypatch.setattr(module, "_tell", None)


def test_without_a_class_the_person_of_the_machine_does_everything():
    assert acting_person() is MACHINE
    with acting_as(ANNA):
        assert acting_person() is ANNA
        with acting_as(TEACHER):
            assert acting_person() is TEACHER
        assert acting_person() is ANNA
    assert acting_person() is MACHINE


def test_a_thread_without_context_is_asked_in_another_way():
    told = []
    tell_by(lambda: ANNA)
    with acting_as(TEACHER):
        thread = threading.Thread(target=lambda: told.append(acting_person()))
        thread.start()
        thread.join()
        assert acting_person() is TEACHER
    assert told == [ANNA]
    tell_by(lambda: None)
    assert acting_person() is MACHINE


@pytest.mark.parametrize(
    ("person", "theirs", "anothers", "nobodys"),
    [
        (MACHINE, True, True, True),
        (TEACHER, True, True, True),
        (ANNA, True, False, False),
        (Person("visitor"), False, False, False),
        (Person("visitor", ""), False, False, False),
    ],
)
def test_a_visitor_changes_what_is_their_own_alone(person, theirs, anothers, nobodys):
    assert person.may_change("a1") is theirs
    assert person.may_change("b2") is anothers
    assert person.may_change(None) is nobodys


@pytest.mark.parametrize("person", [TEACHER, ANNA, Person("visitor")])
def test_a_person_comes_out_of_a_header_as_they_went_in(person):
    assert Person.from_header(person.to_header()) == person


@pytest.mark.parametrize(
    "value", [None, "", "machine", "visitor", "visitor ", "Teacher", "teacher x", "teacher,visitor a1"]
)
def test_any_other_header_is_of_a_visitor_to_whom_nothing_belongs(value):
    assert Person.from_header(value) == Person("visitor")


def test_what_is_for_the_teacher_is_refused_in_words():
    for person in (MACHINE, TEACHER):
        with acting_as(person):
            check_not_visitor("start a sweep")
    with acting_as(ANNA), pytest.raises(NotAllowed, match=r"^Only the teacher can start a sweep\.$"):
        check_not_visitor("start a sweep")


def test_what_is_anothers_is_refused_with_who_can():
    assert refusal("stop", "Anna") == "That is Anna's run. Only Anna or the teacher can stop it."
    assert refusal("stop", None) == "That is the teacher's run. Only the teacher can stop it."
    assert refusal("change", "Anna", "note") == "That is Anna's note. Only Anna or the teacher can change it."
