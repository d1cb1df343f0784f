"""Two checkouts in alternation: is this one slower than the other, or its server larger?

    python -m tests.benchmarks.compare OTHER [--rounds 5] [--write]

OTHER is the folder of another checkout, measured with this one's environment. Each round is a process for each
checkout, every other round in the opposite order. With `--write`, the table goes into `docs/performance.md`.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import psutil

from core.workspace import PROJECT_ROOT
from tests.benchmarks.browsing import chromium, seconds_to_change, seconds_to_open, tab
from tests.benchmarks.children import rounds_of
from tests.benchmarks.filled_store import fill
from tests.benchmarks.live_run import live_run
from tests.benchmarks.pages import EPOCH_SECONDS, PAGES
from tests.benchmarks.report import table, write_section
from tests.benchmarks.rows import ROUNDS, Row, Spread, alternate, ratios
from tests.benchmarks.servers import cpu_seconds, wait_until_warm
from tests.benchmarks.visitors import Visitor, open_all
from tests.server import end_processes, free_port, running_server

STARTS = 3  # a round, after one that warms up
CHANGES = 4  # of each page, the first of them a warm-up
WATCHING_SECONDS = 25.0
WATCHERS = 10
EPOCHS = 1
FIGURES_ONLY = "--figures"  # how a checkout's own process is told what it is


@dataclass(frozen=True)
class Figure:
    """What is measured of a checkout in a round, and how it is written: `scale` makes the unit of the number."""

    what: str
    unit: str
    scale: float = 1.0
    digits: int = 2


FIGURES = {
    "healthy": Figure("command → healthy", " s"),
    "first page": Figure("command → first page drawn in Chromium", " s"),
    "page change": Figure(f"page change, {len(PAGES)} pages, 250 runs, in Chromium", " ms", 1000, 0),
    "tick": Figure("live tick on Runs, one watcher", " ms", 1000, 1),
    "tick cpu": Figure(f"live ticks on Runs, {WATCHERS} watchers: the server's processor time for one", " ms", 1000, 1),
    "healthy memory": Figure("the server's memory, healthy", " MB", 1, 0),
    "memory": Figure("the server's memory after all of this", " MB", 1, 0),
    "epoch": Figure("epoch of `article`, 8,000 pictures", " s"),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.compare", description=__doc__)
    parser.add_argument("other", type=Path, help="folder of the other checkout")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parsed = parser.parse_args()
    began = time.perf_counter()
    rows = compare(parsed.other.resolve(), parsed.rounds)
    print(table(rows))
    if parsed.write:
        write_section("compare", rows, time.perf_counter() - began)


def compare(other: Path, rounds: int) -> list[Row]:
    """A row for each figure. "Met" means: not worse than the other by more than the rounds differ among themselves."""
    measured: dict[str, list[dict[str, float]]] = {"this": [], "other": []}

    def once(name: str, checkout: Path) -> float:
        measured[name].append(measure_checkout(checkout))
        print(name, json.dumps(measured[name][-1]), file=sys.stderr, flush=True)
        return 0.0

    checkouts = {"this": partial(once, "this", PROJECT_ROOT), "other": partial(once, "other", other)}
    alternate(checkouts, rounds, warm_up=False)
    return [
        row_of(figure, [each[name] for each in measured["this"]], [each[name] for each in measured["other"]])
        for name, figure in FIGURES.items()
    ]


def row_of(figure: Figure, this: Sequence[float], other: Sequence[float]) -> Row:
    """Beside each other, with the ratio of each round. Less is better."""
    ratio = Spread.of(ratios(this, other))
    own, others = (Spread.of([figure.scale * each for each in values]) for values in (this, other))
    return Row(
        figure.what,
        f"{others.figure(figure.unit, figure.digits)} ({others.range(figure.unit, figure.digits)})",
        "not worse by more than the spread",
        f"{ratio.figure('×', 2)}; {own.figure(figure.unit, figure.digits)}",
        f"{ratio.range('×', 2)}; {own.range(figure.unit, figure.digits)}",
        ratio.low <= 1.0 or own.median <= others.high,
    )


def measure_checkout(checkout: Path) -> dict[str, float]:
    """All figures of a checkout, by its own code, in a process whose modules are the checkout's.

    Raises subprocess.CalledProcessError.
    """
    environment = {**os.environ, "PYTHONPATH": str(checkout), "CONVDECK_EXAMPLE": "off"}
    # Compiled modules are kept, as they are for whoever starts the dashboard.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # -P: the folder of this file holds modules whose names others have too.
    command = [sys.executable, "-P", __file__, FIGURES_ONLY]
    child = subprocess.run(
        command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    figures: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return figures


def print_figures() -> None:
    """Measure the checkout whose modules this process has, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "workspace"
        fill(root, runs=250, epochs=20)
        figures = {**_starts(root), **_pages(root)}
    figures["epoch"] = statistics.median(
        each["epoch"] for each in rounds_of("tests.benchmarks.training", ["plain"], EPOCHS)["plain"]
    )
    print(json.dumps(figures))


def _starts(root: Path) -> dict[str, float]:
    healthy, drawn = [], []
    with chromium() as browser:
        for _ in range(STARTS + 1):
            with tab(browser) as page:
                port, began = free_port(), time.perf_counter()
                process = subprocess.Popen(
                    [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
                    env={**os.environ, "CONVDECK_HOME": str(root)},
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
                try:
                    _wait_until_healthy(process, port)
                    healthy.append(time.perf_counter() - began)
                    seconds_to_open(page, f"http://127.0.0.1:{port}", PAGES["Home"])
                    drawn.append(time.perf_counter() - began)
                finally:
                    process.terminate()
                    process.wait(30)
                    end_processes(root)
    return {"healthy": statistics.median(healthy[1:]), "first page": statistics.median(drawn[1:])}


def _wait_until_healthy(process: "subprocess.Popen[bytes]", port: int) -> None:
    with httpx2.Client(trust_env=False, timeout=5) as client:
        while process.poll() is None:
            try:
                if client.get(f"http://127.0.0.1:{port}/_stcore/health").status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.02)
    raise RuntimeError("The server did not become healthy.")


def _pages(root: Path) -> dict[str, float]:
    with live_run(root, EPOCH_SECONDS) as run, running_server(root) as server:
        wait_until_warm(root)
        process = psutil.Process(server.pid)
        healthy = _mb(process)
        alone, _ = asyncio.run(_watch(server.url, run.id, 1, process))
        _, cpu = asyncio.run(_watch(server.url, run.id, WATCHERS, process))
        changes = []
        # Later: Playwright's event loop leaves no room for another one.
        with chromium() as browser, tab(browser) as page:
            seconds_to_open(page, server.url, PAGES["Home"])
            for number in range(CHANGES):
                for link, heading in PAGES.items():
                    seconds = seconds_to_change(page, link, heading)
                    if number:
                        changes.append(seconds)
        return {
            "page change": statistics.median(changes),
            "tick": statistics.median(alone),
            "tick cpu": cpu,
            "healthy memory": healthy,
            "memory": _mb(process),
        }


async def _watch(url: str, run_id: str, count: int, process: psutil.Process) -> tuple[list[float], float]:
    """Seconds of each tick of the curves, and the server's processor time for one tick of any kind."""
    visitors = [Visitor(url, "runs", f"run={run_id}") for _ in range(count)]
    await open_all(visitors)
    await asyncio.gather(*(visitor.watch(3) for visitor in visitors))
    for visitor in visitors:
        visitor.ticks.clear()
    used = cpu_seconds(process)
    await asyncio.gather(
        *(visitor.watch(WATCHING_SECONDS, 2 * place / count) for place, visitor in enumerate(visitors))
    )
    used = cpu_seconds(process) - used
    for visitor in visitors:
        await visitor.close()
    ticks = [tick for visitor in visitors for tick in visitor.ticks]
    often = min(tick.interval for tick in ticks)  # of the curves
    return [tick.seconds for tick in ticks if tick.interval == often], used / len(ticks)


def _mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


if __name__ == "__main__":
    if FIGURES_ONLY in sys.argv:
        print_figures()
    else:
        main()
