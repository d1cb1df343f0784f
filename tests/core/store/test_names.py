"""Names of runs: the usual ones, and which are taken."""

import pytest

from core.errors import RunError
from core.store.records import RunRequest
from tests.core.scheduling.fakes import CONFIG


def test_default_names_are_numbered(store):
    names = [
        store.queue_run(RunRequest(CONFIG, preset=preset)).name
        for preset in ("tiny", "tiny", None, "tiny", None)
    ]
    assert names == ["tiny 1", "tiny 2", "cifar10 1", "tiny 3", "cifar10 2"]
    store.queue_run(RunRequest(CONFIG, name="tiny 40"))
    store.queue_run(RunRequest(CONFIG, name="tiny ²"))
    assert store.queue_run(RunRequest(CONFIG, preset="tiny")).name == "tiny 41"


@pytest.mark.parametrize("name", ["x" * 121, "two\nlines", "bell\a", "\u202etxt.exe", "\ud800", "a\u2028b"])
def test_names_that_are_refused(store, name):
    with pytest.raises(RunError, match="name of a run"):
        store.queue_run(RunRequest(CONFIG, name=name))
    assert store.list_runs() == []


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "$x$ :red[a]", "' OR 1=1 --", "猫 👩‍👩‍👧", "x" * 120]
)
def test_names_that_are_taken_as_they_are(store, name):
    run = store.queue_run(RunRequest(CONFIG))
    assert store.rename_run(run.id, name).name == name
    assert store.get_run(run.id).name == name


def test_an_empty_name(store):
    run = store.queue_run(RunRequest(CONFIG, name="   "))
    assert run.name == "cifar10 1"
    with pytest.raises(RunError, match="empty"):
        store.rename_run(run.id, "   ")


@pytest.mark.parametrize("name", ["\u200b", "\u3164 \u2800", "\u200d\u200f", "\ufe0f"])
def test_a_name_that_shows_nothing_is_refused(store, name):
    run = store.queue_run(RunRequest(CONFIG))
    for give in (
        lambda: store.rename_run(run.id, name),
        lambda: store.queue_run(RunRequest(CONFIG, name)),
        lambda: store.studies.create("seeds", name, "{}", []),
    ):
        with pytest.raises(RunError, match="must have a character that can be seen"):
            give()
