"""A bundle comes in through the dialog on Runs, and a damaged one is refused there."""

import pytest
from playwright.sync_api import Page, expect

from core.workspace import Workspace
from tests.core.bundles.made import example_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of the example run, from another computer."""
    elsewhere = Workspace(tmp_path_factory.mktemp("elsewhere")).ensure()
    return example_bundle(elsewhere, elsewhere.root / "example.zip")


def test_a_damaged_bundle_is_refused_and_a_whole_one_becomes_a_run(server, page: Page, bundle: bytes) -> None:
    page.goto(f"{server.url}/runs")
    page.get_by_role("button", name="Import runs").click()
    dialog = page.get_by_role("dialog")
    field, start = dialog.locator("input[type=file]"), dialog.get_by_role("button", name="Import", exact=True)
    expect(start).to_be_disabled()
    field.set_input_files(
        {"name": "half.zip", "mimeType": "application/zip", "buffer": bundle[: len(bundle) // 2]}
    )
    expect(dialog.get_by_role("alert")).to_contain_text("half.zip")
    expect(start).to_be_disabled()
    dialog.get_by_role("button", name="Remove half.zip").click()
    field.set_input_files({"name": "whole.zip", "mimeType": "application/zip", "buffer": bundle})
    start.click()
    expect(dialog).not_to_be_attached()
    expect(page.get_by_text("Imported from").first).to_be_visible()
    expect(page.get_by_text("by bundle").first).to_be_visible()
