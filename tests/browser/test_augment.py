"""Augment as a person uses it: a thumbnail is clicked, a phone has two columns, a reload keeps the view."""

import re

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.datasets.prepare import ensure_dataset
from core.workspace import Workspace
from tests.browser.waiting import wait_until_drawn
from tests.server import Server

VARIANTS = 12
MILD = "Mild, as in the article"


@pytest.fixture(scope="module", autouse=True)
def shapes(workspace: Workspace) -> None:
    ensure_dataset(workspace, "shapes")


def variants(page: Page) -> Locator:
    """The pictures below the original."""
    return page.locator("img[alt*=': ']")


def test_a_thumbnail_is_clicked_and_its_variants_follow(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/augment")
    expect(variants(page)).to_have_count(VARIANTS)
    other = page.locator(".pictures button[aria-pressed=false]").last
    name = str(other.get_attribute("aria-label"))
    other.click()
    expect(page.get_by_alt_text(f"{name}, the original")).to_be_visible()
    expect(page.locator(f"img[alt^='{name}: ']")).to_have_count(VARIANTS)
    expect(page.locator(".pictures button[aria-pressed=true]")).to_have_attribute("aria-label", name)


def test_a_reload_keeps_view_and_code(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/augment")
    expect(variants(page)).to_have_count(VARIANTS)
    wait_until_drawn(page)
    page.get_by_text("Code", exact=True).click()
    page.get_by_text("ImageDataGenerator", exact=True).click()
    expect(page.get_by_text("rotation_range=20")).to_be_visible()
    expect(page).to_have_url(re.compile("view=code"))
    expect(page).to_have_url(re.compile("code=generator"))
    page.reload()
    expect(page.get_by_text("rotation_range=20")).to_be_visible()
    page.get_by_text("keras.layers", exact=True).click()
    expect(page.get_by_text("RandomRotation")).to_be_visible()


def test_a_phone_has_the_original_first_and_two_columns(server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/augment")
    expect(variants(page)).to_have_count(VARIANTS)
    wait_until_drawn(page)
    boxes = [variants(page).nth(place).bounding_box() for place in range(4)]
    assert all(boxes)
    left, right, below, _ = boxes
    assert left["y"] == right["y"] < below["y"] and left["x"] == below["x"]
    assert right["x"] + right["width"] <= 390
    original = page.get_by_alt_text("the original").bounding_box()
    assert original and original["width"] > 1.5 * left["width"] and original["y"] < left["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def marked(page: Page, policy: str) -> Locator:
    return page.get_by_role("radio", name=policy, exact=True, checked=True)


def expect_policy(page: Page, policy: str) -> None:
    """It is marked, in the one field: until a page is drawn to its end, the field before is there too."""
    expect(marked(page, policy)).to_have_count(1)
    expect(page.get_by_role("radio", name=policy, exact=True)).to_have_count(1)


def flip_of(page: Page) -> Locator:
    return page.get_by_role("switch", name="Horizontal flip", exact=True)


def begin_without_flip(page: Page) -> None:
    """Begin with the mild policy and take its flip away, so that no policy is marked."""
    wait_until_drawn(page)
    expect_policy(page, MILD)
    expect(flip_of(page)).to_be_checked()
    page.get_by_text("Horizontal flip", exact=True).click()
    expect(marked(page, MILD)).to_have_count(0)
    wait_until_drawn(page)
    expect(flip_of(page)).not_to_be_checked()


def test_the_policy_marks_follow_the_knobs(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/augment")
    begin_without_flip(page)
    page.get_by_role("radio", name=MILD).click()
    expect(flip_of(page)).to_be_checked()
    expect_policy(page, MILD)
    # A second click would only take the mark away. The mark comes back on a field of its own.
    page.get_by_role("radio", name=MILD).click()
    expect_policy(page, MILD)
    expect(flip_of(page)).to_be_checked()


class HeldEnds:
    """The ends of runs, which reach the browser when they are let go."""

    def __init__(self, page: Page) -> None:
        self.is_holding = False
        self._held: list[tuple[WebSocketRoute, bytes]] = []
        page.route_web_socket("**/_stcore/stream", self._connect)

    def wait(self, page: Page) -> None:
        """Until a run has ended."""
        while not self._held:
            page.wait_for_timeout(20)

    def let_go(self) -> None:
        self.is_holding = False
        for browser, message in self._held:
            browser.send(message)
        self._held.clear()

    def _connect(self, browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if self.is_holding and isinstance(message, bytes) and _is_end(message):
                self._held.append((browser, message))
            else:
                browser.send(message)

        server.on_message(pass_on)


def _is_end(message: bytes) -> bool:
    """Of a run of the whole page."""
    told = ForwardMsg.FromString(message)
    return (
        told.WhichOneof("type") == "script_finished"
        and told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    )


def test_a_click_that_crosses_with_the_end_of_a_run_undoes_nothing(server: Server, page: Page) -> None:
    """It brings along what the fields held that the run has left out, and Streamlit takes that for changes."""
    ends = HeldEnds(page)
    page.goto(f"{server.url}/augment?view=code")  # without pictures, for which the page asks again and again
    begin_without_flip(page)
    ends.is_holding = True
    page.get_by_role("radio", name=MILD).click()
    ends.wait(page)
    expect(flip_of(page)).to_be_checked()
    # Those before it are still there, behind it.
    page.get_by_text("Vertical flip", exact=True).first.click()
    ends.let_go()
    wait_until_drawn(page)
    expect(page.get_by_role("switch", name="Vertical flip", exact=True)).to_be_checked()
    expect(flip_of(page)).to_be_checked()
