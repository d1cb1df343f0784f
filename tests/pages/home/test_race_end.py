"""How the story ends a run early, says that it measures, and sums up a race."""

import math

import pytest

from core.design.presets import PRESETS
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from pages.components.home.story_keep import from_to
from tests.pages.home.racing import begin, train
from tests.pages.numbers.drawn import follow
from tests.pages.visits import button, open_page, press, words


def overfitting(store: Store) -> Run:
    return store.queue_run(RunRequest(PRESETS["overfit"].config.with_values({"dataset.id": "shapes"})))


@pytest.mark.parametrize(("before", "after", "said"), [
    (0.6172, 0.8549, "62 → 85 %"), (0.6172, 0.6231, "61.7 → 62.3 %"), (0.5, 0.5, "50.0 → 50.0 %"),
])  # fmt: skip
def test_two_accuracies_are_said_with_as_many_digits_as_tell_them_apart(before, after, said) -> None:
    assert from_to(before, after) == said


# With 1,500 validation pictures (Shapes) two accuracies near 60 % differ by chance by up to 3.6 points.
@pytest.mark.parametrize(("after", "gap", "badge"), [
    (0.85, 0.05, "green-badge[:material/trending_up: 25.0 points better]"),
    (0.50, 0.05, "red-badge[:material/trending_down: 10.0 points worse]"),
    (0.61, 0.05, "green-badge[:material/compress: As accurate, and it overfits less]"),
    (0.61, 0.28, "gray-badge[:material/drag_handle: No clear difference]"),
])  # fmt: skip
def test_the_badge_of_a_race_fits_how_it_ended(store, after: float, gap: float, badge: str) -> None:
    error = math.sqrt(0.6 * 0.4 / 1500)
    assert 0.02 < 2 * math.sqrt(2) * error < 0.04
    runs = [
        follow(
            store, val_accuracy=[0.3, val, val], clean_train_accuracy=[0.3 + apart] * 1 + [val + apart] * 2
        )
        for val, apart in ((0.6, 0.3), (after, gap))
    ]
    (line,) = (
        text
        for text in words(open_page("home.py", story=",".join(run.id for run in runs))).splitlines()
        if text.startswith("The race is over")
    )
    assert f":{badge} Right on new pictures: **60 → {100 * after:.0f} %**." in line


def test_what_trains_can_be_stopped_and_resumed(store) -> None:
    run = overfitting(store)
    begin(store, run)
    train(store, run, 1, 3)
    page = press(open_page("home.py", story=run.id), "Stop")
    assert store.get_run(run.id).stop_requested and button(page, "Stopping…").disabled
    store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING)
    page = open_page("home.py", story=run.id)
    assert "It was stopped after 3 of 25 epochs." in words(page) and button(page, "Now fix it")
    press(page, "Resume")
    assert store.get_run(run.id).state is RunState.WAITING


def test_a_race_can_be_cancelled_and_stopped(store) -> None:
    run = overfitting(store)
    begin(store, run)
    train(store, run, 1, 12)
    fork = store.queue_run(RunRequest(run.config.with_values({"seed": 3}), "fork", parent_id=run.id))
    story = f"{run.id},{fork.id}"
    page = press(open_page("home.py", story=story), "Cancel")
    assert store.get_run(fork.id).state is RunState.STOPPED
    assert "It was stopped before its first epoch ended." in words(page)
    press(page, "Resume")
    begin(store, fork, "cpu:1")
    press(open_page("home.py", story=story), "Stop")
    assert store.get_run(fork.id).stop_requested


def test_the_last_measurement_says_that_it_measures_and_the_end_that_it_saves(store) -> None:
    run = overfitting(store)
    begin(store, run)
    train(store, run, 1, 24)

    def told(page) -> list[str]:
        return [bar.proto.text for bar in page.get("progress")]

    store.record_batch(run.id, 1, 62, 63, 0.5, 0.5, 900.0)
    assert "Epoch 25 of 25, 0.5 seconds per epoch" in told(open_page("home.py", story=run.id))
    store.record_batch(run.id, 1, 63, 63, 0.5, 0.5, 900.0)
    page = open_page("home.py", story=run.id)
    assert "Epoch 25 of 25: measuring on training and validation pictures" in told(page)
    assert "Measuring on training and validation pictures" in told(open_page("runs.py", run=run.id))
    train(store, run, 25, 25)
    assert "All 25 epochs are trained: saving the weights" in told(open_page("home.py", story=run.id))
    assert "Saving the weights" in told(open_page("runs.py", run=run.id))
