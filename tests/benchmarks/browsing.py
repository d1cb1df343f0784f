"""Chromium, and when a page is drawn: its script has ended, and charts and what has a placeholder are there."""

import contextlib
import shutil
import time
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE_MS = 60_000

# Looked at before each frame, so that what is waited for is noticed within 20 ms.
DRAWN = """
    heading => {
        const app = document.querySelector('[data-testid="stApp"]')
        if (!app || app.dataset.testScriptState !== 'notRunning') return false
        if (document.querySelector('[data-testid="stSkeleton"], [data-testid="stAppSkeleton"]')) return false
        const titles = [...document.querySelectorAll('h1')].map(each => each.textContent)
        if (!titles.some(title => title.includes(heading))) return false
        const stale = document.querySelector('[data-stale="true"]')
        const charts = [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')]
        const figures = [...document.querySelectorAll('[data-testid="stPlotlyChart"]')]
        return !stale && charts.every(chart => chart.querySelector('canvas, svg.marks'))
            && figures.every(figure => figure.querySelector('svg.main-svg'))
    }
"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Raises FileNotFoundError where there is none."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        raise FileNotFoundError("This benchmark needs Chromium: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def tab(browser: Browser) -> Iterator[Page]:
    """As `new_tab`, and closed afterwards."""
    page = new_tab(browser)
    yield page
    page.context.close()


def new_tab(browser: Browser) -> Page:
    """A fresh tab of 1440 by 900 pixels, which all links of the navigation fit into, with nothing remembered."""
    # wait_for_function evaluates text in the page, which the pages' policy refuses.
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US", bypass_csp=True)
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


def wait_until_drawn(page: Page, heading: str) -> None:
    """Until the page with this heading is drawn to its end."""
    page.wait_for_function(DRAWN, arg=heading)


def seconds_to_open(page: Page, url: str, heading: str) -> float:
    """From the address to the page drawn."""
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    wait_until_drawn(page, heading)
    return time.perf_counter() - began


def seconds_to_change(page: Page, link: str, heading: str) -> float:
    """From the click on a link of the navigation to the other page drawn."""
    target = page.get_by_role("link", name=link, exact=True).first
    target.hover()
    began = time.perf_counter()
    target.click()
    wait_until_drawn(page, heading)
    return time.perf_counter() - began
