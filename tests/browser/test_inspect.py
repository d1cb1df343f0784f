"""From a finished run, by its link, to what it gets wrong: the worst confusion, its pictures, and one of them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core.workspace import Workspace
from tests.server import Server
from tests.uneven import CLASSES, Uneven

CONFUSION = re.compile(r"([\d,]+) × (\w+) taken for (\w+)")


@pytest.fixture(scope="module")
def workspace(uneven: Uneven) -> Iterator[Workspace]:
    """One with finished runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(uneven.workspace.root))
        yield uneven.workspace


def test_a_finished_run_leads_to_the_pictures_of_its_worst_confusion(
    uneven: Uneven, server: Server, page: Page
) -> None:
    page.goto(f"{server.url}/runs?run={uneven.run_id}")
    page.get_by_test_id("stMain").get_by_role("link", name="Inspect").click()
    expect(page.get_by_role("heading", name="How good, really?")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"/inspect\?run={uneven.run_id}$"))
    pictures = page.locator(".captioned button")
    matrix = page.get_by_test_id("stPlotlyChart").first.locator(".heatmaplayer").first
    expect(matrix).to_be_visible()

    worst = page.get_by_role("button", name=CONFUSION).first
    count, label, answer = CONFUSION.search(worst.inner_text().replace("\n", " ")).groups()
    at, taken_for = CLASSES.index(label), CLASSES.index(answer)
    worst.click()
    expect(
        page.get_by_text(re.compile(rf"{count} mistakes?: {label} taken for {answer}"))
    ).to_be_in_viewport()
    expect(pictures).to_have_count(min(60, int(count)))
    expect(pictures.first).to_contain_text(re.compile(rf"{label}→ \d+ % {answer}"))
    expect(page).to_have_url(re.compile(rf"is={at}&taken_for={taken_for}$"))

    pictures.first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"Wrong: it is {label}.")).to_be_visible()
    expect(dialog.get_by_text(re.compile(r"Row \d+ of the data set's test arrays"))).to_be_visible()
    dialog.get_by_text("Show what it looks at", exact=True).click()
    expect(dialog.get_by_text(re.compile("^Grad-CAM for"))).to_be_visible()
    expect(dialog.get_by_text("The same with random weights", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    # A refresh and a link bring it back; all classes again, and the same by a click on its cell.
    page.reload()
    expect(pictures).to_have_count(min(60, int(count)))
    page.get_by_role("button", name="All classes").click()
    expect(page).to_have_url(re.compile(rf"run={uneven.run_id}$"))
    page.get_by_role("heading", name="What is taken for what").scroll_into_view_if_needed()
    box = page.get_by_test_id("stPlotlyChart").first.locator(".heatmaplayer image").first.bounding_box()
    side = box["width"] / len(CLASSES)
    page.mouse.move(box["x"] + side * (taken_for + 0.4), box["y"] + side * (at + 0.5))
    expect(page.locator(".hoverlayer .hovertext")).to_contain_text(f"It is: {label}")
    page.mouse.click(box["x"] + side * (taken_for + 0.5), box["y"] + side * (at + 0.5))
    expect(page).to_have_url(re.compile(rf"is={at}&taken_for={taken_for}$"))
    expect(pictures).to_have_count(min(60, int(count)))
    page.go_back()
    expect(page).to_have_url(re.compile(rf"run={uneven.run_id}$"))
    expect(page.get_by_text(re.compile(r"^\d+ mistakes?, of 80 test pictures\.$"))).to_be_visible()
