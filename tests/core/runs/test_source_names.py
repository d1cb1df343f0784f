"""Starting weights by the name of their run."""

import pytest

from core.runs import control, trash
from core.runs.source_names import SourceNames, source_ids, source_names
from core.runs.start import fork_experiment
from core.store.records import RunRequest
from tests.core.studies.ended import TINY, end, save_weights

pytestmark = pytest.mark.usefixtures("no_scheduler")


def test_a_run_is_called_by_its_name_and_two_of_one_name_by_both(workspace, store) -> None:
    first, second, third = (
        store.queue_run(RunRequest(TINY.with_values({"seed": seed}), name))
        for seed, name in enumerate(("one", "one", "two"))
    )
    alone = source_names(store, [third.id, "abcdefghij"])
    assert alone.words(f"{third.id} → abcdefghij → random") == "“two” → abcdefghij → random"
    assert alone.ids_in_words == f"“two” is the run {third.id}."
    both = source_names(store, [first.id, second.id])
    assert both.words(f"{first.id} → {second.id}") == f"“one” ({first.id}) → “one” ({second.id})"
    assert source_names(store, []) == SourceNames() and SourceNames().ids_in_words is None


def test_an_id_within_a_name_stays() -> None:
    names = SourceNames({"aaaaaaaaaa": "“after bbbbbbbbbb”", "bbbbbbbbbb": "“first”"})
    assert names.words("aaaaaaaaaa → bbbbbbbbbb") == "“after bbbbbbbbbb” → “first”"


def test_whose_weights_configs_start_from() -> None:
    started = TINY.with_values({"model.start_from": "abcdefghij"})
    assert source_ids([TINY, started, None, started]) == ("abcdefghij",)


def test_a_fork_is_named_after_the_run_that_it_starts_from(workspace, store) -> None:
    source = end(store, control.start_run(workspace, RunRequest(TINY, "source")))
    save_weights(workspace, source)
    parent = end(store, control.start_run(workspace, RunRequest(TINY.with_values({"seed": 1}), "parent")))
    fork = fork_experiment(workspace, parent.id, {"model.start_from": source.id})
    assert fork.name == "parent: starting weights random → “source”"
    control.delete_run(workspace, source.id)
    trash.purge_run(workspace, source.id)
    # A run that is gone has no name: its id is what is known of it.
    assert source_names(store, [source.id]).words(source.id) == source.id
