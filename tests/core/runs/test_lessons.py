"""A lesson's number to guess and its results, from curves that are written down here."""

import pytest

from core.epoch import CURVE_KEYS, EpochRow
from core.onboarding.example import EXAMPLE_ID, import_example
from core.onboarding.lessons import LESSONS, Guess
from core.runs.lessons import guessed_curve, lesson_seconds, results_in_words, reusable_run
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store


def curves(**values: list[float | None]) -> dict[str, list]:
    length = len(next(iter(values.values())))
    return {key: [None] * length for key in CURVE_KEYS} | {"epoch": list(range(1, length + 1))} | values


FIRST = curves(val_accuracy=[0.2, 0.4, 0.5, 0.5], clean_train_accuracy=[0.2, 0.5, 0.7, 0.95])
SECOND = curves(val_accuracy=[0.3, None, 0.75], clean_train_accuracy=[0.3, None, 0.8])


@pytest.mark.parametrize(("guess", "expected"), [
    (Guess("", "val_accuracy"), [(1, 20), (2, 40), (3, 50), (4, 50)]),
    (Guess("", "val_accuracy", run=1), [(1, 30), (3, 75)]),
    (Guess("", "clean_train_accuracy"), [(1, 20), (2, 50), (3, 70), (4, 95)]),
    # Of 0, 10, 20 and 45 points the medians of three; the last is that of the last three.
    (Guess("", "gap"), [(1, 10), (2, 10), (3, 20), (4, 20)]),
    (Guess("", "difference"), [(1, 10), (3, 25)]),
])  # fmt: skip
def test_the_number_by_epoch(guess: Guess, expected: list[tuple[int, float]]) -> None:
    found = guessed_curve(guess, [FIRST, SECOND])
    assert [epoch for epoch, _ in found] == [epoch for epoch, _ in expected]
    assert [value for _, value in found] == pytest.approx([value for _, value in expected])


def test_before_the_first_epoch_there_is_no_number() -> None:
    empty = curves(val_accuracy=[])
    for lesson in LESSONS.values():
        assert guessed_curve(lesson.guess, [empty, empty]) == []


def trained(store: Store, config, rows: list[tuple[float, float]], seconds: float = 2.0) -> Run:
    run = store.queue_run(RunRequest(config))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, config.training.epochs, 63, 0)
    for epoch, (val, clean) in enumerate(rows, start=1):
        row = EpochRow(epoch, val_accuracy=val, clean_train_accuracy=clean, seconds=seconds)
        store.record_epoch(run.id, 1, row)
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def test_every_lesson_says_the_numbers_of_its_own_runs(workspace) -> None:
    store = Store(workspace)
    for lesson in LESSONS.values():
        runs = [
            trained(store, each.config, [(0.2, 0.3), (0.41 + place, 0.83)])
            for place, each in enumerate(lesson.runs)
        ]
        said = results_in_words(lesson, runs, [store.curves(run.id) for run in runs])
        assert "{" not in said and "41.0 %" in said
        assert lesson.guess.run < len(lesson.runs)
    first = LESSONS["overfitting"]
    run = trained(store, first.runs[0].config, [(0.2, 0.3), (0.41, 0.83)])
    assert results_in_words(first, [run], [store.curves(run.id)]) == (
        "Your network is right on 83.0 % of its training pictures and on 41.0 % of new ones. Its gap is 42.0 points."
    )


def test_how_long_a_lesson_takes_is_known_once_its_network_was_measured_here(workspace, monkeypatch) -> None:
    monkeypatch.setenv("CONVDECK_EXAMPLE", "on")
    store = Store(workspace)
    assert import_example(workspace, store)
    lesson, both = LESSONS["overfitting"], LESSONS["augmentation"]
    # The example was trained on another computer: it says nothing of this one, but may be held against a run.
    assert lesson_seconds(workspace, store, [lesson], 1) == [None]
    assert reusable_run(workspace, store, both.runs[0]) == EXAMPLE_ID
    assert reusable_run(workspace, store, lesson.runs[0]) is None
    trained(store, lesson.runs[0].config.with_values({"seed": 5}), [(0.2, 0.3)] * 5, seconds=4.0)
    epochs = lesson.runs[0].config.training.epochs
    assert lesson_seconds(workspace, store, [lesson], 1) == [pytest.approx(4.0 * epochs)]
    # Of two, only the one with augmentation is to be trained.
    assert lesson_seconds(workspace, store, [both], 1) == [pytest.approx(4.0 * epochs)]
    # 500 and 4,000 pictures for 15 epochs each, where 2,000 take four seconds.
    assert lesson_seconds(workspace, store, [LESSONS["more-data"]], 1) == [
        pytest.approx(4.0 * 4500 / 2000 * 15)
    ]
    assert lesson_seconds(workspace, store, [both, lesson], 2) == [pytest.approx(2.0 * epochs)] * 2
    assert lesson_seconds(workspace, store, [], 1) == []
