"""A run found by its name: from the last key to the table that shows it alone, and what of that is waiting.

The field is typed into as a person would, key after key. Streamlit sends what stands there once nobody has typed for a
while, or at Enter at once.
"""

import statistics
from dataclasses import dataclass

from playwright.sync_api import Page

from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace
from pages.components.runs.table import HEAD_PIXELS, ROW_PIXELS
from tests.benchmarks.browsing import seconds_to_open
from tests.benchmarks.rows import Row, percentile
from tests.server import Server

BETWEEN_KEYS_MS = 100
GOAL_MS = 500
FIELD = "Name, data set or id"

# When a key was pressed and when the page next asked the server something, in milliseconds since it was opened.
LISTEN = """
    () => {
        window.keyAt = window.sentAt = 0
        addEventListener('keydown', () => { window.keyAt = performance.now(); window.sentAt = 0 }, true)
        const send = WebSocket.prototype.send
        WebSocket.prototype.send = function (...message) {
            window.sentAt ||= performance.now()
            return send.apply(this, message)
        }
    }
"""
# Its cells are on a canvas. Here its page ended, and there is one row, with something written in it.
DRAWN = """
    () => {
        const app = document.querySelector('[data-testid="stApp"]')
        const table = document.querySelector('[data-testid="stDataFrame"]')
        const canvas = table?.querySelector('canvas[data-testid="data-grid-canvas"]')
        if (app.dataset.testScriptState !== 'notRunning' || document.querySelector('[data-stale="true"]')) return false
        if (!canvas?.width || table.clientHeight > HEAD_HEIGHT + 2 * ROW_HEIGHT) return false
        const scale = canvas.width / canvas.clientWidth
        const [top, height] = [(HEAD_HEIGHT + 2) * scale, (ROW_HEIGHT - 4) * scale]
        const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, top, canvas.width, height).data.buffer)
        if (new Set(pixels).size < 3) return false
        window.drawnAt = performance.now()
        return true
    }
""".replace("HEAD_HEIGHT", str(HEAD_PIXELS)).replace("ROW_HEIGHT", str(ROW_PIXELS))
# What screen readers are told follows a third of a second later: it says whether that was the right one.
SHOWS_ALONE = """
    id => {
        const table = document.querySelector('[data-testid="stDataFrame"] [role="grid"]')
        return table?.getAttribute('aria-rowcount') === '2' && table.textContent.includes(id)
    }
"""


@dataclass(frozen=True)
class Search:
    """Milliseconds from the last key: until the page sends what was typed, and until the table is drawn."""

    waited: float
    drawn: float


def search_rows(page: Page, server: Server, workspace: Workspace, times: int, many: str) -> list[Row]:
    """`times` searches that end by themselves, and as many that end with Enter."""
    with Store(workspace) as store:
        # Of those whose name nobody else's holds.
        oldest = next(
            run for run in reversed(store.list_runs()) if store.find_runs(run.name, limit=1).total == 1
        )
    page.add_init_script(f"({LISTEN})()")
    waiting = [_search(page, server, oldest, enter=False) for _ in range(times)]
    entered = [_search(page, server, oldest, enter=True) for _ in range(times)]
    slow = percentile([each.drawn for each in waiting], 95)
    return [
        Row(
            f"the oldest run found by its name, last key → table, {many}", "–", f"p95 ≤ {GOAL_MS} ms",
            f"p95 {slow:.0f} ms", _spread([each.drawn for each in waiting]), slow <= GOAL_MS,
        ),
        Row(
            "of these: after the last key, while Streamlit waited for more", "–", "–",
            f"p50 {statistics.median(each.waited for each in waiting):.0f} ms",
            _spread([each.waited for each in waiting]), None,
        ),
        Row(
            f"the same search, Enter → table, {many}", "–", f"p95 ≤ {GOAL_MS} ms",
            f"p95 {percentile([each.drawn for each in entered], 95):.0f} ms",
            f"{_spread([each.drawn for each in entered])}; of these until it is sent: "
            f"p50 {statistics.median(each.waited for each in entered):.0f} ms",
            percentile([each.drawn for each in entered], 95) <= GOAL_MS,
        ),
    ]  # fmt: skip


def _search(page: Page, server: Server, run: Run, *, enter: bool) -> Search:
    seconds_to_open(page, f"{server.url}/runs", "Runs")
    page.get_by_placeholder(FIELD).press_sequentially(run.name, delay=BETWEEN_KEYS_MS)
    if enter:
        page.keyboard.press("Enter")
    page.wait_for_function(DRAWN)
    page.wait_for_function(SHOWS_ALONE, arg=run.id)
    waited, drawn = page.evaluate("[sentAt - keyAt, drawnAt - keyAt]")
    return Search(waited, drawn)


def _spread(milliseconds: list[float]) -> str:
    return (
        f"p50 {statistics.median(milliseconds):.0f} ms, {min(milliseconds):.0f} to {max(milliseconds):.0f} ms, "
        f"n = {len(milliseconds)}"
    )
