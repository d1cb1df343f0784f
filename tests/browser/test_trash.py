"""Filter, select all, delete: only what is seen goes, in red, and comes back by one click."""

import re

from playwright.sync_api import Page, expect

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.browser.waiting import tick_rows

# Of the table's header, the box that ticks all rows.
SELECT_ALL = {"x": 18, "y": 18}


def test_what_a_filter_hides_is_not_deleted_and_what_is_deleted_comes_back(
    server, workspace, page: Page, wait_for
) -> None:
    with Store(workspace) as store:
        for number, name in enumerate(["bad 1", "bad 2", "bad 3", "the best"]):
            run = store.queue_run(RunRequest(PRESETS["tiny"].config, name))
            store.claim(run.id, ["cpu:0"])
            store.record_started(run.id, 1, 10, 100, 0)
            store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.1 * number))
            store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)

    def names() -> list[str]:
        with Store(workspace) as store:
            return [run.name for run in store.list_runs()]

    page.goto(f"{server.url}/runs")
    expect(page.get_by_role("heading", name="the best", exact=True)).to_be_visible()
    page.get_by_placeholder("Name, data set or id").fill("bad")
    expect(page.get_by_text("Tick one or more runs to see their curves.")).to_be_visible()
    tick_rows(page.get_by_test_id("stDataFrame").first, SELECT_ALL)
    expect(page.get_by_role("heading", name="3 runs side by side", exact=True)).to_be_visible()

    delete = page.get_by_role("button", name="Delete 3", exact=True)
    red = delete.get_by_text("Delete 3").evaluate("node => getComputedStyle(node).color")
    amounts = [int(amount) for amount in re.findall(r"\d+", red)[:3]]
    assert amounts[0] > 1.5 * max(amounts[1:])
    delete.click()
    dialog = page.get_by_role("dialog")
    names_listed = dialog.get_by_role("listitem")
    expect(names_listed).to_have_count(3)
    assert sorted(names_listed.all_inner_texts()) == ["bad 1", "bad 2", "bad 3"]
    expect(dialog.get_by_text("not among the rows")).to_have_count(0)
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("3 runs deleted.", exact=True)).to_be_visible()
    assert names() == ["the best"]

    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("heading", name="3 runs side by side", exact=True)).to_be_visible()
    assert names() == ["the best", "bad 3", "bad 2", "bad 1"]
    expect(page.get_by_text("Recently deleted")).to_have_count(0)
