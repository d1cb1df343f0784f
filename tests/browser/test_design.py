"""A design in the browser: what was typed outlives a refresh, a restart of the server, and is what is shown."""

import re

from playwright.sync_api import Locator, Page, Route, expect

from core.datasets.prepare import ensure_dataset
from core.design.drafts import Draft, load_draft, save_draft
from core.design.presets import get_preset

LONG_MS = 300_000
LONG_SECONDS = LONG_MS / 1000
DRAFT = re.compile(r"/design\?draft=[0-9a-f]{16}$")


def fill(page: Page, label: str, value: int) -> None:
    field = page.get_by_label(label, exact=True).first
    field.fill(str(value))
    field.press("Enter")


def expect_filters(page: Page, value: int) -> None:
    """Both the field and what is computed from the draft."""
    expect(page.get_by_text(f"Block 1 → 15×15×{value}", exact=True).first).to_be_visible()
    expect(page.get_by_label("Filters", exact=True).first).to_have_value(str(value))


def epochs(page: Page) -> Locator:
    """The field. While a page is drawn anew its former one may still stand behind it for a moment."""
    return page.get_by_label("Epochs", exact=True).first


def test_a_design_outlives_a_refresh_and_a_restart(server, page: Page, complaints, wait_for) -> None:
    page.goto(f"{server.url}/design?preset=article")
    expect_filters(page, 64)
    fill(page, "Filters", 8)
    expect_filters(page, 8)
    expect(page).to_have_url(DRAFT)

    page.reload()
    expect_filters(page, 8)
    before = page.url
    fill(page, "Filters", 12)
    expect_filters(page, 12)
    expect(page).not_to_have_url(before)

    # The page comes back by itself, as a new session to which the browser sends what its widgets held. What is typed
    # before that is lost, so it is typed until it arrives.
    before = page.url
    server.restart()

    def arrives() -> bool:
        fill(page, "Epochs", 7)
        page.wait_for_timeout(2000)
        return page.url != before

    wait_for(arrives, timeout=LONG_SECONDS, message="a change that reaches the new session")
    complaints.clear()  # the browser complained, rightly, of a server that was gone
    expect_filters(page, 12)
    page.reload()
    expect_filters(page, 12)
    expect(epochs(page)).to_have_value("7")

    # The way back leads over the design as it was at each of these points.
    page.go_back()
    expect(epochs(page)).not_to_have_value("7")
    expect_filters(page, 12)
    page.go_back()
    expect_filters(page, 8)


def test_the_start_and_what_it_starts_stay_in_sight(server, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{server.url}/design?preset=vgg")
    first_block = page.get_by_text("Block 1 → 16×16×32", exact=True).first
    expect(first_block).to_be_visible()
    start = page.get_by_role("button", name="Start training", exact=True)
    size = page.get_by_text(re.compile(r"^[\d,]+ parameters in \d+ layers$")).first
    table = page.get_by_test_id("stDataFrame").first

    def look_at(element: Locator) -> None:
        element.evaluate("element => element.scrollIntoView({block: 'end'})")
        expect(element).to_be_in_viewport()

    for place in (first_block, page.get_by_text("Details", exact=True).first):
        look_at(place)
        for each in (start, size, table):
            expect(each).to_be_in_viewport()
    # On a phone the columns stand below one another, and the start lies over the page.
    page.set_viewport_size({"width": 390, "height": 844})
    for place in (page.get_by_text("Details", exact=True).first, first_block):
        look_at(place)
        for each in (start, size):
            expect(each).to_be_in_viewport()
    start.click(trial=True)


def test_the_click_that_leaves_the_field_is_enough(server, page: Page) -> None:
    page.goto(f"{server.url}/design")
    page.get_by_text("As text: JSON and command line").click()
    page.get_by_label("Paste a config").fill('{"model": {"blocks": [{"filters": 9}]}}')
    page.get_by_role("button", name="Load config", exact=True).click()
    expect(page.get_by_label("Filters", exact=True).first).to_have_value("9")
    expect(page.get_by_label("Training pictures", exact=True).first).to_have_attribute(
        "placeholder", re.compile("^all")
    )


def test_a_click_before_the_number_fields_are_loaded_loses_no_number(server, workspace, page: Page) -> None:
    """The browser loads the script of each kind of field when it meets the first one, on a slow line long after."""
    ensure_dataset(workspace, "shapes")
    tiny = get_preset("tiny").config
    draft = Draft(tiny.with_values({"dataset.num_train": 300}), tiny)
    save_draft(workspace, "0123456789abcdef", draft)
    waiting: list[Route] = []
    page.route(re.compile(r"/NumberInput\."), lambda route: waiting.append(route))
    page.goto(f"{server.url}/design?draft=0123456789abcdef")
    page.get_by_text("Details", exact=True).click()
    page.get_by_label("Precision", exact=True).first.wait_for()
    for script in waiting:
        script.continue_()
    number = page.get_by_label("Training pictures", exact=True).first
    expect(number).to_have_value("300")
    page.get_by_text("Details", exact=True).click()
    expect(page.get_by_label("Precision", exact=True)).to_have_count(0)
    expect(number).to_have_value("300")
    assert load_draft(workspace, "0123456789abcdef") == draft


OPTIONAL = {
    "dataset.num_train": ("Training pictures", 300, "all 6,000"),
    "optimizer.gradient_clip_norm": ("Gradient clipping", 2.5, "off"),
    "optimizer.weight_averaging": ("Weight averaging", 0.99, "off"),
    "training.early_stopping_patience": ("Early stopping patience (epochs)", 3, "off"),
    "dataset.image_size": ("Image size (pixels)", 40, "as stored"),
}
FIRST_IN = {"Optimizer and regularisation": "Gradient clipping", "Details": "Seed"}


def test_a_number_that_may_be_missing_is_cleared_with_the_keyboard(
    server, workspace, page: Page, wait_for
) -> None:
    ensure_dataset(workspace, "shapes")
    field = {path: page.get_by_label(label, exact=True).first for path, (label, *_) in OPTIONAL.items()}

    def drafted(path: str) -> object:
        found = re.search(DRAFT, page.evaluate("location.href"))
        return load_draft(workspace, found[0][-16:]).config.value(path) if found else "no draft"

    def unfold() -> None:
        for name in ("Optimizer and regularisation", "Details"):
            page.get_by_text(name, exact=True).click()
            expect(page.get_by_label(FIRST_IN[name], exact=True).first).to_be_visible()

    def expect_cleared() -> None:
        for path, (_, _, empty) in OPTIONAL.items():
            expect(field[path]).to_have_value("")
            expect(field[path]).to_have_attribute("placeholder", empty)

    page.goto(f"{server.url}/design?preset=article")
    page.get_by_label("Data set", exact=True).first.wait_for()
    unfold()
    for path, (_, value, _) in OPTIONAL.items():
        field[path].fill(str(value))
        field[path].press("Enter")
        wait_for(lambda path=path, value=value: drafted(path) == value, LONG_SECONDS, f"{path} to be {value}")
    # Once more from a draft that has the values: a field that was drawn with one is cleared too.
    page.reload()
    page.get_by_label("Data set", exact=True).first.wait_for()
    unfold()
    for path, (_, value, _) in OPTIONAL.items():
        expect(field[path]).to_have_value(str(value))
        field[path].press("Control+a")
        field[path].press("Backspace")
        field[path].press("Tab")
        wait_for(lambda path=path: drafted(path) is None, LONG_SECONDS, f"{path} to be None")
    expect_cleared()

    page.get_by_role("link", name="Datasets", exact=True).first.click()
    page.get_by_role("heading", name="Datasets", exact=True).wait_for()
    page.get_by_role("link", name="Design", exact=True).first.click()
    page.get_by_label("Data set", exact=True).first.wait_for()
    unfold()
    expect_cleared()
    page.reload()
    page.get_by_label("Data set", exact=True).first.wait_for()
    unfold()
    expect_cleared()
