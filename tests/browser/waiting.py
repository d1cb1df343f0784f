"""Waiting for a page that is drawn to its end, and for a script's condition on one whose policy evaluates no text."""

from playwright.sync_api import Locator, Page, expect


def wait_until_drawn(page: Page) -> None:
    """Until the page's script has ended, and what an earlier one drew is gone."""
    app = page.get_by_test_id("stApp")
    expect(app.and_(page.locator('[data-test-script-state="notRunning"]'))).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.locator('[data-stale="true"]')).to_have_count(0)


def tick_rows(table: Locator, box: dict[str, int]) -> None:
    """Click the table's canvas at the pixels of one of its boxes, once this table is that of the page's last script.

    A table with other rows is another table, and what is clicked on the one that it replaces ticks nothing.
    """
    wait_until_drawn(table.page)
    table.click(position=box)


def wait_for_script(page: Page, condition: str) -> None:
    """`page.wait_for_function` without `eval`, which the pages' policy refuses; the test's own timeout ends it."""
    page.evaluate(f"async () => {{ while (!({condition})) await new Promise(next => setTimeout(next, 50)) }}")
