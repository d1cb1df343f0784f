"""Whose curves lie behind whose, and what is written on them: without a page."""

from dataclasses import replace

from core.store.interventions import Intervention
from core.store.records import RunRequest
from pages.components.runs.curves import family, marked_changes
from tests.core.studies.ended import FLIPPED, TINY


def chain(store):
    """A run, its fork and the fork's fork, newest last."""
    first = store.queue_run(RunRequest(TINY, "first"))
    second = store.queue_run(RunRequest(FLIPPED, "second", parent_id=first.id))
    third = store.queue_run(RunRequest(FLIPPED.with_values({"seed": 3}), "third", parent_id=second.id))
    return first, second, third


def test_a_fork_is_called_by_its_difference_and_only_a_parent_without_one_by_its_own_name(store):
    pale, labels = family(chain(store))
    assert pale == {0, 1}
    assert labels == {0: "first (pale)", 1: "horizontal flip off → on", 2: "seed 0 → 3"}


def test_a_parent_that_is_not_among_them_counts_for_nothing(store):
    first, second, third = chain(store)
    assert family([first, third]) == (set(), {})
    assert family([third, second]) == ({1}, {0: "seed 0 → 3", 1: "second (pale)"})
    assert family([replace(second, parent_id=None), first]) == (set(), {})


def test_a_parent_whose_settings_cannot_be_read(store):
    first, second, _ = chain(store)
    unreadable = replace(first, config_json='{"of another version": 1}')
    assert family([unreadable, second]) == ({0}, {0: "first (pale)", 1: "second"})


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
