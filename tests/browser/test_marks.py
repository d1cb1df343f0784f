"""What is marked on the curves, as a person sees it: onset, shaded gap, best epoch, and the parent behind its fork."""

import pytest
from playwright.sync_api import Locator, Page, expect

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from pages.components.charts.curves import PALE_WIDTH

DRAWING = '[data-testid="stVegaLiteChart"] svg.marks'


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


def trained(store: Store, name: str, gap: float, parent: Run | None = None) -> Run:
    """A run of twelve epochs whose clean training goes `gap` above its validation after the fourth."""
    values = {
        "dataset.id": "shapes",
        "training.epochs": 12,
        "augmentation.rotation_degrees": 20 if parent else 0,
    }
    config = PRESETS["tiny"].config.with_values(values)
    run = store.queue_run(RunRequest(config, name, "tiny", parent_id=parent.id if parent else None))
    store.claim(run.id, [f"cpu:{len(store.list_runs())}"])
    store.record_started(run.id, 1, 12, 10, 0)
    for epoch in range(1, 13):
        val = 0.70 - 0.4 * 0.5**epoch
        ahead = gap * min(1.0, max(0, epoch - 4) / 5)
        loss = 1.0 + 0.6 * 0.5**epoch + gap * max(0, epoch - 4) / 5
        store.record_epoch(
            run.id,
            1,
            EpochRow(epoch, loss, val, loss - ahead, val + 0.01 + ahead, loss, val, 0.001, 2.0, 900.0),
        )
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def words(page: Page, text: str) -> Locator:
    """What is written, without the rims that words stand on."""
    return page.locator(f"{DRAWING} text:not([stroke])").filter(has_text=text)


def shades(page: Page) -> Locator:
    """The areas between the curves; without a gap to shade there is an empty one, which nobody sees."""
    return page.locator(f'{DRAWING} path[fill="#e5484d"]').filter(visible=True)


def test_overfitting_is_marked_and_its_gap_shaded(server, store, page: Page) -> None:
    run = trained(store, "overfits", gap=0.25)
    page.goto(f"{server.url}/runs?run={run.id}")
    expect(page.get_by_text("Overfitting since epoch").first).to_be_visible()
    # Once in the chart of the accuracy and once in that of the loss.
    expect(words(page, "overfits since epoch")).to_have_count(2)
    expect(words(page, "best: epoch 12, 70.0%")).to_have_count(1)
    expect(shades(page)).to_have_count(2)
    for place in range(2):
        box = shades(page).nth(place).bounding_box()
        assert box is not None and box["width"] > 100 and box["height"] > 20


def test_a_healthy_run_has_no_such_marks(server, store, page: Page) -> None:
    run = trained(store, "healthy", gap=0.0)
    page.goto(f"{server.url}/runs?run={run.id}")
    expect(words(page, "best: epoch")).to_have_count(1)
    expect(words(page, "overfits since epoch")).to_have_count(0)
    expect(shades(page)).to_have_count(0)


def test_a_fork_races_its_parents_ghost(server, store, page: Page) -> None:
    parent = trained(store, "parent", gap=0.25)
    fork = trained(store, "fork", gap=0.0, parent=parent)
    ghosts = page.locator(f'{DRAWING} path[stroke-width="{PALE_WIDTH}"]')

    page.goto(f"{server.url}/runs?run={fork.id}")
    expect(page.get_by_text("Pale behind: parent. Here: rotation 0° → 20°.").first).to_be_visible()
    expect(ghosts).to_have_count(6)  # training, validation and clean training, in both charts
    page.get_by_role("button", name="Parent (pale)").click()
    expect(ghosts).to_have_count(0)

    page.goto(f"{server.url}/runs?run={parent.id},{fork.id}")
    expect(words(page, "rotation 0° → 20°")).to_have_count(2)
    expect(words(page, "parent (pale)")).to_have_count(2)
