"""Facts beside a note, against numbers that are worked out here."""

import statistics
from dataclasses import replace

import pytest

from core.notebook import all_entries, entry_of, facts_of, find_notes
from core.notebook.facts import ONE_RUN_EACH, compare
from core.runs.verdicts import verdict_of
from core.store.records import RunRequest
from tests.core.notebook.conftest import CONFIG, HOSTILE, trained_run


def test_a_run_s_numbers_are_those_of_its_curves(store, workspace) -> None:
    accuracies = [0.30, 0.42, 0.512, 0.50]
    run = trained_run(store, "the run", accuracies)
    facts = facts_of(store, run, store.curves(run.id))
    headline = verdict_of(store, run, store.curves(run.id)).headline
    assert (facts.best_epoch, facts.best_val_accuracy) == (3, max(accuracies))
    assert facts.gap == pytest.approx(0.60 - 0.50)
    assert facts.seconds == 4 * 2.5
    assert facts.sentence() == (
        f"{headline}. Best validation accuracy 51.2 % at epoch 3, 4 of 4 epochs in 10 s, "
        "a gap of 10.0 points."
    )


def test_a_run_before_its_first_epoch_and_one_that_is_gone(store) -> None:
    waiting = store.queue_run(RunRequest(CONFIG, "waits"))
    note = store.notes.write([waiting.id], expectation="It learns.")
    assert entry_of(store, note).facts() == ["No epoch has finished yet (waiting)."]
    assert entry_of(store, note).is_open
    store.request_stop(waiting.id)
    store.trash.put(waiting.id)
    entry = entry_of(store, note)
    assert entry.title == "waits (deleted)"
    assert entry.facts() == ["This run was deleted; only what was written about it is left."]
    assert not entry.is_open


def test_two_runs_are_compared_by_settings_and_best_accuracy(store) -> None:
    first = trained_run(store, "A", [0.3, 0.5])
    second = trained_run(store, "B", [0.3, 0.623], CONFIG.with_values({"optimizer.learning_rate": 0.01}))
    third = trained_run(store, "C", [0.4], CONFIG.with_values({"training.batch_size": 16, "seed": 4}))
    entry = entry_of(store, store.notes.write([first.id, second.id, third.id], outcome="x"))
    assert entry.comparison == (
        "“B” compared with “A”: learning rate 0.001 → 0.01.",
        "Best validation accuracy of “B”: 12.3 points above “A”.",
        "“C” compared with “A”: batch size 64 → 16, seed 0 → 4.",
        "Best validation accuracy of “C”: 10.0 points below “A”.",
        ONE_RUN_EACH,
    )
    assert entry.facts()[0].startswith("“A”: ") and len(entry.facts()) == 8
    assert compare(entry.runs[:1]) == ()


def test_runs_on_two_data_sets_of_one_name_are_not_compared(store) -> None:
    runs = [
        replace(facts_of(store, run, store.curves(run.id)), dataset_digest=digest)
        for seed, digest in enumerate(("d1", "d2", "d1"))
        for run in [trained_run(store, f"s{seed}", [0.3, 0.5], CONFIG.with_values({"seed": seed}))]
    ]
    lines = compare(runs)
    assert lines[:2] == (
        "“s1” compared with “s0”: seed 0 → 1.",
        "“s1” and “s0” were trained on two data sets that had the same name, so their accuracies cannot be compared.",
    )
    assert lines[3] == "Best validation accuracy of “s2”: 0.0 points above “s0”."
    assert lines[-1].startswith("“s0”, “s2” differ only in their seed")


def test_several_seeds_get_a_mean_and_student_s_interval(store) -> None:
    """t(0.975; 2 degrees of freedom) is 4.3027, from any table."""
    best = [0.50, 0.53, 0.56]
    runs = [
        trained_run(store, f"s{seed}", [0.3, value], CONFIG.with_values({"seed": seed}))
        for seed, value in enumerate(best)
    ]
    half = 4.3027 * statistics.stdev(best) / 3**0.5
    entry = entry_of(store, store.notes.write([run.id for run in runs], outcome="x"))
    assert entry.comparison[-1] == (
        f"“s0”, “s1”, “s2” differ only in their seed: mean 53.0 % (95 % interval {100 * (0.53 - half):.1f} to "
        f"{100 * (0.53 + half):.1f} %)."
    )
    assert ONE_RUN_EACH not in entry.comparison


def test_notes_are_found_by_words_and_names_newest_first(store) -> None:
    one, other = trained_run(store, "Big kernels", [0.3]), trained_run(store, "other", [0.3])
    store.notes.write([one.id], outcome="Learned little.")
    store.notes.write([other.id], outcome=HOSTILE)
    names = {note.id: note.runs[0].name for note in store.notes.list_notes()}
    assert [names[note.id] for note in find_notes(store)] == ["other", "Big kernels"]
    assert [names[note.id] for note in find_notes(store, "LITTLE kernels")] == ["Big kernels"]
    assert [names[note.id] for note in find_notes(store, "<script>")] == ["other"]
    assert find_notes(store, "nothing of the kind") == []
    assert len(all_entries(store)) == 2


def test_settings_that_cannot_be_read_are_left_out(store, workspace) -> None:
    import sqlite3

    one, other = trained_run(store, "A", [0.3]), trained_run(store, "B", [0.4])
    connection = sqlite3.connect(workspace.database)
    with connection:
        connection.execute("UPDATE runs SET config = '{\"future\": 1}' WHERE id = ?", (one.id,))
    connection.close()
    entry = entry_of(store, store.notes.write([one.id, other.id], outcome="x"))
    assert entry.comparison == ("Best validation accuracy of “B”: 10.0 points above “A”.", ONE_RUN_EACH)
