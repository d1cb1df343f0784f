"""The first five minutes as a visitor clicks through them, in a new workspace, with a real server and real training."""

import io
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from core.onboarding.example import EXAMPLE_ID
from core.onboarding.lessons import LESSONS
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.browser import short_story
from tests.browser.waiting import wait_for_script
from tests.server import STREAMLIT, Server, running_server

DRAWING = '[data-testid="stVegaLiteChart"] svg.marks'
VARIED = re.compile(": .*(rotated|px|mirrored|unchanged)")
LONG_MS = 400_000  # generous: other work may share the machine
SHORT_STORY = (sys.executable, "-m", short_story.__name__)
NEW = {"CONVDECK_EXAMPLE": "on", "CONVDECK_STANDBY": "on"}


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Server]:
    """A server that finds its workspace empty and brings the example."""
    with running_server((tmp_path / "workspace").resolve(), STREAMLIT, environment=NEW) as running:
        yield running


@pytest.fixture
def short_server(tmp_path: Path) -> Iterator[Server]:
    """The same, whose story is a short one."""
    with running_server((tmp_path / "workspace").resolve(), SHORT_STORY, environment=NEW) as running:
        yield running


def drawn_star() -> bytes:
    picture = Image.new("RGB", (300, 200), "#f4f0e0")
    points = [(150, 20), (172, 80), (236, 80), (184, 118), (204, 180), (150, 142), (96, 180), (116, 118), (64, 80),
              (128, 80)]  # fmt: skip
    ImageDraw.Draw(picture).polygon(points, fill="#3050c0")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def seen(page: Page, text: str | re.Pattern[str]) -> Locator:
    return page.get_by_text(text).locator("visible=true").first


def pictures_have_loaded(page: Page) -> None:
    """Before a page is left: Streamlit puts its pictures away at once, and one that is still under way is not found."""
    wait_for_script(page, "[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def test_the_first_five_minutes(short_server, page: Page, wait_for) -> None:
    store = Store(Workspace(short_server.root))
    page.goto(short_server.url)
    # Alive before anything is clicked: curves, verdict, and a picture, answered once the engine is warm.
    expect(seen(page, re.compile("Overfitting since epoch"))).to_be_visible()
    expect(page.locator(DRAWING)).to_have_count(2)
    expect(page.get_by_alt_text("that no run has seen", exact=False).first).to_be_visible()
    expect(seen(page, re.compile("(Right|Wrong): it is"))).to_be_visible(timeout=LONG_MS)
    assert [run.id for run in store.list_runs()] == [EXAMPLE_ID]

    # Watch it overfit: the first point, then the verdict in words, and a refresh in between.
    page.get_by_role("button", name="Watch it overfit").first.click()
    clicked = time.monotonic()
    run = wait_for(lambda: (new := store.list_runs()[0]).id != EXAMPLE_ID and new, message="the run")
    expect(page).to_have_url(re.compile(f"story={run.id}"))
    expect(seen(page, re.compile(rf"Epoch \d+ of {short_story.EPOCHS}"))).to_be_visible(timeout=LONG_MS)
    page.reload()
    expect(page.locator(f"{DRAWING} path").first).to_be_visible(timeout=LONG_MS)
    assert time.monotonic() - clicked < LONG_MS / 1000
    expect(seen(page, re.compile("Overfitting since epoch"))).to_be_visible(timeout=LONG_MS)

    # Now fix it: twelve variants, and the fork races its parent.
    page.get_by_role("button", name="Now fix it").first.click()
    fork = wait_for(lambda: (new := store.list_runs()[0]).parent_id == run.id and new, message="a fork")
    expect(page).to_have_url(re.compile(f"story={run.id}(,|%2C){fork.id}"))
    expect(page.get_by_alt_text(VARIED)).to_have_count(12, timeout=LONG_MS)
    expect(seen(page, f"{run.name} (pale)")).to_be_visible(timeout=LONG_MS)

    # A look at the runs, and back by the navigation: the story is still there.
    page.get_by_role("link", name="Runs", exact=True).first.click()
    expect(page).to_have_url(re.compile("/runs"))
    page.get_by_role("link", name="Home", exact=True).first.click()
    expect(page).to_have_url(re.compile(f"story={run.id}(,|%2C){fork.id}"))

    # One's own photo, as soon as the fork has weights.
    expect(page.get_by_role("heading", name="Your own photo").first).to_be_visible(timeout=LONG_MS)
    photo = {"name": "star.png", "mimeType": "image/png", "buffer": drawn_star()}
    page.locator('input[type="file"]').first.set_input_files([photo])
    expect(seen(page, "star.png")).to_be_visible()
    expect(page.get_by_alt_text("The 32×32 pixels that the networks see").first).to_be_visible(
        timeout=LONG_MS
    )
    for title in ("Without augmentation", "With augmentation"):
        expect(seen(page, title)).to_be_visible()

    # Keep it, once the race is over.
    expect(page.get_by_role("heading", name="Keep it").first).to_be_visible(timeout=LONG_MS)
    link = f"{short_server.url}/runs?run={run.id},{fork.id}"
    expect(seen(page, link)).to_be_visible()
    assert {store.get_run(each.id).state for each in (run, fork)} == {RunState.FINISHED}
    page.goto(link)
    expect(seen(page, "2 runs side by side")).to_be_visible()
    # Another visitor: the story begins, with the runs that are here below it.
    page.goto(short_server.url)
    expect(page.get_by_role("button", name="Watch it overfit").first).to_be_visible()
    expect(seen(page, "Last results")).to_be_visible()


def test_a_lesson_hides_the_controls_and_trains(new_server, page: Page, wait_for) -> None:
    lesson = LESSONS["augmentation"]
    page.goto(f"{new_server.url}/lesson?lesson={lesson.name}")
    expect(page.get_by_role("heading", name=lesson.title).first).to_be_visible()
    expect(page.get_by_role("link", name="Design")).to_have_count(0)
    page.get_by_role("button", name=lesson.action).first.click()
    store = Store(Workspace(new_server.root))
    new = wait_for(lambda: (run := store.list_runs()[0]).id != EXAMPLE_ID and run)
    expect(page).to_have_url(re.compile(f"run={EXAMPLE_ID}(,|%2C){new.id}"))
    # The example is what it is held against: its curves are there at once.
    expect(page.locator(f"{DRAWING} path").first).to_be_visible(timeout=LONG_MS)
    page.get_by_text("Think first, then open the answer").first.click()
    expect(seen(page, lesson.answer[:40])).to_be_visible()
    expect(page.get_by_alt_text(VARIED)).to_have_count(12, timeout=LONG_MS)
    pictures_have_loaded(page)
    page.get_by_role("link", name="Next: More pictures").first.click()
    expect(page.get_by_role("heading", name="More pictures").first).to_be_visible()
    expect(page.get_by_alt_text(VARIED)).to_have_count(0)
    expect(page.get_by_alt_text(re.compile(", called "))).to_have_count(8)
    pictures_have_loaded(page)
    page.get_by_role("link", name="All of ConvDeck").first.click()
    expect(page.get_by_role("link", name="Design").first).to_be_visible()
