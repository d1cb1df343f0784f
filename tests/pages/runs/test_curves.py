"""Whose curves lie behind whose, and what is written on them."""

from dataclasses import replace

import pytest

from core.epoch import EpochRow
from core.store.interventions import Intervention
from core.store.records import RecordedRun, RunRequest
from core.store.store import Store
from pages.components.runs.curves import family, marked_changes
from tests.core.studies.ended import FLIPPED, TINY
from tests.pages.visits import open_page


def chain(store):
    """A run, its fork and the fork's fork, newest last."""
    first = store.queue_run(RunRequest(TINY, "first"))
    second = store.queue_run(RunRequest(FLIPPED, "second", parent_id=first.id))
    third = store.queue_run(RunRequest(FLIPPED.with_values({"seed": 3}), "third", parent_id=second.id))
    return first, second, third


def test_beside_the_name_of_a_fork_stands_its_difference(store):
    pale, labels = family(chain(store))
    assert pale == {0, 1}
    assert labels == {0: "first (pale)", 1: "second · horizontal flip off → on", 2: "third · seed 0 → 3"}


def test_a_parent_that_is_not_among_them_counts_for_nothing(store):
    first, second, third = chain(store)
    of_these = {0: "first · horizontal flip off, seed 0", 1: "third · horizontal flip on, seed 3"}
    assert family([first, third]) == (set(), of_these)
    assert family([third, second]) == ({1}, {0: "third · seed 0 → 3", 1: "second (pale)"})


def test_a_parent_whose_settings_cannot_be_read(store):
    first, second, _ = chain(store)
    unreadable = replace(first, config_json='{"of another version": 1}')
    assert family([unreadable, second]) == ({0}, {0: "first (pale)"})


def test_runs_of_no_family_are_told_apart_by_the_settings_that_differ(store):
    runs = [
        store.queue_run(RunRequest(TINY.with_values(values), name))
        for name, values in (
            ("a", {"optimizer.learning_rate": 0.01}),
            ("b learning rate 0.1", {"optimizer.learning_rate": 0.1}),
        )
    ]
    assert family(runs) == (set(), {0: "a · learning rate 0.01"})
    assert family(runs[:1]) == (set(), {})
    equal = [store.queue_run(RunRequest(TINY, "c")) for _ in range(2)]
    assert family(equal, ["c (1)", "c (2)"]) == (set(), {})


def wish(kind: str, epoch: int | None, value: float | None = None) -> Intervention:
    return Intervention(1, kind, value, 10.0, 1, None if epoch is None else 11.0, epoch, "Said.")


def test_a_change_is_marked_at_the_first_epoch_that_was_trained_with_it():
    history = [
        wish("learning_rate", 3, 0.0005),
        wish("pause", 5), wish("resume", 5), wish("pause", 5), wish("resume", 5),
        wish("add_epochs", 5, 10.0),
        wish("learning_rate", None, 0.1),  # never took effect
    ]  # fmt: skip
    assert marked_changes(history) == {4: "learning rate 0.0005", 6: "paused, +10 epochs"}


@pytest.mark.parametrize("clean", [None, 0.6])
def test_clean_training_is_offered_where_it_was_measured(workspace, clean: float | None) -> None:
    rows = tuple(
        EpochRow(epoch, train_accuracy=0.5, val_accuracy=0.4, clean_train_accuracy=clean)
        for epoch in range(1, 6)
    )
    with Store(workspace) as store:
        (run,) = store.whole_runs.add_recorded([RecordedRun("from elsewhere", "Keras", rows, ())])
    page = open_page("runs.py", run=run.id)
    key = "series-of-one" + ("" if clean else "-without-clean")
    (pills,) = (each for each in page.get("button_group") if (each.key or "").startswith("series-of-one"))
    assert pills.key == key
    assert pills.value == ["train", "val", *(["clean_train"] if clean else [])]
