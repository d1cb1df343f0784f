"""Details of epochs: written and forgotten with their rows, read as columns, counted by hand."""

import numpy as np
import pytest

from core.epoch import EpochRow
from core.errors import RunNotFound, StaleAttempt
from core.store.breakdowns import Followed
from core.store.records import RunRequest
from core.store.states import RunState
from tests.core.scheduling.fakes import CONFIG


def details(answers: list[int], *, right: int = 3, label: int = 0, memorised: int | None = None) -> dict:
    """Two classes, two followed pictures a part, both of class `label`; `answers` to those of training."""

    def followed(given: list[int]) -> dict:
        return {"label": [label] * 2, "true_label": [0, 0], "answer": given, "probability": [0.75, 0.25]}

    return {
        "clean": {"count": [4, 0], "right": [right, 0]},
        "validation": {"count": [2, 5], "right": [1, 4]},
        "corrupted": None if memorised is None else {
            "count": 8, "memorised": memorised, "resisted": 1, "intact": 6, "intact_right": 5,
        },
        "followed": {"training": followed(answers), "validation": followed([0, 1])},
    }  # fmt: skip


@pytest.fixture
def run_id(store) -> str:
    run = store.queue_run(RunRequest(CONFIG))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    return run.id


def record(store, run_id: str, epoch: int, told: dict | None, attempt: int = 1) -> None:
    store.record_epoch(run_id, attempt, EpochRow(epoch, val_accuracy=0.5, details=told))


def test_they_come_back_as_columns(store, run_id) -> None:
    assert store.breakdowns.read(run_id) is None
    record(store, run_id, 1, details([0, 1], right=3, memorised=2))
    record(store, run_id, 2, details([0, 0], right=4, memorised=6))
    read = store.breakdowns.read(run_id)
    assert (read.epochs.tolist(), read.num_classes) == ([1, 2], 2)
    # A class without pictures has no accuracy and no gap.
    np.testing.assert_array_equal(read.clean.accuracy, [[0.75, np.nan], [1.0, np.nan]])
    np.testing.assert_array_equal(read.validation.accuracy, [[0.5, 0.8]] * 2)
    np.testing.assert_array_equal(read.gap, [[0.25, np.nan], [0.5, np.nan]])
    assert (read.corrupted.memorised.tolist(), read.corrupted.count) == ([2, 6], 8)
    assert (read.corrupted.intact_right.tolist(), read.corrupted.intact) == ([5, 5], 6)
    assert read.training_pictures.answers.tolist() == [[0, 1], [0, 0]]
    assert read.validation_pictures.answers.tolist() == [[0, 1]] * 2


def test_confusions_come_back_as_matrices(store, run_id) -> None:
    assert store.breakdowns.confusions(run_id) is None
    record(store, run_id, 1, details([0, 1]))  # from before they were measured
    assert store.breakdowns.confusions(run_id) is None
    # One of two pictures of class 0 is taken for 1; of five of class 1 one is taken for 0.
    record(store, run_id, 2, details([0, 1]) | {"confusion": {"place": [1, 2], "count": [1, 1]}})
    record(store, run_id, 3, details([0, 1]) | {"confusion": {"place": [], "count": []}})
    read = store.breakdowns.confusions(run_id)
    assert read.epochs.tolist() == [2, 3]
    assert [read.matrix(at).tolist() for at in range(2)] == [[[1, 1], [1, 4]], [[1, 0], [0, 4]]]
    assert store.breakdowns.read(run_id).epochs.tolist() == [1, 2, 3]
    with pytest.raises(RunNotFound):
        store.breakdowns.confusions("nobody")


def test_validation_by_class_is_read_by_itself(store, run_id) -> None:
    assert store.breakdowns.last_validation(run_id) is None is store.breakdowns.validation_at(run_id, 1)
    for epoch in range(1, 6):
        told = details([0, 1])
        told["validation"] = {"count": [2, 5], "right": [epoch % 3, epoch]}
        record(store, run_id, epoch, told)
    last = store.breakdowns.last_validation(run_id)
    assert (last.count.tolist(), last.right.tolist()) == ([2, 5], [[0, 3], [1, 4], [2, 5]])
    assert store.breakdowns.last_validation(run_id, most=1).right.tolist() == [[2, 5]]
    assert store.breakdowns.validation_at(run_id, 2).right.tolist() == [[2, 2]]
    assert store.breakdowns.validation_at(run_id, 9) is None
    # Epochs on other pictures, as when another data set got the name between two attempts, are left out.
    told["validation"] = {"count": [3, 5], "right": [1, 1]}
    record(store, run_id, 6, told)
    assert store.breakdowns.last_validation(run_id).right.tolist() == [[1, 1]]
    with pytest.raises(RunNotFound):
        store.breakdowns.last_validation("a23456789b")


def test_an_epoch_told_again_takes_the_place_of_the_former(store, run_id) -> None:
    record(store, run_id, 1, details([1, 1]))
    record(store, run_id, 1, details([0, 0]))
    assert store.breakdowns.read(run_id).training_pictures.answers.tolist() == [[0, 0]]
    record(store, run_id, 1, None)
    assert store.breakdowns.read(run_id) is None


def test_resume_forgets_the_epochs_that_are_trained_again(store, run_id) -> None:
    for epoch in (1, 2, 3):
        record(store, run_id, epoch, details([epoch % 2, 0]))
    store.transition(run_id, RunState.INTERRUPTED, expected=RunState.RUNNING)
    store.transition(run_id, RunState.WAITING, expected=RunState.INTERRUPTED)
    store.claim(run_id, ["cpu:0"])
    store.record_started(run_id, 2, 10, 100, 1)
    assert store.breakdowns.read(run_id).epochs.tolist() == [1] == store.curves(run_id)["epoch"]
    record(store, run_id, 2, details([0, 0]), attempt=2)
    assert store.breakdowns.read(run_id).epochs.tolist() == [1, 2]


def test_an_attempt_that_is_over_can_tell_nothing(store, run_id) -> None:
    with pytest.raises(StaleAttempt):
        record(store, run_id, 1, details([0, 0]), attempt=2)
    assert store.breakdowns.read(run_id) is None


def test_epochs_on_other_pictures_are_left_out(store, run_id) -> None:
    record(store, run_id, 1, details([0, 0], label=1))
    record(store, run_id, 2, details([0, 0]))
    assert store.breakdowns.read(run_id).epochs.tolist() == [2]


def test_they_go_with_their_run(store, run_id) -> None:
    record(store, run_id, 1, details([0, 0]))
    store.transition(run_id, RunState.STOPPED, expected=RunState.RUNNING)
    store.trash.put(run_id)
    with pytest.raises(RunNotFound):
        store.breakdowns.read(run_id)
    store.trash.begin_purge(run_id=run_id)
    store.trash.end_purge(run_id)
    with store._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM epoch_details").fetchone() == (0,)


def test_learned_and_forgotten_by_hand() -> None:
    # By column: right, wrong, right, wrong, right; always right; never; learned late and kept; learned and lost.
    right = np.array([[1, 1, 0, 0, 0], [0, 1, 0, 0, 1], [1, 1, 0, 1, 1], [0, 1, 0, 1, 0], [1, 1, 0, 1, 0]])
    labels = np.arange(5)
    followed = Followed(labels, labels, np.where(right, labels, labels + 1), right * 0.5)
    assert followed.forgotten.tolist() == [2, 0, 0, 0, 1]
    assert followed.learned.tolist() == [3, 1, 0, 1, 1]
    # Of those never forgotten the one never right comes before those that were.
    assert followed.most_forgotten_first.tolist() == [0, 4, 2, 3, 1]
    # Probabilities of 0.5 in 3, 5, 0, 3 and 2 of five epochs: mean n/10, variance n(5-n)/100.
    assert followed.confidence == pytest.approx([0.3, 0.5, 0.0, 0.3, 0.2])
    assert followed.variability == pytest.approx([0.06**0.5, 0.0, 0.0, 0.06**0.5, 0.06**0.5])


def test_one_epoch_is_enough() -> None:
    followed = Followed(np.array([0, 1]), np.array([0, 1]), np.array([[0, 0]]), np.array([[0.9, 0.1]]))
    assert (followed.learned.tolist(), followed.forgotten.tolist()) == ([1, 0], [0, 0])
