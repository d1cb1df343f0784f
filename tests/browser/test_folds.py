"""What is folded is drawn by the click that opens it, and not lost by folding it away. And how pixels arrive."""

import io
import subprocess

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.store import Store
from core.system.processes import process_started

LONG_MS = 300_000


def run_of(store: Store, process: subprocess.Popen) -> str:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config, "folded"))
    store.claim(run.id, ["cpu:9"])
    store.set_process(run.id, 1, process.pid, process_started(process.pid) or 0.0)
    store.record_started(run.id, 1, 2, 10, 0)
    return run.id


def end_epoch(store: Store, run_id: str) -> None:
    store.record_epoch(run_id, 1, EpochRow(1, val_accuracy=0.3))


def test_the_click_that_unfolds_draws_the_fields(server, page: Page) -> None:
    page.goto(f"{server.url}/design?preset=tiny")
    header = page.get_by_text("More settings of this block").first
    header.click()
    stride = page.get_by_role("spinbutton", name="Stride").first
    stride.fill("2")
    header.click()  # leaves the field and folds it away at once
    expect(stride).not_to_be_attached()
    header.click()
    expect(stride).to_have_value("2")


def test_what_is_typed_and_not_sent_is_not_lost(server, workspace, process, page: Page) -> None:
    store = Store(workspace)
    run_id = run_of(store, process)
    page.goto(f"{server.url}/runs?run={run_id}")
    header = page.locator("summary").filter(has_text="Notebook")
    header.click()
    field = page.get_by_label("Outcome")
    field.fill("Half a sentence")
    header.click()
    expect(field).not_to_be_visible()
    header.click()
    expect(field).to_be_visible()
    expect(field).to_have_value("Half a sentence")
    # Nor by the end of the first epoch, from which on no expectation is taken any more.
    expect(page.get_by_label("What do you expect?", exact=True)).to_be_visible()
    end_epoch(store, run_id)
    expect(page.get_by_text("No expectation was written before the first epoch ended.")).to_be_visible()
    expect(field).to_have_value("Half a sentence")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved in the notebook.")).to_be_visible()
    assert store.notes.find([run_id]).outcome == "Half a sentence"


def test_each_pixel_has_its_own_colour(server, page: Page) -> None:
    page.goto(f"{server.url}/augment")
    picture = page.get_by_test_id("stImage").locator("img").first
    expect(picture).to_be_visible(timeout=LONG_MS)
    answer = page.request.get(picture.evaluate("element => element.src"))
    image = Image.open(io.BytesIO(answer.body()))
    factor = image.width // 32
    assert image.format == "PNG" and factor > 1
    blocks = np.asarray(image.convert("RGB")).reshape(32, factor, 32, factor, 3)
    assert np.array_equal(blocks, np.broadcast_to(blocks[:, :1, :, :1], blocks.shape))
