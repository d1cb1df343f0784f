"""Page changes, live ticks, many watchers, an epoch's way to the chart, and pages in a store of 1,000 runs."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page

from core.workspace import Workspace
from tests.benchmarks.browsing import chromium, seconds_to_change, seconds_to_open, tab
from tests.benchmarks.compare_page import compare_rows
from tests.benchmarks.filled_store import EPOCHS, RUNS, fill
from tests.benchmarks.live_run import LiveRun, live_run
from tests.benchmarks.replay_app import VARIABLE, record
from tests.benchmarks.rows import Row, percentile
from tests.benchmarks.search import search_rows
from tests.benchmarks.servers import cpu_seconds, variables, wait_until_warm
from tests.benchmarks.visitors import Visitor, open_all
from tests.server import Server, running_server

BARE, REPLAY = "tests/benchmarks/bare_app.py", "tests/benchmarks/replay_app.py"
EPOCH_SECONDS = 2.3  # no multiple of a tick, so that an epoch ends at any moment between two of them
WATCHERS = 30
WATCHING_SECONDS = 40.0
EPOCHS_SEEN = 20
CHANGES = 10  # of each page in the navigation, after one that warms up
CHANGES_OF_EACH = 20  # of each page that has a row of its own
SEARCHES = 20

# Link in the navigation and heading. Design and Datasets list no runs, but are pages too.
PAGES = {
    "Runs": "Runs", "Compare": "Compare", "Home": "See how a network learns", "Design": "Design", "Studies": "Studies",
    "Augment": "Augment", "Notebook": "Notebook", "Classify": "Classify", "Datasets": "Datasets", "System": "System",
}  # fmt: skip
LISTING = ("Runs", "Compare", "Home", "Studies", "Augment", "Notebook", "Classify")

# The moments, in unix milliseconds, at which the first chart had another picture than in the frame before.
WATCH_CHART = """
    () => {
        window.drawnAt = []
        let last = null
        const look = () => {
            const picture = document.querySelector('[data-testid="stVegaLiteChart"] :is(canvas, svg.marks)')
            if (picture) {
                const now = picture.tagName === 'CANVAS' ? picture.toDataURL() : picture.outerHTML
                if (now !== last) window.drawnAt.push(Date.now())
                last = now
            }
            setTimeout(look, 40)
        }
        look()
    }
"""


def measure() -> list[Row]:
    """A young workspace first, with one live run in it; then one with 1,000 runs."""
    rows: list[Row] = []
    with variables(CONVDECK_EXAMPLE="off"), tempfile.TemporaryDirectory() as folder:
        young = fill(Path(folder).resolve() / "young" / "workspace", runs=250, epochs=20)
        with live_run(young.root, EPOCH_SECONDS) as run, running_server(young.root) as server:
            wait_until_warm(young.root)
            rows += _watch(server, run)
            # Later: Playwright's event loop leaves no room for another one.
            with chromium() as browser:
                rows.append(_follow(browser, server, run))
        with chromium() as browser:
            with running_server(young.root) as server:
                wait_until_warm(young.root)
                rows += _change(browser, server, Path(folder).resolve())
            full = fill(Path(folder).resolve() / "full" / "workspace")
            with running_server(full.root) as server:
                wait_until_warm(full.root)
                rows += _open_full(browser, server, full)
    return rows


def _watch(server: Server, run: LiveRun) -> list[Row]:
    """One visitor on Runs, and then thirty, who look at the run that grows."""
    alone, _ = asyncio.run(_visit(server, run, 1))
    together, cpu = asyncio.run(_visit(server, run, WATCHERS))
    return [
        _milliseconds("live tick on Runs, one watcher", 50, alone),
        Row(
            f"{WATCHERS} watchers of a live run: the server's share of a core",
            "–",
            "≤ 40 %",
            f"{statistics.median(cpu):.0f} %",
            f"{min(cpu):.0f} to {max(cpu):.0f} % in parts of {WATCHING_SECONDS / 4:.0f} s",
            statistics.median(cpu) <= 40,
        ),
        _milliseconds(f"live tick on Runs, {WATCHERS} watchers", None, together),
    ]


async def _visit(server: Server, run: LiveRun, count: int) -> tuple[list[float], list[float]]:
    """Seconds of each live tick, and the server's percent of a core in four parts of the time."""
    visitors = [Visitor(server.url, "runs", f"run={run.id}") for _ in range(count)]
    await open_all(visitors)
    await asyncio.gather(*(visitor.watch(3) for visitor in visitors))
    for visitor in visitors:
        visitor.ticks.clear()
    process = psutil.Process(server.pid)
    # They did not come in the same moment, so their timers do not go off in the same moment either.
    watching = asyncio.gather(
        *(visitor.watch(WATCHING_SECONDS, 2 * place / count) for place, visitor in enumerate(visitors))
    )
    shares = []
    for _ in range(4):
        began, used = time.perf_counter(), cpu_seconds(process)
        await asyncio.sleep(WATCHING_SECONDS / 4)
        shares.append(100 * (cpu_seconds(process) - used) / (time.perf_counter() - began))
    await watching
    for visitor in visitors:
        await visitor.close()
    # Of the curves, which tick most often. With many visitors all ticks are fewer.
    often = min(interval for visitor in visitors for interval in visitor.fragments.values())
    ticks = [tick for visitor in visitors for tick in visitor.ticks]
    return [tick.seconds for tick in ticks if tick.interval == often], shares


def _follow(browser: Browser, server: Server, run: LiveRun) -> Row:
    """From the moment an epoch is in the store to the first chart that was drawn after it."""
    with tab(browser) as page:
        seconds_to_open(page, f"{server.url}/runs?run={run.id}", "Runs")
        page.evaluate(WATCH_CHART)
        first = len(run.recorded)
        page.wait_for_timeout((EPOCHS_SEEN + 1.5) * EPOCH_SECONDS * 1000)
        drawn = [moment / 1000 for moment in page.evaluate("window.drawnAt")]
    epochs = sorted(run.recorded.items())[first : first + EPOCHS_SEEN]
    waits = []
    for (_, recorded), (_, following) in pairwise(epochs):
        # A chart that changes only after the next epoch has ended has missed this one.
        later = [moment for moment in drawn if moment > recorded]
        waits.append((later[0] if later else following + EPOCH_SECONDS) - recorded)
    return _seconds("epoch ends in the worker → on the chart, in Chromium", 1.5, waits)


def _change(browser: Browser, ours: Server, folder: Path) -> list[Row]:
    """Click through the pages, in turn with a replay of their elements and with ten pages of Streamlit's own.

    The first round of each warms up.
    """
    # Playwright's event loop leaves no room for another one in its thread.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(record, ours.url, PAGES, folder / "recording").result()
    recording = {VARIABLE: str(folder / "recording")}
    with (
        running_server(folder / "replay" / "workspace", script=REPLAY, environment=recording) as replay,
        running_server(folder / "bare" / "workspace", script=BARE) as bare,
        tab(browser) as our_tab,
        tab(browser) as replayed_tab,
        tab(browser) as bare_tab,
    ):
        rounds = [
            (our_tab, ours.url, PAGES),
            (replayed_tab, replay.url, PAGES),
            (bare_tab, bare.url, {link: link for link in PAGES}),
        ]
        for page, url, pages in rounds:
            seconds_to_open(page, url, pages["Home"])
            _round(page, pages)
        times: list[list[float]] = [[] for _ in rounds]
        for _ in range(CHANGES):
            for (page, _, pages), of_it in zip(rounds, times, strict=True):
                of_it += [seconds for _, seconds in _round(page, pages)]
    return [
        _milliseconds(f"page change in the navigation, {len(PAGES)} pages, 250 runs", 300, times[0]),
        _milliseconds("the same elements, replayed: Streamlit and the browser alone", None, times[1]),
        _milliseconds("as many pages of Streamlit with two charts, a table, ten fields", None, times[2]),
    ]


def _round(page: Page, pages: Mapping[str, str]) -> list[tuple[str, float]]:
    return [(link, seconds_to_change(page, link, heading)) for link, heading in pages.items()]


def _rounds(page: Page, pages: Mapping[str, str], changes: int) -> list[tuple[str, float]]:
    """The first one warms up."""
    _round(page, pages)
    return [each for _ in range(changes) for each in _round(page, pages)]


def _open_full(browser: Browser, server: Server, workspace: Workspace) -> list[Row]:
    pages = {link: PAGES[link] for link in LISTING}
    with tab(browser) as page:
        seconds_to_open(page, server.url, PAGES["Home"])
        times = _rounds(page, pages, CHANGES_OF_EACH)
        many = f"with {RUNS:,} runs × {EPOCHS} epochs"
        searching = search_rows(page, server, workspace, SEARCHES, many)
    rows = [
        _milliseconds(f"{link} {many}", 500, [seconds for page_of, seconds in times if page_of == link])
        for link in pages
    ]
    return [*rows, *searching, *compare_rows(server, many)]


def _milliseconds(what: str, goal: float | None, seconds: Sequence[float]) -> Row:
    times = [1000 * each for each in seconds]
    slow = percentile(times, 95)
    return Row(
        what, "–", "–" if goal is None else f"p95 ≤ {goal:.0f} ms", f"p95 {slow:.0f} ms",
        f"p50 {statistics.median(times):.0f} ms, {min(times):.0f} to {max(times):.0f} ms, n = {len(times)}",
        None if goal is None else slow <= goal,
    )  # fmt: skip


def _seconds(what: str, goal: float, seconds: Sequence[float]) -> Row:
    slow = percentile(seconds, 95)
    return Row(
        what, "–", f"p95 ≤ {goal:.1f} s", f"p95 {slow:.2f} s",
        f"p50 {statistics.median(seconds):.2f} s, {min(seconds):.2f} to {max(seconds):.2f} s, n = {len(seconds)}",
        slow <= goal,
    )  # fmt: skip
