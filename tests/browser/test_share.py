"""A shared run and a shared study in Chromium, from a file and offline: pointed at, zoomed, sorted, by keys."""

import math
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.epoch import EpochRow
from core.report.shared_page import share_run, share_study
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.core.studies.ended import FLIPPED, TINY, create, end_all, spec

EPOCHS, BEST = 40, 25
NAME = "</script><script>document.title = 'run'</script> 🦊"


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


def overfit(store: Store, run: Run) -> Run:
    """Validation accuracy is a thousandth per epoch above a half, highest at BEST; training accuracy rises steadily."""
    store.claim(run.id, ["cpu"])
    store.record_started(run.id, run.attempt, EPOCHS, 10, 0)
    for epoch in range(1, EPOCHS + 1):
        val = 0.7 if epoch == BEST else 0.5 + epoch / 1000
        loss = 2 * math.exp(-epoch / 10)
        row = EpochRow(
            epoch, loss, 0.55 + epoch / 100, loss, 0.56 + epoch / 100, 1 + epoch / 50, val, 0.001, 2.0
        )
        store.record_epoch(run.id, run.attempt, row)
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


@pytest.fixture
def asked(page: Page) -> list[str]:
    """Every address that the page asks for."""
    found: list[str] = []
    page.context.set_offline(True)
    page.on("request", lambda request: found.append(request.url))
    return found


def test_a_shared_file_is_explored_offline(
    workspace: Workspace, page: Page, asked: list[str], complaints: list[str], tmp_path
) -> None:
    with Store(workspace) as store:
        run = overfit(store, store.queue_run(RunRequest(TINY, NAME)))
        study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=2))
        end_all(store, study, lambda role: 0.6 + 0.05 * role.seed, lambda role: 0.1)
        of_run = write(tmp_path / "run.html", share_run(workspace, store, run, 0.0))
        of_study = write(tmp_path / "study.html", share_study(workspace, store, study.id, 0.0))

    page.goto(of_run)
    assert page.title() == NAME
    values, charts = page.locator("#values"), page.locator("#charts")
    accuracy = charts.locator("svg").first
    expect(values).to_contain_text(f"Epoch {BEST}")
    expect(values).to_contain_text("Validation: 70.0 %, loss 1.500")
    expect(accuracy.locator("text.best")).to_have_text(f"best {BEST}")

    # The nearest epoch to the mouse: epoch 1 is at the left of the plane, epoch 40 at its right.
    box = accuracy.bounding_box()
    assert box is not None
    left, right = box["x"] + 50, box["x"] + box["width"] - 14

    def at(epoch: float) -> float:
        return left + (epoch - 1) / (EPOCHS - 1) * (right - left)

    middle = box["y"] + box["height"] / 2
    page.mouse.move(at(10.3), middle)
    expect(values).to_contain_text("Epoch 10")
    expect(values).to_contain_text("Training: 65.0 %")
    expect(values).to_contain_text("Clean training: 66.0 %")
    expect(values).to_contain_text("Validation: 51.0 %, loss 1.200")
    expect(values).to_contain_text("Learning rate: 0.001")

    # Drag, then back.
    page.mouse.move(at(10), middle)
    page.mouse.down()
    page.mouse.move(at(20), middle, steps=3)
    page.mouse.up()
    expect(page.get_by_role("button", name="Reset zoom")).to_be_visible()
    assert accuracy.locator("text.best").count() == 0  # epoch 25 is out of sight
    page.get_by_role("button", name="Reset zoom").click()
    expect(page.get_by_role("button", name="Reset zoom")).to_be_hidden()
    expect(accuracy.locator("text.best")).to_have_count(1)

    # A curve off and on again, with its value and in both charts.
    curve = charts.locator("path[data-curve^=val_]")
    assert curve.count() == 2
    switch = page.get_by_role("button", name="Validation", exact=True)
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(curve).to_have_count(0)
    expect(values).not_to_contain_text("Validation")
    switch.click()
    expect(curve).to_have_count(2)

    # Keys.
    charts.focus()
    for key, epoch in (("Home", 1), ("ArrowRight", 2), ("PageUp", 12), ("ArrowLeft", 11), ("End", EPOCHS)):
        page.keyboard.press(key)
        expect(values.locator("b")).to_have_text(f"Epoch {epoch}")
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="Reset zoom")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Reset zoom")).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    # Another script does not run, and that is all that the browser complains of.
    assert complaints == []
    page.evaluate(
        "() => { const other = document.createElement('script'); other.textContent = 'window.ran = 1';"
        "document.body.append(other) }"
    )
    assert page.evaluate("window.ran ?? null") is None
    assert len(complaints) == 1 and "Content Security Policy" in complaints.pop()

    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(of_study)
    assert charts.locator("path[data-curve=val_accuracy]").count() == 4
    expect(values).to_contain_text("config 0, validation: 62.5 % (60.0 to 65.0 %, 2 runs)")
    page.get_by_role("button", name="config 1", exact=True).click()
    expect(charts.locator("path[data-curve=val_accuracy]")).to_have_count(2)
    best = page.locator("table.runs tbody tr td:nth-child(3)")
    head = page.locator("table.runs").get_by_role("button", name="best validation accuracy")
    head.click()
    expect(best).to_have_text(["60.0 %", "60.0 %", "65.0 %", "65.0 %"])
    head.click()
    expect(best).to_have_text(["65.0 %", "65.0 %", "60.0 %", "60.0 %"])
    assert asked == [of_run, of_study]


def test_without_scripts_all_words_and_a_picture_are_there(
    workspace: Workspace, browser: Browser, tmp_path
) -> None:
    with Store(workspace) as store:
        run = overfit(store, store.queue_run(RunRequest(TINY, "Plain")))
        address = write(tmp_path / "run.html", share_run(workspace, store, run, 0.0))
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address)
    assert tab.locator("noscript svg, .curves svg").count() == 1
    assert "Overfitting" in tab.inner_text(".verdict")
    context.close()
