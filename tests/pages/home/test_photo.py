"""The own photo in the story: answers that follow the race, and where the picture comes from."""

import base64

import pytest

from core.design.presets import PRESETS
from core.errors import EngineError
from core.store.records import Run, RunRequest
from core.store.states import RunState
from pages.components.home import story_picture
from pages.components.kit.drawing_pad import PNG_IN_TEXT, png_of
from tests.pages.home.racing import begin, train
from tests.pages.visits import open_page, press, words


@pytest.fixture
def race(store) -> tuple[Run, Run]:
    """The first has ended, its fork has one epoch of 25."""
    config = PRESETS["overfit"].config.with_values({"dataset.id": "shapes"})
    run = store.queue_run(RunRequest(config))
    begin(store, run)
    train(store, run, 1, 25)
    store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    fork = store.queue_run(RunRequest(config.with_values({"seed": 3}), parent_id=run.id))
    begin(store, fork, "cpu:1")
    train(store, fork, 1, 1, overfits=False)
    return run, fork


def choose(page, source: str):
    next(each for each in page.get("button_group") if each.key == "story-source").set_value(source).run()
    assert not page.exception
    return page


def asked(engine) -> int:
    return len(engine.looks)


def test_the_answers_are_asked_again_when_there_are_better_weights(store, race, engine) -> None:
    page = open_page("home.py", story=",".join(run.id for run in race))
    assert "so far, after 1 of 25 epochs" in words(page) and asked(engine) == 1
    page.run()
    assert asked(engine) == 1
    train(store, race[1], 2, 12, overfits=False)
    page.run()
    assert "so far, after 12 of 25 epochs" in words(page) and asked(engine) == 2
    store.transition(race[1].id, RunState.FINISHED, expected=RunState.RUNNING)
    page.run()
    assert "so far" not in words(page) and asked(engine) == 2


def test_the_answers_before_stay_until_the_next_are_there(store, race, engine, monkeypatch) -> None:
    page = open_page("home.py", story=",".join(run.id for run in race))
    train(store, race[1], 2, 5, overfits=False)
    with monkeypatch.context() as patch:
        patch.setattr("pages.components.home.story_photo.answer_of", lambda key, ask: None)
        page.run()
        bars = [bar.proto.text for bar in page.get("progress")]
        assert bars.count("star 75.0 %") == 2
    assert not page.get("skeleton")


def test_what_goes_wrong_is_a_sentence_and_can_be_tried_again(race, engine, monkeypatch) -> None:
    def broken(*arguments):
        raise EngineError("The picture engine crashed.")

    with monkeypatch.context() as patch:
        patch.setattr(type(engine), "ask", broken)
        page = open_page("home.py", story=",".join(run.id for run in race))
        assert "The picture engine crashed." in words(page)
    page = press(page, "Try again")
    assert "The picture engine crashed." not in words(page)
    assert [bar.proto.text for bar in page.get("progress")].count("star 75.0 %") == 2


def test_a_drawing_is_answered_and_an_empty_pad_leaves_the_sample(race, engine, monkeypatch) -> None:
    page = choose(open_page("home.py", story=",".join(run.id for run in race)), "pad")
    assert "Until then, a picture that neither network has seen" in words(page)
    drawing = PNG_IN_TEXT + base64.b64encode(b"a drawing").decode()
    monkeypatch.setattr(story_picture, "drawing_pad", lambda key, *, dark: png_of(drawing))
    page.run()
    assert not page.exception and "Until then" not in words(page)
    assert engine.looks[-1] == (None, [None])


def test_a_camera_is_offered_where_browsers_give_one(race, engine, monkeypatch) -> None:
    story = ",".join(run.id for run in race)
    monkeypatch.setattr(story_picture, "may_use_camera", lambda: False)
    assert "over https only" in words(choose(open_page("home.py", story=story), "camera"))
    monkeypatch.setattr(story_picture, "may_use_camera", lambda: True)
    page = choose(open_page("home.py", story=story), "camera")
    assert len(page.get("camera_input")) == 1
