"""A page that ticks, on a server that is too busy to send what was drawn before the next tick."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.server import running_server

LATE = (sys.executable, str(Path(__file__).parent / "late_streamlit.py"))
LONG_MS = 300_000


@pytest.fixture
def late_server(workspace):
    with running_server(workspace.root, LATE) as running:
        yield running


def test_a_late_server_leaves_the_page_alive(late_server, workspace, page: Page, wait_for) -> None:
    store = Store(workspace)
    config = PRESETS["tiny"].config.with_values(
        {"dataset.id": "shapes", "dataset.num_train": 300, "training.epochs": 200}
    )
    before, run = (
        store.queue_run(RunRequest(config, "Before")),
        store.queue_run(RunRequest(config, "Looked at")),
    )
    page.goto(f"{late_server.url}/runs?run={run.id}")
    expect(page.get_by_text("it starts when “Before” ends", exact=False)).to_be_visible(timeout=LONG_MS)
    store.request_stop(before.id)
    # From waiting to starting to running the whole page is drawn anew, while three parts of it tick.
    page.locator('[data-testid="stVegaLiteChart"] svg.marks').first.wait_for(state="visible", timeout=LONG_MS)
    # The run's: Streamlit's own in the header, which would end all ticks, is hidden.
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for(lambda: store.get_run(run.id).state is RunState.STOPPED, message="the stop")
    page.get_by_role("button", name="Resume").first.wait_for(state="visible", timeout=LONG_MS)
