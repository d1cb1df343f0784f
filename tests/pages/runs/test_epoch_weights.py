"""Deleting the weights of single epochs on Runs, as a visitor sees it."""

import numpy as np
import pytest

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.epoch_weights import compact, kept_epochs, write_epoch
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.pages.visits import open_page, words


@pytest.fixture
def run(workspace):
    """A finished run of which three epochs of 1 MB are kept."""
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config, "Mine: 2nd try"))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.4))
        run = store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    folder = workspace.run_folder(run.id)
    folder.mkdir(exist_ok=True)
    for epoch in (1, 2, 3):
        write_epoch(folder, epoch, compact({"fc1/kernel": np.ones((500, 1000), np.float32)}))
    return run


def test_the_dialog_says_what_is_freed_and_frees_it(workspace, run) -> None:
    page = open_page("runs.py", run=run.id)
    page.button(key="delete-runs").click().run()
    assert "the weights of 3 epochs that Inspect can go back to. This frees **3 MB**" in words(page)
    assert page.button(key="delete-epoch-weights").label == ":red[Delete only these weights (3 MB)]"
    page.button(key="delete-epoch-weights").click().run()
    assert not page.exception
    assert [each.value for each in page.toast] == ["The weights of 3 epochs are deleted: 3 MB are free."]
    assert kept_epochs(workspace.run_folder(run.id)) == ()
    with Store(workspace) as store:
        assert store.get_run(run.id).state is RunState.FINISHED
    page.button(key="delete-runs").click().run()
    assert not any(button.key == "delete-epoch-weights" for button in page.button)
