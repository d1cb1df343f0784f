"""A class in a lesson: what the teacher sees, what a visitor sees and when, and nothing of it without a class."""

import json

import pytest

from core.epoch import EpochRow
from core.onboarding.lessons import LESSONS
from core.runs import control
from core.runs.lesson_class import Learner, Stage
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.visitors import person
from core.visitors.person import MACHINE, TEACHER, Person, acting_as
from pages.components.home.lesson_class import stages_in_words
from tests.pages.numbers.readings import chart_data
from tests.pages.visits import address, open_page, press, words

LESSON = LESSONS["overfitting"]


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch):
    """Opens the lesson as this person, who also acts on the page after that."""

    def open_as(who: Person, **query: str):
        monkeypatch.setattr(person, "_tell", lambda: who)
        return open_page("lesson.py", **{"lesson": LESSON.name, **query})

    return open_as


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


def joined(store: Store, *names: str) -> list[Person]:
    return [Person("visitor", store.visitors.join(name).id) for name in names]


def guess(page, value: int):
    next(each for each in page.slider).set_value(value).run()
    assert not page.exception
    return page


def charts(page) -> list:
    return [chart for chart in page.get("vega_lite_chart") if "'level'" in chart.proto.spec]


def test_a_class_guesses_trains_once_and_sees_itself(store, visit, monkeypatch) -> None:
    ada, bob, cem = joined(store, "Ada", "Bob", "Cem")
    teacher = visit(TEACHER)
    assert "3 not started" in words(teacher) and "Not started: Ada, Bob, Cem" in words(teacher)
    guess(visit(ada), 20)
    page = guess(visit(bob), 45)
    # Before their own training, visitors see nothing of the class, and their guess follows them to another browser.
    assert "The class" not in words(page)
    page = visit(ada)
    assert page.slider[0].value == 20
    page = press(page, LESSON.action)
    (run,) = store.list_runs()
    text = words(page)
    assert "The class" in text and "1 training" in text and "1 guessed" in text and "1 not started" in text
    assert not any(name in text for name in ("Ada", "Bob", "Cem"))
    with acting_as(MACHINE):
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, run.total_epochs, 63, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.3, clean_train_accuracy=0.4))
    page = visit(ada, run=run.id)
    assert address(page, "guess") == store.lesson_guesses.of_lesson(LESSON.name)[0].id
    (chart,) = charts(page)
    rows = chart_data(chart)
    dots = rows[rows["kind"] == "dot"]
    assert dots[["told", "is_own"]].to_numpy().tolist() == [[20, 1], [45, 0]]
    assert set(rows["name"]) == {"you", ""}
    assert rows.loc[rows["kind"] == "trained", "value"].tolist() == pytest.approx([10])
    assert "2 guesses from 20 to 45 points, half of them up to 32. After epoch 1: 10.0 points." in words(
        page
    ).replace("*", "")

    # One who only trains takes the same run, and is in the list without a guess.
    press(visit(cem), LESSON.action)
    assert len(store.list_runs()) == 1

    # The teacher says when guesses are shown.
    teacher = visit(TEACHER)
    assert "Training: Ada, Cem" in words(teacher) and "Guessed: Bob" in words(teacher) and not charts(teacher)
    teacher.toggle[0].set_value(True).run()
    (chart,) = charts(teacher)
    assert set(chart_data(chart)["name"]) == {"Ada", "Bob", ""}
    before = chart.proto.spec
    store.record_epoch(run.id, 1, EpochRow(2, val_accuracy=0.4, clean_train_accuracy=0.6))
    store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    monkeypatch.setattr(person, "_tell", lambda: TEACHER)
    teacher.run()
    (chart,) = charts(teacher)
    assert json.loads(chart.proto.spec) == json.loads(before)
    # A gap of 20 points after two epochs: that of the last.
    assert "In the end: **20.0 points**. Closest: **Ada**." in words(teacher)
    assert "Finished: Ada, Cem" in words(teacher)


def test_a_run_that_was_taken_is_its_starter_s_to_stop(store, visit) -> None:
    ada, bob = joined(store, "Ada", "Bob")
    press(visit(ada), LESSON.action)
    page = press(visit(bob), LESSON.action)
    (run,) = store.list_runs()

    def offered(who: Person, what: str) -> tuple[bool, str]:
        found = next(each for each in visit(who, run=run.id).button if each.key == f"{what}-{run.id}")
        return not found.disabled, found.help or ""

    assert address(page, "run") == run.id
    refused = "That is Ada's run. Only Ada or the teacher can {} it."
    assert offered(bob, "cancel") == (False, refused.format("stop"))
    with acting_as(MACHINE):
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, run.total_epochs, 63, 0)
    assert offered(bob, "stop") == (False, refused.format("stop"))
    assert offered(ada, "stop")[0] and offered(TEACHER, "stop")[0] and offered(MACHINE, "stop")[0]
    with acting_as(MACHINE):
        store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING)
    assert offered(bob, "resume") == (False, refused.format("resume"))
    assert offered(ada, "resume")[0] and offered(TEACHER, "resume")[0]


def test_a_pair_is_its_starter_s_to_cancel(store, visit) -> None:
    ada, bob = joined(store, "Ada", "Bob")
    pair = LESSONS["augmentation"]
    press(visit(ada, lesson=pair.name), pair.action)
    runs = [run.id for run in store.list_runs()]
    for who, is_open in ((ada, True), (bob, False)):
        page = visit(who, lesson=pair.name, run=",".join(runs))
        assert [each.disabled for each in page.button if each.key in [f"stop-{run}" for run in runs]] == [
            not is_open
        ] * 2


def test_a_pair_starts_together_or_not_at_all(store, visit) -> None:
    (ada,) = joined(store, "Ada")
    pair = LESSONS["more-data"]
    with acting_as(ada):
        waiting = [store.queue_run(RunRequest(LESSON.runs[0].config, f"{number}")) for number in range(3)]
    page = press(visit(ada, lesson=pair.name), pair.action)
    # The reason stays on the page, and so does the button.
    assert "You have 3 runs waiting, and these 2 start together" in words(page)
    assert len(store.list_runs()) == 3 and "run" not in page.query_params
    with acting_as(ada):
        store.request_stop(waiting[0].id)
    page = press(page, pair.action)
    assert len(address(page, "run").split(",")) == 2 and len(store.list_runs()) == 5
    # Who takes the pair and wants it trained anyway gets both or none as well.
    page = press(visit(ada, lesson=pair.name), pair.action)
    with acting_as(ada):
        store.request_stop(waiting[1].id)
    page = press(page, "Train anyway")
    assert "You have 3 runs waiting, and these 2 start together" in words(page)
    assert len(store.list_runs()) == 5


def test_a_link_to_another_s_run_shows_no_guesses(store, visit) -> None:
    ada, bob = joined(store, "Ada", "Bob")
    press(guess(visit(ada), 20), LESSON.action)
    (run,) = store.list_runs()
    assert "The class" not in words(visit(bob, run=run.id))
    guess(visit(bob), 45)  # an open guess can still be changed
    page = visit(bob, run=run.id)
    assert "The class" not in words(page) and not charts(page)
    assert "The class" not in words(visit(Person("visitor"), run=run.id))
    # A guess that another run answers is none for this one, until this one answers it.
    with acting_as(bob):
        other = store.queue_run(RunRequest(LESSON.runs[0].config, "again"))
        store.lesson_guesses.answer(LESSON.name, bob.id, [other.id])
    assert "The class" not in words(visit(bob, run=run.id))
    assert "The class" in words(visit(bob, run=other.id))
    page = press(visit(bob), LESSON.action)
    assert address(page, "run") == run.id and "The class" in words(page)


def test_where_no_one_else_is_there_the_lesson_is_as_without_a_class(store, visit) -> None:
    (ada,) = joined(store, "Ada")
    page = press(guess(visit(ada), 20), LESSON.action)
    assert "The class" not in words(page) and "Your guess: **20 points**." in words(page)
    assert "The class" not in words(visit(MACHINE)) and "The class" in words(visit(TEACHER))


def test_a_teacher_without_visitors_is_told_so(store, visit) -> None:
    assert "No one has joined the class yet." in words(visit(TEACHER))


def test_names_of_a_large_class_are_cut() -> None:
    learners = [Learner(str(number), f"N{number}", Stage.GUESSED) for number in range(43)]
    said = stages_in_words(learners, named=True)
    assert "43 guessed" in said and said.endswith(", N39 and 3 more")
    assert "N39" not in stages_in_words(learners, named=False)
