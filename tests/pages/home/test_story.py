"""The first five minutes on Home, step by step, without a browser and without training."""

from concurrent.futures import Future
from types import SimpleNamespace

import msgspec
import pytest

from core.datasets.samples import SAMPLES
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.onboarding.example import EXAMPLE_ID
from core.store.records import RunRequest
from core.store.states import RunState
from pages.components.kit import cache, cropping
from pages.components.kit.cache import answer_of
from tests.pages.home.racing import begin, train
from tests.pages.visits import address, button, open_page, press, words

HOSTILE = "<script>alert(1)</script>,![](http://x/y.png)"


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
    assert "Overfitting since epoch 6, gap 39.1 points" in text
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


def test_the_story_goes_on_from_step_to_step(workspace, store, example, engine, monkeypatch) -> None:
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
    assert "They know 10 classes: circle, square" in words(page)
    next(each for each in page.get("button_group") if each.key == "story-crop").set_value("pad").run()
    with monkeypatch.context() as patch:
        left = {"left": 0, "top": 0, "width": 0.5, "height": 1}
        patch.setattr(cropping, "mount", lambda *arguments, **callbacks: SimpleNamespace(box=left))
        page.run()
    assert not page.exception
    # The sample; the whole photo for its frame, asked of no run; and that as in training, padded, a part of it.
    whole = (None, [None])
    assert engine.looks == [("stretch", [None]), whole, whole, ("pad", [None]), (None, [(0, 0, 0.5, 1)])]
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


def test_a_class_that_presses_together_watches_one_run(store, example) -> None:
    """The example has the same settings, and is not taken: it has been trained, so there is nothing to watch."""
    first, second = (press(open_page("home.py", story="begin"), "Watch it overfit") for _ in range(2))
    (run,) = (run for run in store.list_runs() if run.id != EXAMPLE_ID)
    assert address(first, "story") == address(second, "story") == run.id
    assert "Nothing new was started" not in words(first)
    assert f"Nothing new was started.** “{run.name}” has the same settings" in words(second)
    own = address(press(second, "Train anyway"), "story")
    assert own != run.id and len(store.list_runs()) == 3
    assert "Nothing new was started" not in words(second)


def test_a_class_that_fixes_the_example_races_one_fork(store, example) -> None:
    first, second = (press(open_page("home.py", story="begin"), "Fix this one") for _ in range(2))
    fork = store.list_runs()[0]
    assert address(first, "story") == address(second, "story") == f"{EXAMPLE_ID},{fork.id}"
    assert "waits for its turn" in words(second)
    page = press(second, "Close")
    assert "Nothing new was started" not in words(page) and address(page, "story").endswith(fork.id)


def test_a_run_that_waits_says_when_it_starts_and_can_be_cancelled(store, example) -> None:
    config = PRESETS["overfit"].config.with_values({"dataset.id": "shapes", "dataset.num_train": 100})
    ahead, mine = (store.queue_run(RunRequest(config.with_values({"seed": seed}))) for seed in (1, 2))
    begin(store, ahead)
    for epoch in range(1, 6):
        store.record_epoch(ahead.id, 1, EpochRow(epoch, val_accuracy=0.5, seconds=30.0))
    page = open_page("home.py", story=mine.id)
    minutes = 30.0 * (ahead.total_epochs - 5) / 60
    assert (
        f"when “{ahead.name}” ends. It starts in about {minutes:.0f} minutes, by the pace so far."
        in words(page)
    )
    assert f"Meanwhile, watch “{ahead.name}”" in [link.proto.label for link in page.get("page_link")]
    page = press(page, "Cancel")
    assert store.get_run(mine.id).state is RunState.STOPPED


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
