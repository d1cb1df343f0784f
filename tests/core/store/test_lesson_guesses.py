"""Guesses in lessons: one try of a visitor, open until runs answer it."""

from sqlite3 import connect

from core.store.schema import UPGRADES, upgrade
from core.store.store import Store


def test_a_guess_is_changed_until_it_is_answered(store) -> None:
    first = store.lesson_guesses.put("overfitting", "ada", 20.0)
    assert (first.lesson, first.visitor, first.value, first.curve, first.is_open) == (
        "overfitting", "ada", 20.0, None, True,
    )  # fmt: skip
    changed = store.lesson_guesses.put("overfitting", "ada", 12.5, [0.0, 3.0, 12.5], guess_id=first.id)
    assert (changed.id, changed.value, changed.curve) == (first.id, 12.5, (0.0, 3.0, 12.5))
    answered = store.lesson_guesses.answer("overfitting", "ada", ["a", "b"], guess_id=first.id)
    assert (answered.value, answered.run_ids, answered.is_open) == (12.5, ("a", "b"), False)
    # What comes after the answer is another try.
    second = store.lesson_guesses.put("overfitting", "ada", 40.0, guess_id=first.id)
    assert second.id != first.id
    assert store.lesson_guesses.find(first.id) == answered
    # Runs that take the place of others.
    again = store.lesson_guesses.answer("overfitting", "ada", ["c"], guess_id=first.id)
    assert again.run_ids == ("c",)
    assert store.lesson_guesses.find("nothing") is None


def test_no_one_changes_the_guess_of_another_person_or_lesson(store) -> None:
    ada = store.lesson_guesses.put("overfitting", "ada", 20.0)
    for lesson, visitor in (("overfitting", "bob"), ("overfitting", None), ("wrong-labels", "ada")):
        other = store.lesson_guesses.put(lesson, visitor, 30.0, guess_id=ada.id)
        answered = store.lesson_guesses.answer(lesson, visitor, ["a"], guess_id=ada.id)
        assert ada.id not in (other.id, answered.id) and answered.value is None
    assert store.lesson_guesses.find(ada.id) == ada


def test_a_class_has_its_own_and_each_member_theirs(store) -> None:
    for visitor, value in (("ada", 20.0), ("bob", None), (None, 30.0), ("ada", 25.0)):
        store.lesson_guesses.put("overfitting", visitor, value)
    store.lesson_guesses.put("wrong-labels", "ada", 5.0)
    found = store.lesson_guesses.of_lesson("overfitting")
    assert [(each.visitor, each.value) for each in found] == [("ada", 20.0), ("bob", None), ("ada", 25.0)]
    assert [each.value for each in store.lesson_guesses.of_lesson("overfitting", "ada")] == [20.0, 25.0]


def test_a_workspace_from_before_gets_the_table(workspace) -> None:
    with connect(workspace.database) as connection:
        before = next(place for place, step in enumerate(UPGRADES) if "lesson_guesses" in step[0])
        upgrade(connection, workspace.database, UPGRADES[:before])
    with Store(workspace) as store:
        assert store.lesson_guesses.of_lesson("overfitting") == []
        kept = store.lesson_guesses.put("overfitting", None, 1.0)
    with Store(workspace) as store:
        assert store.lesson_guesses.find(kept.id) == kept
