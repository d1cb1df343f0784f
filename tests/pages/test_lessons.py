"""Lessons as a visitor opens them by a link."""

import pytest

from core.onboarding.example import EXAMPLE_ID, import_example
from core.onboarding.lessons import LESSONS
from core.runs import control
from core.store.records import RunRequest
from core.store.store import Store
from tests.pages.visits import address, button, go_to, open_page, press, words


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


def links(page) -> list[str]:
    return [link.proto.label for link in page.get("page_link")]


@pytest.mark.parametrize("name", LESSONS)
def test_each_lesson_opens_and_trains_what_it_says(workspace, name: str) -> None:
    lesson = LESSONS[name]
    page = open_page("lesson.py", lesson=name)
    text = words(page)
    assert page.title[0].value == lesson.title
    assert all(paragraph in text for paragraph in lesson.texts)
    assert lesson.question in text
    answer = next(each for each in page.expander if each.label == "Think first, then open the answer")
    assert lesson.answer in answer.markdown[0].value.replace("\\", "")
    assert page.code[0].value == f"lesson?lesson={name}"
    page = press(page, lesson.action)
    runs = list(reversed(Store(workspace).list_runs()))
    assert [run.name for run in runs] == [each.name for each in lesson.runs]
    assert [run.config for run in runs] == [each.config for each in lesson.runs]
    asked = ",".join(run.id for run in runs)
    assert address(page, "run") == asked
    # A refresh keeps what was started, and starts nothing.
    page = open_page("lesson.py", lesson=name, run=asked)
    assert button(page, "Train again") and "Curves appear after" in words(page)
    assert len(Store(workspace).list_runs()) == len(runs)


def test_what_it_is_held_against_need_not_be_trained_twice(workspace, monkeypatch) -> None:
    monkeypatch.setenv("CONVDECK_EXAMPLE", "on")
    store = Store(workspace)
    import_example(workspace, store)
    page = press(open_page("lesson.py", lesson="augmentation"), "Train both")
    new = store.list_runs()[0]
    assert address(page, "run") == f"{EXAMPLE_ID},{new.id}"
    assert [run.id for run in store.list_runs()] == [new.id, EXAMPLE_ID]
    assert f"“{store.get_run(EXAMPLE_ID).name}” already has the settings" in words(page)
    assert "already has the settings" not in words(
        press(open_page("lesson.py", lesson="overfitting"), "Train the network")
    )


def test_a_run_that_was_changed_while_it_trained_is_nothing_to_be_held_against(workspace) -> None:
    """Its settings are the lesson's, and its curve is another."""
    store = Store(workspace)
    lesson = LESSONS["augmentation"]
    changed = store.queue_run(RunRequest(lesson.runs[0].config, "changed"))
    store.claim(changed.id, ["cpu:0"])
    store.record_started(changed.id, 1, lesson.runs[0].config.training.epochs, 63, 0)
    store.interventions.request(changed.id, "learning_rate", 0.0001)
    page = press(open_page("lesson.py", lesson="augmentation"), "Train both")
    assert changed.id not in address(page, "run")


def test_an_unknown_lesson_is_a_sentence_and_the_list(workspace) -> None:
    page = open_page("lesson.py", lesson="<b>no</b>")
    assert "There is no lesson" in page.warning[0].value and "<b>" not in page.warning[0].value
    assert links(page) == [*(lesson.title for lesson in LESSONS.values()), "All of ConvDeck"]


def test_runs_that_are_gone_are_a_sentence(workspace) -> None:
    page = open_page("lesson.py", lesson="overfitting", run="nosuchrunx")
    assert "There is no run with the id" in page.warning[0].value
    assert button(page, "Train the network")


def test_home_takes_a_lesson_s_link_too_and_lists_them(workspace) -> None:
    page = open_page("home.py", lesson="more-data")
    assert page.title[0].value == LESSONS["more-data"].title
    page = go_to(page, "home.py")
    assert set(links(page)) >= {lesson.title for lesson in LESSONS.values()}
