"""A damaged database in the real server: a sentence on the page, the traceback in the log."""

import sqlite3

from playwright.sync_api import Page, expect

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store


def test_what_breaks_in_a_fragment_is_a_sentence(server, workspace, page: Page) -> None:
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config, "seen before"))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.5))
        store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    with sqlite3.connect(workspace.database) as connection:
        connection.execute("ALTER TABLE epochs RENAME TO gone")
    connection.close()
    page.goto(f"{server.url}/runs?run={run.id}")
    expect(page.get_by_text("could not be used: no such table: epochs.").first).to_be_visible()
    expect(page.get_by_role("heading", name="Runs").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert "in last_val_accuracies" in server.log.read_text()  # the traceback
