"""The main job as a person does it: design, start, watch, zoom, refresh, restart of the server, preview, classify."""

import io
import re

import psutil
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store

CHART = '[data-testid="stVegaLiteChart"]'
DRAWING = f"{CHART} svg.marks"  # what Vega draws; the element around it outlives a chart that is built anew
LONG_MS = 300_000
EPOCHS = 400  # more than any machine trains while the test looks on
SERVER_MIB = 250
PAGES = ("", "design", "augment", "runs", "classify", "datasets", "system")


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


def fill_number(page: Page, label: str, value: int) -> None:
    field = page.get_by_label(label, exact=True).first
    field.fill(str(value))
    field.press("Enter")


def picture_of_a_circle() -> bytes:
    picture = Image.new("RGB", (300, 220), "#204060")
    ImageDraw.Draw(picture).ellipse([80, 30, 220, 170], fill="#ffcc33")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def start_from_design(page: Page, url: str, *, pictures: int = 300, epochs: int) -> None:
    page.goto(f"{url}/design?preset=tiny")
    expect(page.get_by_role("heading", name="Design").first).to_be_visible()
    fill_number(page, "Training pictures", pictures)
    fill_number(page, "Epochs", epochs)
    page.get_by_label("Name of the run").fill("Seen in the browser")
    page.get_by_label("Name of the run").press("Enter")


def started_run(store: Store, wait_for) -> Run:
    """The one that has not ended yet."""
    return wait_for(
        lambda: next((run for run in store.list_runs() if not run.state.is_finished), None),
        message="the run to be queued",
    )


def seen(page: Page, text: str) -> Locator:
    """The first place where a person can read the text; tables also keep a hidden copy of their cells."""
    return page.get_by_text(text).locator("visible=true").first


def shown_epoch(page: Page) -> int:
    """The epoch that the page says is at work."""
    text = seen(page, f"of {EPOCHS}").inner_text()
    found = re.search(rf"Epoch (\d+) of {EPOCHS}", text)
    assert found, text
    return int(found[1])


def axis_labels(page: Page, chart: int = 0) -> list[int]:
    """The numbers along the epochs of a chart, in rising order: Vega appends new ones."""
    axis = page.locator(CHART).nth(chart).locator("g.role-axis").filter(has_text="Epoch")
    return sorted(map(int, axis.locator("g.role-axis-label text").all_text_contents()))


def test_the_main_job(server, store, page: Page, complaints, wait_for) -> None:
    start_from_design(page, server.url, epochs=EPOCHS)
    table_rows = page.get_by_text("Block 2", exact=False)
    expect(table_rows.first).to_be_visible()
    page.get_by_role("button", name="Add block").click()
    expect(page.get_by_text("Block 3", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Start training").click()

    # The curve grows in one and the same chart.
    run = started_run(store, wait_for)
    assert len(run.config.model.blocks) == 3
    chart = page.locator(CHART).first
    chart.wait_for(state="visible", timeout=LONG_MS)
    assert f"run={run.id}" in page.url
    drawing = page.locator(DRAWING).first
    drawing.evaluate("element => { element.dataset.seen = 'first'; }")
    grown_to = max(8, store.get_run(run.id).epoch + 3)
    wait_for(lambda: store.get_run(run.id).epoch >= grown_to, message="more epochs")
    wait_for(lambda: shown_epoch(page) >= grown_to, message="the page to follow")
    assert drawing.get_attribute("data-seen") == "first"

    # The wheel scrolls the page. With Ctrl it zooms, and the zoom is kept while the chart grows.
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = axis_labels(page)
    page.mouse.wheel(0, 40)
    wait_for(lambda: chart.bounding_box()["y"] < box["y"], message="the page to scroll")
    page.mouse.wheel(0, -40)
    wait_for(lambda: chart.bounding_box()["y"] == box["y"], message="the page to scroll back")
    assert axis_labels(page)[-1] >= before[-1]
    page.keyboard.down("Control")
    page.mouse.wheel(0, -1500)
    page.keyboard.up("Control")
    # Without a zoom the axis ends where the run is to end.
    wait_for(lambda: axis_labels(page)[-1] < before[-1], message=f"a zoom into {before}")
    zoomed = axis_labels(page)
    wait_for(lambda: axis_labels(page, 1) == zoomed, message="the chart of the loss to follow")
    epoch = store.get_run(run.id).epoch
    wait_for(lambda: store.get_run(run.id).epoch >= epoch + 2, message="two more epochs")
    wait_for(lambda: shown_epoch(page) >= epoch + 2, message="the page to follow")
    assert axis_labels(page) == zoomed
    assert drawing.get_attribute("data-seen") == "first"

    # A refresh brings the whole curve back.
    page.reload()
    page.locator(CHART).first.wait_for(state="visible", timeout=LONG_MS)
    expect(page.get_by_role("heading", name="Seen in the browser").first).to_be_visible()

    # A restart of the server changes nothing about the run.
    pid = store.get_run(run.id).pid
    server.restart()
    page.goto(f"{server.url}/runs?run={run.id}")
    page.locator(CHART).first.wait_for(state="visible", timeout=LONG_MS)
    complaints.clear()  # the browser complained, rightly, of a server that was gone
    after = store.get_run(run.id)
    assert (after.pid, after.attempt, after.state) == (pid, 1, RunState.RUNNING)
    epochs = store.curves(run.id)["epoch"]  # read once: the run goes on meanwhile
    assert epochs == list(range(1, len(epochs) + 1))
    page.get_by_role("button", name="Stop", exact=False).first.click()
    wait_for(lambda: store.get_run(run.id).state is RunState.STOPPED, message="the stop")
    expect(seen(page, "Stopped")).to_be_visible()

    # The network's answer on a picture from outside, and on samples.
    page.goto(f"{server.url}/classify?run={run.id}")
    page.locator('input[type="file"]').set_input_files(
        [
            {"name": "circle.png", "mimeType": "image/png", "buffer": picture_of_a_circle()},
            {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"},
        ]
    )
    expect(page.get_by_text("circle.png", exact=False).last).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("broken.png is not a picture", exact=False).first).to_be_visible()
    expect(page.get_by_alt_text(re.compile("32×32 pixels that the network sees")).first).to_be_visible()

    # Why it answers so: the maps by the method that was chosen, and pictures that it was trained on.
    page.get_by_role("button", name="Why this answer?").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_alt_text(re.compile("circle.png: Grad-CAM for"))).to_be_visible(timeout=LONG_MS)
    expect(dialog.get_by_alt_text(re.compile(r"Training picture \d+: \w+, distance"))).to_have_count(5)
    dialog.get_by_text("Occlusion", exact=True).click()
    expect(dialog.get_by_alt_text(re.compile("circle.png: Occlusion for"))).to_be_visible(timeout=LONG_MS)
    expect(
        dialog.get_by_text(re.compile("Occlusion for “.*” (passes|does not|finds|is the same)"))
    ).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_text("All answers as a table").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    rows = download.value.path().read_text("utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["image", "circle.png", "broken.png"]
    page.get_by_role("button", name="Try sample pictures").click()
    expect(page.get_by_role("heading", name="Sample pictures").first).to_be_visible(timeout=LONG_MS)


def test_a_killed_worker_is_told_and_resumed(server, store, page: Page, wait_for) -> None:
    # Progress within an epoch is told twice a second: an epoch has to last for longer than that.
    start_from_design(page, server.url, pictures=5_000, epochs=200)
    page.get_by_role("button", name="Start training").click()
    run = started_run(store, wait_for)
    page.locator(CHART).first.wait_for(state="visible", timeout=LONG_MS)
    running = wait_for(
        lambda: (now := store.get_run(run.id)).epoch >= 1 and now.batch and now.pid and now,
        message="a batch of the second epoch",
    )
    psutil.Process(running.pid).kill()
    expect(seen(page, "Interrupted")).to_be_visible()
    expect(seen(page, "was killed")).to_be_visible()
    page.get_by_role("button", name="Resume").first.click()
    epochs = store.get_run(run.id).epoch
    done = wait_for(
        lambda: (now := store.get_run(run.id)).attempt == 2 and now.epoch > epochs and now,
        message="more",
    )
    assert done.state is RunState.RUNNING
    page.get_by_role("button", name="Stop", exact=False).first.click()
    wait_for(lambda: store.get_run(run.id).state is RunState.STOPPED, message="the stop")


def test_a_kernel_that_does_not_fit_is_named_before_the_start(server, page: Page) -> None:
    page.goto(f"{server.url}/design?preset=article")
    page.get_by_text("More settings of this block").first.click()
    fill_number(page, "Pooling window", 16)
    expect(
        page.get_by_text("conv_2 reads 1×1 pixels, too small for its 3×3 kernel", exact=False).first
    ).to_be_visible()
    expect(page.get_by_role("button", name="Start training").first).to_be_disabled()
    fill_number(page, "Pooling window", 2)
    expect(page.get_by_role("button", name="Start training").first).to_be_enabled()


def test_the_preview_shows_twelve_variants_and_their_values(server, page: Page) -> None:
    page.goto(f"{server.url}/augment")
    page.get_by_text("Mild, as in the article").click()
    expect(page.get_by_text("rotated", exact=False).first).to_be_visible(timeout=LONG_MS)
    variants = page.get_by_alt_text(re.compile("rotated|px|mirrored|unchanged"))
    expect(variants).to_have_count(12)
    first = variants.first.get_attribute("alt")
    page.get_by_role("button", name="Draw again").click()
    expect(page.get_by_label("Draw", exact=True).first).to_have_value("2", timeout=LONG_MS)
    # The number is there before the pictures that it draws.
    expect(variants.first).not_to_have_attribute("alt", str(first), timeout=LONG_MS)
    expect(variants).to_have_count(12)
    page.get_by_role("button", name="Use in a new run").click()
    expect(page.get_by_text("rotation 20°", exact=False).first).to_be_visible()


def test_every_page_opens_and_the_server_stays_light(server, page: Page) -> None:
    server.restart()  # what the tests before have loaded does not count
    for path in PAGES:
        page.goto(f"{server.url}/{path}")
        expect(page.get_by_role("heading").first).to_be_visible(timeout=LONG_MS)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=LONG_MS)
    process = psutil.Process(server.pid)
    libraries = {mapping.path for mapping in process.memory_maps()}
    assert not [path for path in libraries if "tensorflow" in path or "keras" in path]
    assert process.memory_info().rss / 2**20 < SERVER_MIB
