"""Over the epochs of a run: an own picture that is followed while it trains, then back over one of its pictures."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.design.presets import PRESETS
from core.runs import control
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.browser.waiting import wait_until_drawn
from tests.conftest import WaitFor
from tests.server import Server
from tests.uneven import draw_leaves

EPOCHS = 6


@pytest.fixture
def picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 20), 200, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_is_followed_while_a_run_trains_and_gone_back_over(
    server: Server, workspace: Workspace, page: Page, picture: bytes, wait_for: WaitFor
) -> None:
    draw_leaves(workspace)
    config = PRESETS["tiny"].config.with_values(
        {
            "dataset.id": "leaves",
            "training.epochs": EPOCHS,
            "training.batch_size": 16,
            "model.batch_norm_momentum": 0.9,
        }
    )
    with Store(workspace) as store:
        run = control.start_run(workspace, RunRequest(config, "followed"))
        wait_for(lambda: store.get_run(run.id).epoch >= 1, message="the first epoch")
        control.pause_run(workspace, run.id)
        wait_for(lambda: store.get_run(run.id).state is RunState.PAUSED, message="the pause")
    page.goto(f"{server.url}/inspect?run={run.id}")
    page.get_by_text("Follow your own pictures").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": picture}
    )
    expect(page.get_by_text(re.compile(r"^After epoch \d: "))).to_be_visible()
    chart = page.get_by_test_id("stVegaLiteChart").last
    expect(chart.locator("svg.marks")).to_be_visible()
    control.resume_run(workspace, run.id)
    expect(page.get_by_text(re.compile(rf"^After epoch {EPOCHS}: "))).to_be_visible()

    page.get_by_test_id("stMain").get_by_text("Follow your own pictures").click()  # folded away
    page.reload()
    wait_until_drawn(page)
    page.locator(".captioned button").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show it over the epochs", exact=True).click()
    expect(dialog.get_by_text(re.compile(rf"^After epoch {EPOCHS} it is taken for"))).to_be_visible()
    thumb = dialog.get_by_role("slider").first
    thumb.press("ArrowLeft")
    expect(dialog.get_by_text(re.compile(rf"^After epoch {EPOCHS - 1} it is taken for"))).to_be_visible()
    marks = dialog.get_by_test_id("stVegaLiteChart").locator("svg.marks")
    marks.evaluate("node => { node.dataset.same = 'yes' }")
    thumb.press("Home")
    expect(dialog.get_by_text(re.compile(r"^After epoch 1 it is taken for"))).to_be_visible()
    # Only its data changes, so that the chart does not blink at each step of the slider.
    expect(marks).to_have_attribute("data-same", "yes")
    dialog.get_by_text("Show what it looked at", exact=True).click()
    expect(dialog.get_by_text("The same with random weights", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    wait_until_drawn(page)

    # A list that is open closes when the page scrolls, which a click on a field far above makes it do.
    field = page.get_by_role("combobox", name="Weights of")
    field.scroll_into_view_if_needed()
    field.focus()
    field.press("ArrowDown")
    other = page.get_by_role("option", name=re.compile(r"^Epoch \d$")).first  # neither the best nor the last
    epoch = other.inner_text().removeprefix("Epoch ")
    other.click()
    expect(page).to_have_url(re.compile(rf"epoch={epoch}"))
    expect(page.get_by_text(re.compile(rf"^These are the weights of epoch {epoch}\."))).to_be_visible()
