"""The server's resident memory: at the start, and while thirty sessions take a thousand ticks each."""

import asyncio
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
import psutil

from tests.benchmarks.filled_store import fill
from tests.benchmarks.live_run import LiveRun, live_run
from tests.benchmarks.rows import Row
from tests.benchmarks.visitors import Visitor, open_all
from tests.server import Server, running_server

SESSIONS = 30
TICKS = 1000
WARM_UP_TICKS = 200  # Python's heap, caches and pools of connections have then found their size
EVERY = 20  # ticks between two readings
MOST_SECONDS = 240.0
MOST_MB = 200.0
MOST_SLOPE = 0.5  # MB in 100 ticks of all sessions: a day of watching at one tick a second would be 0.4 GiB
PAGES = ("", "design", "augment", "runs", "studies", "notebook", "classify", "datasets", "system")


def measure() -> list[Row]:
    """Ticks come as fast as the server answers, for at one a second a thousand of them would take 17 minutes."""
    os.environ["CONVDECK_EXAMPLE"] = "off"
    with tempfile.TemporaryDirectory() as folder:
        workspace = fill(Path(folder).resolve() / "workspace", runs=250, epochs=20)
        with live_run(workspace.root, 2.0) as run, running_server(workspace.root) as server:
            process = psutil.Process(server.pid)
            healthy = _mb(process)
            asyncio.run(_look_round(server))
            seen = _mb(process)
            ticks, memory = asyncio.run(_soak(server, run, process))
    after = [(count, mb) for count, mb in zip(ticks, memory, strict=True) if count >= WARM_UP_TICKS]
    counts, levels = np.array([count for count, _ in after]), np.array([mb for _, mb in after])
    slope = 100 * float(np.polyfit(counts, levels, 1)[0])
    return [
        Row("server, healthy, nobody there", "–", f"≤ {MOST_MB:.0f} MB", f"{healthy:.0f} MB", "", healthy <= MOST_MB),
        Row(
            "server, after every page was opened once", "–", f"≤ {MOST_MB:.0f} MB", f"{seen:.0f} MB", "",
            seen <= MOST_MB,
        ),
        Row(
            f"server, after {ticks[-1]:,} ticks × {SESSIONS} sessions", "–", "–", f"{memory[-1]:.0f} MB",
            f"{min(levels):.0f} to {max(levels):.0f} MB since tick {WARM_UP_TICKS}", None,
        ),
        Row(
            f"slope from tick {WARM_UP_TICKS} on, least squares", "–", f"no slope: ≤ {MOST_SLOPE} MB in 100 ticks",
            f"{slope:+.2f} MB in 100 ticks",
            f"median of the first fifth {_median(levels[: len(levels) // 5]):.1f}, of the last "
            f"{_median(levels[-(len(levels) // 5) :]):.1f} MB",
            slope <= MOST_SLOPE,
        ),
    ]  # fmt: skip


async def _look_round(server: Server) -> None:
    for page in PAGES:
        visitor = Visitor(server.url, page)
        await visitor.open()
        await visitor.close()


async def _soak(server: Server, run: LiveRun, process: psutil.Process) -> tuple[list[int], list[float]]:
    """How many ticks each session had taken, and the server's MB then."""
    visitors = [Visitor(server.url, "runs", f"run={run.id}") for _ in range(SESSIONS)]
    await open_all(visitors)
    ticks, memory = [0], [_mb(process)]
    deadline = asyncio.get_running_loop().time() + MOST_SECONDS
    while ticks[-1] < TICKS and asyncio.get_running_loop().time() < deadline:
        await asyncio.gather(*(_tick(visitor, EVERY) for visitor in visitors))
        ticks.append(ticks[-1] + EVERY)
        memory.append(_mb(process))
    for visitor in visitors:
        await visitor.close()
    return ticks, memory


async def _tick(visitor: Visitor, count: int) -> None:
    """Its fragments in turn: the curves as often as the table and the facts together."""
    for number in range(count):
        names = sorted(visitor.fragments, key=lambda name: visitor.fragments[name])
        others = names[1:]
        await visitor.tick(names[0] if number % 2 == 0 or not others else others[number // 2 % len(others)])
    visitor.ticks.clear()


def _mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def _median(values: np.ndarray) -> float:
    return statistics.median(values.tolist())
