"""Debian's Chromium for benchmarks that look at what a person sees."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE_MS = 60_000
STILL = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Raises FileNotFoundError where it is not installed."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        raise FileNotFoundError("Chromium is not installed: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


def new_page(browser: Browser) -> Page:
    """A fresh tab of 1280 by 900 pixels."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US").new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page


def open_page(page: Page, url: str) -> None:
    """Go there and wait until its script has run."""
    page.goto(url)
    page.wait_for_selector(STILL)
    page.get_by_role("heading").first.wait_for()
    page.wait_for_selector(STILL)
