"""A curve drawn as a guess, with the mouse and with keys, outlives a reload and lies under the trained one."""

import re
from itertools import pairwise

from playwright.sync_api import Page, expect

from core.onboarding.lessons import LESSONS
from core.store.lesson_guesses import LessonGuess
from core.store.store import Store
from core.workspace import Workspace
from tests.browser.conftest import Server

DRAWING = '[data-testid="stVegaLiteChart"] svg.marks'
LESSON = LESSONS["wrong-labels"]


def pad(page: Page):
    return page.get_by_role("slider", name=re.compile("^Clean training accuracy, in percent by epoch"))


def open_pad(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/lesson?lesson={LESSON.name}")
    page.get_by_text("Draw the curve").first.click()
    expect(pad(page)).to_have_attribute("aria-valuetext", "Epoch 1: nothing drawn")


def kept(server: Server, page: Page, wait_for, wanted) -> LessonGuess:
    """The guess that the address names, once it is as wanted."""

    def found() -> LessonGuess | None:
        page.wait_for_timeout(50)  # also lets the address change
        asked = re.search("guess=([0-9a-f]+)", page.url)
        guess = asked and Store(Workspace(server.root)).lesson_guesses.find(asked[1])
        return guess if guess and wanted(guess) else None

    return wait_for(found)


def test_a_curve_is_drawn_with_the_mouse_and_stays(server: Server, page: Page, wait_for) -> None:
    open_pad(server, page)
    area = pad(page).bounding_box()
    # From its lower left to its upper right corner: from 0 % to 100 %.
    left, right = area["x"] + 46, area["x"] + area["width"] - 14
    low, high = area["y"] + area["height"] - 40, area["y"] + 26
    page.mouse.move(left, low)
    page.mouse.down()
    page.mouse.move(right, high, steps=6)
    page.mouse.up()
    guess = kept(server, page, wait_for, lambda each: each.curve)
    assert len(guess.curve) == LESSON.num_epochs == 25
    expected = [100 * place / 24 for place in range(25)]
    assert all(abs(value - wanted) < 3 for value, wanted in zip(guess.curve, expected, strict=True))
    assert guess.value == guess.curve[-1]
    # A click is one point of it.
    page.mouse.click((left + right) / 2, low)
    changed = kept(server, page, wait_for, lambda each: each.curve != guess.curve)
    assert [place for place in range(25) if changed.curve[place] != guess.curve[place]] == [12]
    assert changed.curve[12] < 3
    page.get_by_role("button", name="Undo").click()
    assert kept(server, page, wait_for, lambda each: each.curve == guess.curve).id == guess.id
    page.reload()
    expect(pad(page)).to_have_attribute("aria-valuetext", re.compile("^Epoch 1: [0-3] %$"))
    page.get_by_role("button", name="Clear").click()
    assert kept(server, page, wait_for, lambda each: each.curve is None).value is None


def test_a_curve_is_drawn_with_keys_and_compared(server: Server, page: Page, wait_for) -> None:
    open_pad(server, page)
    pad(page).focus()
    for _ in range(4):
        page.keyboard.press("PageUp")
    page.keyboard.press("ArrowDown")
    expect(pad(page)).to_have_attribute("aria-valuetext", "Epoch 1: 39 %")
    page.keyboard.press("End")
    expect(pad(page)).to_have_attribute("aria-valuetext", "Epoch 25: 39 %")
    for _ in range(4):
        page.keyboard.press("PageUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    guess = kept(server, page, wait_for, lambda each: each.curve and each.curve[-1] == 80)
    # A straight line from 39 % to 80 %, to a tenth.
    assert guess.curve[0] == 39
    assert all(abs(later - former - 41 / 24) < 0.11 for former, later in pairwise(guess.curve))
    page.get_by_role("button", name=LESSON.action).first.click()
    expect(page.get_by_text("Your curve ends at").first).to_be_visible()
    # What was drawn is there before the first epoch is.
    expect(page.locator(DRAWING).first.get_by_text("dashed: your guess")).to_be_visible()
    guess = kept(server, page, wait_for, lambda each: each.run_ids)
    assert Store(Workspace(server.root)).get_run(guess.run_ids[0]).name == "Lesson: wrong labels"
    # Another visitor has no guess in this lesson.
    page.context.clear_cookies()
    page.goto(f"{server.url}/lesson?lesson={LESSON.name}")
    expect(page.get_by_role("slider").first).to_be_visible()
    expect(page.get_by_role("slider").first).to_have_value("0")


def test_one_lesson_leads_to_the_next(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/lesson")
    page.get_by_role("link", name="Steps that are too long").click()
    expect(page.get_by_role("heading", name="Steps that are too long")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/lesson\?lesson=learning-rate$"))
    page.get_by_role("slider").press("ArrowRight")
    expect(page).to_have_url(re.compile(r"lesson=learning-rate&guess=\w+$"))
    expect(page.get_by_role("heading", name="Steps that are too long")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Next: ")).click()
    following = page.get_by_role("heading", level=1)
    expect(following).not_to_have_text("Steps that are too long")
    title = following.inner_text()
    expect(page).not_to_have_url(re.compile("guess=|lesson=learning-rate"))
    page.get_by_role("slider").press("ArrowRight")
    expect(page).to_have_url(re.compile(r"lesson=[\w-]+&guess=\w+$"))
    expect(following).to_have_text(title)
    # The guess is an entry of the browser's history, and so is each lesson.
    page.go_back()
    page.wait_for_timeout(500)
    page.go_back()
    expect(page.get_by_role("heading", name="Steps that are too long")).to_be_visible()
