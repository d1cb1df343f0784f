"""Waiting for a script's condition on a page whose policy evaluates no text."""

from playwright.sync_api import Page


def wait_for_script(page: Page, condition: str) -> None:
    """`page.wait_for_function` without `eval`, which the pages' policy refuses; the test's own timeout ends it."""
    page.evaluate(f"async () => {{ while (!({condition})) await new Promise(next => setTimeout(next, 50)) }}")
