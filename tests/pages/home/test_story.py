"""The first five minutes on Home, step by step, without a browser and without training."""

from concurrent.futures import Future
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import streamlit as st

from core.datasets.samples import SAMPLES
from core.design.presets import PRESETS
from core.engine.answers import Answer, RankedClass
from core.epoch import EpochRow
from core.onboarding.example import EXAMPLE_ID, import_example
from core.runs import control
from core.server import services as services_module
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from pages.components.kit import cache
from pages.components.kit.cache import answer_of
from tests.pages.visits import address, button, go_to, open_page, press, words

HOSTILE = "<script>alert(1)</script>,![](http://x/y.png)"


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody serves the queue: what is trained is written by the tests."""
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


@pytest.fixture
def example(workspace, store, monkeypatch) -> Run:
    monkeypatch.setenv("CONVDECK_EXAMPLE", "on")
    assert import_example(workspace, store)
    return store.get_run(EXAMPLE_ID)


class Engine:
    """Answers at once: every picture is a star, variants are mirrored."""

    def predict(self, run_id, pictures, crop="center"):
        top = (RankedClass("star", 0.75), RankedClass("heart", 0.25))
        seen = np.zeros((32, 32, 3), np.uint8)
        good = Answer("", top=top, seen=seen)
        bad = Answer("", "bad.png is not a picture.")
        return [replace(bad if data == b"bad" else good, image=name) for name, data in pictures]

    def preview(self, augmentation, pixels, seed):
        return pixels[:, :, ::-1], [{"flip_x": "mirrored"} for _ in pixels]


class Now:
    """Runs a question at once, where it is asked."""

    def submit(self, ask):
        future: Future = Future()
        try:
            future.set_result(ask())
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def engine(workspace, monkeypatch) -> Engine:
    st.cache_data.clear()
    monkeypatch.setattr(cache, "_threads", Now)
    shared = replace(services_module.get_services(), engine=Engine())
    monkeypatch.setitem(services_module._services, workspace.root, shared)
    return shared.engine


def begin(store: Store, run: Run, device: str = "cpu:0") -> None:
    store.claim(run.id, [device])
    store.record_started(run.id, 1, 25, 63, 0)


def train(store: Store, run: Run, first: int, last: int, *, overfits: bool = True) -> None:
    """Validation stands still from epoch 4 on while clean training goes on, or stays beside it."""
    for epoch in range(first, last + 1):
        val = 0.6 - 0.4 * 0.4**epoch
        clean = val + 0.01 + (0.07 * max(0, epoch - 4) if overfits else 0)
        loss = 3 * (1 - val) + (0.05 * max(0, epoch - 4) if overfits else 0)
        row = EpochRow(
            epoch, 3 * (1 - clean), clean, 3 * (1 - clean), min(clean, 0.99), loss, val, 0.001, 0.5, 900
        )
        store.record_epoch(run.id, 1, row)


def bars(page) -> list[str]:
    """What stands above each bar."""
    return [bar.proto.text for bar in page.get("progress")]


def photo(page):
    return next(each for each in page.get("file_uploader") if each.key == "story-photo")


def headings(page) -> list[str]:
    """Of the story: below it, folded, are those of the runs."""
    return [each.value for each in page.subheader if each.value not in ("Under way", "Last results")]


def charts(page) -> int:
    return len(page.get("vega_lite_chart"))


def test_a_new_workspace_is_alive_before_anything_is_clicked(example) -> None:
    page = open_page("home.py")
    text = words(page)
    assert "Overfitting since epoch 7, gap 38.5 points" in text
    assert "There is no GPU and no CIFAR-10 here, so training uses the CPU" in text
    assert "A picture it has never seen" in text and "once the picture engine has loaded" in text
    assert charts(page) == 2 and len(page.get("image")) == 1
    assert not button(page, "Watch it overfit").disabled
    assert not page.warning and not page.error


def test_the_sample_is_answered_when_the_engine_is_there(example, engine) -> None:
    page = open_page("home.py")
    assert bars(page) == ["star 75.0 %", "heart 25.0 %"]
    first = words(page)
    assert "it is **" in first
    seen = {first}
    for _ in range(SAMPLES):
        seen.add(words(press(page, "Another")))
    assert len(seen) > 5  # other classes, and in the end the first again


def test_without_the_example_there_is_a_sentence_and_the_button(workspace) -> None:
    page = open_page("home.py")
    assert "Train a small network on few pictures" in words(page)
    assert charts(page) == 0
    assert button(page, "Watch it overfit")


def test_the_story_goes_on_from_step_to_step(workspace, store, example, engine) -> None:
    page = press(open_page("home.py"), "Watch it overfit")
    run = store.list_runs()[0]
    assert run.config == PRESETS["overfit"].config.with_values({"dataset.id": "shapes"})
    assert address(page, "story") == run.id
    assert "Next in the queue" in words(page)

    # A refresh is a new session: the address alone brings the story back.
    begin(store, run)
    page = open_page("home.py", story=run.id)
    assert "Starting" not in words(page) and "Curves appear after" in words(page)
    train(store, run, 1, 3)
    page = open_page("home.py", story=run.id)
    assert "Too early to tell" in words(page)
    assert not [each for each in page.button if each.label == "Now fix it"]
    train(store, run, 4, 12)
    page = open_page("home.py", story=run.id)
    assert "There it is" in words(page) and "Overfitting since epoch" in words(page)

    page = press(page, "Now fix it")
    fork = store.list_runs()[0]
    assert fork.parent_id == run.id
    mild = PRESETS["article-augmented"].config.augmentation
    assert fork.config == msgspec.structs.replace(run.config, augmentation=mild)
    assert address(page, "story") == f"{run.id},{fork.id}"
    assert "One picture as training now shows it, twelve times" in words(page)
    variants = [image for images in page.get("image") for image in images.proto.imgs]
    assert len([each for each in variants if each.alt.endswith(": mirrored")]) == 12
    assert headings(page) == []

    begin(store, fork, "cpu:1")
    train(store, fork, 1, 12, overfits=False)
    page = open_page("home.py", story=f"{run.id},{fork.id}")
    assert headings(page) == ["Your own photo"]
    assert "It races the one that overfits" in words(page)
    assert bars(page).count("star 75.0 %") == 2
    photo(page).set_value([("mine.png", b"a picture", "image/png")]).run()
    assert "mine.png" in words(page) and "something they have never seen" in words(page)
    photo(page).set_value([("bad.png", b"bad", "image/png")]).run()
    assert "bad.png is not a picture." in words(page)

    for each in (run, fork):
        store.transition(each.id, RunState.FINISHED, expected=RunState.RUNNING)
    page = open_page("home.py", story=f"{run.id},{fork.id}")
    assert headings(page) == ["Your own photo", "Keep it"]
    assert "The race is over" in words(page)
    assert [code.value for code in page.code] == [f"runs?run={run.id},{fork.id}"]
    assert "Without augmentation: :red-badge" in words(page)
    page = press(page, "Start over")
    assert address(page, "story") == "begin" and "A picture it has never seen" in words(page)


def test_what_a_verdict_opened_stays_when_it_changes_back(store, monkeypatch) -> None:
    run = store.queue_run(RunRequest(PRESETS["overfit"].config.with_values({"dataset.id": "shapes"})))
    begin(store, run)
    train(store, run, 1, 12)
    assert button(open_page("home.py", story=run.id), "Now fix it")
    # Validation makes a leap, as large as no noise explains.
    for epoch in (13, 14):
        store.record_epoch(run.id, 1, EpochRow(epoch, 0.3, 0.9, 0.3, 0.99, 0.5, 0.95, 0.001, 0.5, 900))
    page = open_page("home.py", story=run.id)
    assert "Overfitting since epoch" not in words(page)
    assert button(page, "Now fix it")


def test_the_example_can_be_fixed_at_once(store, example) -> None:
    page = press(open_page("home.py"), "Fix this one")
    fork = store.list_runs()[0]
    assert (fork.parent_id, fork.config.augmentation.horizontal_flip) == (EXAMPLE_ID, True)
    assert address(page, "story") == f"{EXAMPLE_ID},{fork.id}"


def test_two_clicks_start_two_stories_and_a_cut_one_only_one(store, example) -> None:
    page = press(open_page("home.py"), "Watch it overfit")
    page = press(go_to(page, "home.py", story="begin"), "Watch it overfit")
    assert len({run.id for run in store.list_runs()} - {EXAMPLE_ID}) == 2


@pytest.mark.parametrize("asked", [HOSTILE, "nosuchrunx", ",", "../../x"])
def test_a_story_of_nothing_is_a_sentence_and_begins_anew(example, asked: str) -> None:
    page = open_page("home.py", story=asked)
    assert "There is no run with the id" in page.warning[0].value
    assert "<script>" not in page.warning[0].value
    assert button(page, "Watch it overfit")


def test_what_failed_is_said_and_can_be_begun_again(store) -> None:
    run = store.queue_run(
        RunRequest(PRESETS["overfit"].config.with_values({"dataset.id": "shapes"}), "*mine*")
    )
    begin(store, run)
    store.transition(
        run.id, RunState.FAILED, expected=RunState.RUNNING, error="The disk is full.", next_step="Make room."
    )
    page = open_page("home.py", story=run.id)
    assert "The disk is full. Make room." in words(page)
    assert button(page, "Start over")
    assert not [each for each in page.button if each.label == "Now fix it"]


def test_whoever_has_runs_sees_those_first_and_the_story_folded(store, example) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "shapes"}), "my own"))
    begin(store, run)
    train(store, run, 1, 8)
    store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    page = open_page("home.py")
    assert page.subheader[0].value == "Last results"
    assert "The newest result, my own" in words(page)
    assert "Overfitting since epoch" in words(page)
    assert not [each for each in page.button if each.label == "Watch it overfit"]
    page = press(page, "Watch a small network overfit")
    assert address(page, "story") == "begin"
    assert button(page, "Watch it overfit")


def test_an_answer_comes_later_or_fails_once(monkeypatch) -> None:
    waiting: list[Future] = []

    class Later:
        def submit(self, ask):
            waiting.append(Future())
            return waiting[-1]

    monkeypatch.setattr(cache, "_threads", Later)
    assert answer_of(("a",), list) is None and answer_of(("a",), list) is None
    assert len(waiting) == 1  # asked once
    waiting[0].set_exception(OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        answer_of(("a",), list)
    assert answer_of(("a",), list) is None  # asked anew
    waiting[1].set_result([3])
    assert answer_of(("a",), list) == [3]
