"""From a finished run, by its link, to what it gets wrong: the worst confusion, its pictures, and one of them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.formatting import with_minus
from core.store.picture_tags import data_of
from core.store.store import Store
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


@pytest.fixture
def tags_for_a_while(uneven: Uneven) -> Iterator[None]:
    """Tags are removed after the test: others use the workspace too."""
    yield
    with Store(uneven.workspace) as store:
        data = data_of(store.get_run(uneven.run_id))
        for row in store.picture_tags.of(data):
            store.picture_tags.set(data, row, [])


@pytest.mark.usefixtures("tags_for_a_while")
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
    tags = dialog.get_by_role("combobox").first
    tags.fill("wrong label")
    tags.press("Enter")
    # Once it is kept, the field is a new one, without the list of tags, in which it was too.
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(dialog.get_by_text("wrong label", exact=True)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(pictures.first.locator("em")).to_have_text("wrong label")

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


def test_a_point_of_the_map_opens_its_picture_and_the_report_is_a_file_that_opens(
    uneven: Uneven, server: Server, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{server.url}/inspect?run={uneven.run_id}")
    page.get_by_text("Map of pictures", exact=True).click()
    expect(page.get_by_text(re.compile("80 test pictures after epoch"))).to_be_visible()
    fold = page.get_by_test_id("stExpander").filter(has_text="Map of pictures")
    point = fold.locator(".scatterlayer .point").last
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    said = fold.locator(".hoverlayer .hovertext")
    expect(said).to_contain_text("Row ")
    row = re.search(r"Row ([\d,]+)", said.text_content()).group(1)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"Row {row} of the data set's test arrays")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.get_by_role("button", name="Report", exact=True).click()
    dialog.get_by_role("button", name="Create the file").click()
    with page.expect_download() as download:
        dialog.get_by_role("button", name=re.compile("^Save ")).click()
    download.value.save_as(tmp_path / "run.html")
    page.goto((tmp_path / "run.html").as_uri())
    expect(page.get_by_role("heading", name="Worst mistakes, and what it looked at")).to_be_visible()
    expect(page.locator("figure img").first).to_have_js_property("naturalWidth", 16)


def number(text: str) -> float:
    """As it is written for people."""
    return float(text.replace("\N{MINUS SIGN}", "-"))


def test_a_number_in_a_feature_map_is_the_sum_of_its_products(
    uneven: Uneven, server: Server, page: Page
) -> None:
    page.goto(f"{server.url}/inspect?run={uneven.run_id}")
    page.locator(".captioned button").nth(1).click()
    dialog = page.get_by_role("dialog")
    row = re.search(r"Row ([\d,]+) of", dialog.get_by_text(re.compile("^Row ")).inner_text())[1]
    dialog.get_by_role("button", name="Look inside the network").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(re.compile(rf"^Picture {row}: "))).to_be_visible()
    expect(page.get_by_text("Feature maps", exact=True)).to_be_in_viewport()

    # Another map of the sheet, by a click on it.
    maps = page.get_by_role("button", name=re.compile(r"^Map \d+: up to"))
    expect(maps.first).to_be_visible()
    title = maps.last.get_attribute("title")
    maps.last.click()
    expect(page.get_by_text(re.compile(rf"^{title.partition(':')[0]}$"))).to_be_visible()

    grid = page.locator(".numbers.picks canvas")
    expect(page.get_by_text("Click a number to see the products that it is the sum of.")).to_be_visible()
    box = grid.bounding_box()
    grid.click(position={"x": box["width"] * 0.52, "y": box["height"] * 0.52})
    told = page.get_by_text(re.compile(r"^\d+ products of what \w+ gives and a weight add up to"))
    expect(told).to_be_visible()
    shown = number(re.search(r": (\S+)$", page.locator(".numbers.picks p").inner_text())[1])
    products, bias, total = (
        number(each)
        for each in re.search(
            r"add up to (\S+)\. With the bias (\S+) that is (\S+)\.", told.inner_text()
        ).groups()
    )
    assert products + bias == pytest.approx(total, rel=1e-2, abs=1e-4)
    assert max(0.0, total) == pytest.approx(shown, rel=1e-3, abs=1e-6)
    expect(page.locator(".numbers canvas")).to_have_count(4)

    # By the keyboard one to the right.
    grid.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(told).not_to_contain_text(f"that is {with_minus(f'{total:.4g}')}.")
