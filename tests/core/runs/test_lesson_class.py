"""A class in a lesson: stages, whose guess counts, and numbers that are counted by hand."""

import pytest

from core.onboarding.lessons import LESSONS
from core.runs.lesson_class import Spread, Stage, closest_to, learners_of, spread_of, trained_together
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store

GAP = LESSONS["overfitting"]


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


def queued(store: Store, seed: int) -> str:
    return store.queue_run(RunRequest(GAP.runs[0].config.with_values({"seed": seed}))).id


def test_how_far_each_of_a_class_is(store) -> None:
    ada, bob, cem, dea, eli = (store.visitors.join(name).id for name in ("Ada", "Bob", "Cem", "Dea", "Eli"))
    shared, own = queued(store, 1), queued(store, 2)
    guesses = store.lesson_guesses
    guesses.put(GAP.name, bob, 20.0)
    guess = guesses.put(GAP.name, cem, 30.0)
    guesses.answer(GAP.name, cem, [shared], guess_id=guess.id)
    guesses.answer(GAP.name, dea, [own])  # without a guess
    guess = guesses.put(GAP.name, eli, 40.0)
    guesses.answer(GAP.name, eli, [shared], guess_id=guess.id)
    guesses.put(GAP.name, None, 60.0)  # the teacher's
    guesses.put("wrong-labels", ada, 60.0)  # in another lesson

    def stages() -> dict[str, Stage]:
        return {each.name: each.stage for each in learners_of(store, GAP)}

    assert stages() == {
        "Ada": Stage.JOINED, "Bob": Stage.GUESSED, "Cem": Stage.TRAINING, "Dea": Stage.TRAINING,
        "Eli": Stage.TRAINING,
    }  # fmt: skip
    store.transition(shared, RunState.STOPPED, expected=RunState.WAITING)
    assert stages()["Cem"] == stages()["Eli"] == Stage.FINISHED
    learners = learners_of(store, GAP)
    assert [[run.id for run in runs] for runs in trained_together(learners)] == [[shared], [own]]
    # 20, 30 and 40 points.
    assert spread_of(learners) == Spread(3, 20.0, 30.0, 40.0)
    assert [each.name for each in closest_to(learners, 35.0)] == ["Cem", "Eli"]
    assert [each.name for each in closest_to(learners, 24.0)] == ["Bob"]
    # A run that is deleted answers nothing any more.
    store.trash.put(shared)
    assert stages()["Cem"] == Stage.GUESSED
    assert stages()["Dea"] == Stage.TRAINING


def test_the_first_guess_counts_and_the_last_runs(store) -> None:
    ada = store.visitors.join("Ada").id
    first, second = queued(store, 1), queued(store, 2)
    guesses = store.lesson_guesses
    guesses.answer(GAP.name, ada, [first])  # pressed too early: no guess yet
    kept = guesses.put(GAP.name, ada, 12.0)
    guesses.answer(GAP.name, ada, [second], guess_id=kept.id)
    guesses.put(GAP.name, ada, 39.0)
    (learner,) = learners_of(store, GAP)
    assert learner.guess is not None and learner.guess.value == 12.0
    assert [run.id for run in learner.runs] == [second]


def test_without_guesses_there_is_nothing_to_count(store) -> None:
    assert learners_of(store, GAP) == []
    store.visitors.join("Ada")
    learners = learners_of(store, GAP)
    assert (
        spread_of(learners) is None and closest_to(learners, 1.0) == [] and trained_together(learners) == []
    )


def test_nobody_of_a_former_class_is_counted(store) -> None:
    store.visitors.begin_class("spring")
    ada = store.visitors.join("Ada").id
    store.lesson_guesses.put(GAP.name, ada, 12.0)
    store.visitors.begin_class("autumn")
    later = store.visitors.join("Ada").id
    store.lesson_guesses.put(GAP.name, later, 30.0)
    learners = learners_of(store, GAP)
    assert [each.visitor for each in learners] == [later]
    assert spread_of(learners) == Spread(1, 30.0, 30.0, 30.0)
