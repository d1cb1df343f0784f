"""Forty runs grouped and held against one another, deleted, and brought back after the server was started again."""

import re

import pytest
from playwright.sync_api import Page, expect
from pyarrow import parquet

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.system.processes import process_started
from core.workspace import Workspace
from tests.browser.waiting import tick_rows
from tests.pages.compare.stocked import stock

# Of the table's header, the box that ticks all rows; below it that of the first row.
SELECT_ALL, FIRST_ROW = {"x": 18, "y": 18}, {"x": 18, "y": 53}


@pytest.fixture(scope="module")
def stocked(workspace: Workspace) -> Workspace:
    """The workspace with the 40 runs, which each test leaves there. Named before `server`, which would train them."""
    with Store(workspace) as store:
        stock(store)
    return workspace


def test_forty_runs_are_grouped_compared_deleted_and_brought_back(
    stocked, server, page: Page, complaints: list[str]
) -> None:
    def names() -> list[str]:
        with Store(stocked) as store:
            return sorted(run.name for run in store.list_runs())

    everything = names()
    page.goto(f"{server.url}/compare")
    expect(page.get_by_text("40 of 40 runs.", exact=True)).to_be_visible()
    expect(page.get_by_text("Curves of runs 1 to 24 of 40")).to_be_visible()

    page.get_by_role("radio", name="All but the seed").click()
    expect(page.get_by_text("40 of 40 runs in 8 groups.", exact=True)).to_be_visible()
    chart = page.get_by_test_id("stPlotlyChart")
    expect(chart.locator(".legendtext")).to_have_count(8)
    assert all(
        re.search(r"\d+\.\d to ?\d+\.\d.*n = [45]", text)
        for text in chart.locator(".legendtext").all_text_contents()
    )
    expect(page).to_have_url(re.compile(r"group_by=all-but-seed"))

    page.get_by_test_id("stPopoverButton").get_by_text("Download", exact=True).click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Runs as Parquet").click()
    assert sorted(parquet.read_table(started.value.path()).column("name").to_pylist()) == everything
    page.keyboard.press("Escape")

    tick_rows(page.get_by_test_id("stDataFrame"), FIRST_ROW)
    expect(page.get_by_text("5 runs", exact=True)).to_be_visible()
    page.get_by_role("button", name="Pin as baseline").click()
    page.get_by_role("radio", name="What differs").click()
    expect(page.get_by_text("What differs: horizontal flip on → off", exact=True)).to_be_visible()
    expect(
        page.get_by_text(re.compile("Accuracy: \N{MINUS SIGN}" + r"\d+\.\d points: worse"))
    ).not_to_have_count(0)

    # A link restores all of it, in another tab.
    address = page.url
    page.goto(f"{server.url}/system")
    page.goto(address)
    expect(page.get_by_text("What differs: horizontal flip on → off", exact=True)).to_be_visible()

    page.goto(f"{server.url}/compare")
    page.get_by_placeholder("Name, tag, data set or id").fill("batch 128 flip")
    expect(page.get_by_text("10 of 40 runs.", exact=True)).to_be_visible()
    tick_rows(page.get_by_test_id("stDataFrame"), SELECT_ALL)
    expect(page.get_by_text("10 runs", exact=True)).to_be_visible()
    assert page.get_by_role("heading", name="Compare").bounding_box()["y"] < 0  # the person has scrolled down
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_count(10)
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("10 runs were deleted.", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_in_viewport()
    assert names() == [name for name in everything if "batch 128 flip" not in name]

    server.restart()
    page.goto(f"{server.url}/compare")
    expect(page.get_by_text("30 of 30 runs.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("40 of 40 runs.", exact=True)).to_be_visible()
    assert names() == everything
    complaints.clear()  # the page had asked the server that was gone


def test_on_a_phone_the_chart_is_in_the_first_screen(
    stocked, server, page: Page, complaints: list[str]
) -> None:
    """Of a narrow window the page learns from the browser, and of a wide one again."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/compare?group_by=all-but-seed")
    expect(page.get_by_text("Filter, sort and group", exact=True)).to_be_visible()
    expect(page.get_by_placeholder("Name, tag, data set or id")).to_have_count(0)
    for part in (".gtitle", ".xtitle"):  # from its title down to that of its lower axis
        expect(page.get_by_test_id("stPlotlyChart").locator(part)).to_be_in_viewport(ratio=1)
    page.get_by_text("Filter, sort and group", exact=True).click()
    page.get_by_placeholder("Name, tag, data set or id").fill("batch 128 flip")
    expect(page.get_by_text("10 of 40 runs in 2 groups.", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.get_by_role("radio", name="Scatter plot")).to_be_visible()
    expect(page.get_by_text("10 of 40 runs in 2 groups.", exact=True)).to_be_visible()
    assert complaints == []


def test_news_of_runs_under_way_come_by_themselves(stocked, server, process, page: Page) -> None:
    with Store(stocked) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config, "trains now"))
        store.claim(run.id, ["cpu:9"])
        store.set_process(run.id, 1, process.pid, process_started(process.pid) or 0.0)
        store.record_started(run.id, 1, 2, 10, 0)
        page.goto(f"{server.url}/compare?text=trains+now")
        expect(page.get_by_text("1 run is under way", exact=False)).to_be_visible()
        waiting = page.get_by_text("Without a curve: trains now (no epoch has ended).", exact=True)
        expect(waiting).to_be_visible()
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.3))
        expect(waiting).to_have_count(0)
        expect(page.get_by_test_id("stPlotlyChart").locator(".legendtext")).to_have_text(
            "trains now: 30.0\u00a0%, n = 1, under way"
        )
        store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING)
        store.clear_process(run.id)
        store.trash.put(run.id)


def test_popovers_show_the_filter_and_the_columns_that_are_set(stocked, server, page: Page) -> None:
    where = "optimizer.learning_rate >= 0.0001"
    page.goto(f"{server.url}/compare?where={where}&columns=flops,val_loss")
    expect(page.get_by_text(re.compile(r"^\d+ of 40 runs\.$"))).to_be_visible()
    # Drawn again before they are opened, as any click does it.
    page.get_by_role("radio", name="All but the seed").click()
    expect(page.get_by_text(re.compile(r"runs in \d+ groups?\.$"))).to_be_visible()

    page.get_by_test_id("stPopoverButton").get_by_text("Filter: 1 condition").click()
    expect(page.get_by_label("The whole filter as text").locator("visible=true").last).to_have_value(where)
    page.keyboard.press("Escape")
    page.get_by_test_id("stPopoverButton").get_by_text("Columns").click()
    menu = page.get_by_test_id("stPopoverBody")
    for chosen in ("FLOPs per picture", "Validation loss"):
        expect(menu.get_by_text(chosen, exact=True)).to_be_visible()
