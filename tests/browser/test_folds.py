"""What is folded is drawn by the click that opens it, and not lost by folding it away. And how pixels arrive."""

import io

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from core.presets import PRESETS
from core.runs.store import EpochRow, Store
from core.workspace import Workspace

LONG_MS = 90_000


def trained_run(workspace: Workspace) -> str:
    with Store(workspace) as store:
        run = store.create_run(PRESETS["tiny"].config, "folded")
        store.claim(run.id, ["cpu:9"])
        store.record_started(run.id, 1, 2, 10, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.3))
        return run.id


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


def test_what_is_typed_and_not_sent_outlives_being_folded_away(server, workspace, page: Page) -> None:
    page.goto(f"{server.url}/runs?run={trained_run(workspace)}")
    header = page.locator("summary").filter(has_text="Notebook")
    header.click()
    field = page.get_by_label("What came of it")
    field.fill("Half a sentence")
    header.click()
    expect(field).not_to_be_visible()
    header.click()
    expect(field).to_be_visible()
    expect(field).to_have_value("Half a sentence")


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
