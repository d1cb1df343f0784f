"""The server's resident memory: at the start, and while thirty sessions take a thousand ticks each.

Resident memory also grows by holes in the allocators' pages, which the next blocks fill. So that a leak is told from
these, the blocks that live Python objects take are counted too, after a collection: they have no holes.
"""

import asyncio
import contextlib
import os
import signal
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from core.store.store import Store
from core.workspace import Workspace
from tests.benchmarks.filled_store import fill
from tests.benchmarks.live_run import LiveRun, live_run
from tests.benchmarks.rows import Row
from tests.benchmarks.servers import variables, wait_until
from tests.benchmarks.visitors import Visitor, open_all
from tests.server import Server, end_processes, running_server

SESSIONS = 30
TICKS = 1000
WARM_UP_TICKS = 200  # Python's heap, caches and pools of connections have then found their size
EVERY = 20  # ticks between two readings
MOST_SECONDS = 240.0
MOST_MB = 200.0
MOST_SLOPE = 0.5  # MB in 100 ticks of all sessions: a day of watching at one tick a second would be 0.4 GB
MOST_BLOCKS = 0.5  # a tick of one session; an object kept for each would be at least 1
COUNTING_STREAMLIT = (sys.executable, "-m", "tests.benchmarks.counting_server")
PAGES = (
    "", "design", "augment", "runs", "compare", "inspect", "sweeps", "studies", "notebook", "classify", "datasets",
    "system",
)  # fmt: skip


def measure() -> list[Row]:
    """Ticks come as fast as the server answers, for at one a second a thousand of them would take 17 minutes."""
    with variables(CONVDECK_EXAMPLE="off"), tempfile.TemporaryDirectory() as folder:
        workspace = fill(Path(folder).resolve() / "workspace", runs=250, epochs=20)
        with live_run(workspace.root, 2.0) as run, _counting_server(workspace.root) as server:
            process = psutil.Process(server.pid)
            healthy = _mb(process)
            asyncio.run(_look_round(server))
            seen = _mb(process)
            ticks, memory, blocks = asyncio.run(_soak(server, run, process))
            failures = server.log.read_text().count("Traceback")
    inspected = _inspected()
    after = [(count, mb) for count, mb in zip(ticks, memory, strict=True) if count >= WARM_UP_TICKS]
    counts, levels = np.array([count for count, _ in after]), np.array([mb for _, mb in after])
    slope = 100 * float(np.polyfit(counts, levels, 1)[0])
    return [
        Row("server, healthy, no visitors", "–", f"≤ {MOST_MB:.0f} MB", f"{healthy:.0f} MB", "", healthy <= MOST_MB),
        Row(
            "server, after every page was opened once", "–", f"≤ {MOST_MB:.0f} MB", f"{seen:.0f} MB", "",
            seen <= MOST_MB,
        ),
        Row(
            "server, after a run was inspected: page, map of pictures, report", "–", f"≤ {MOST_MB:.0f} MB",
            f"{inspected:.0f} MB", "", inspected <= MOST_MB,
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
        _blocks_row(blocks),
        Row("tracebacks in the server's log", "–", "0", f"{failures}", "", failures == 0),
    ]  # fmt: skip


def _blocks_row(blocks: dict[int, int]) -> Row:
    """From the first count to the last."""
    (first, before), (last, after) = min(blocks.items()), max(blocks.items())
    each = (after - before) / ((last - first) * SESSIONS)
    return Row(
        f"blocks of live Python objects, from tick {first} to {last}", "–",
        f"≤ {MOST_BLOCKS} per tick of a session", f"{each:+.2f} per tick of a session",
        f"{before:,} then, {after:,} at the end", each <= MOST_BLOCKS,
    )  # fmt: skip


@contextlib.contextmanager
def _counting_server(root: Path) -> Iterator[Server]:
    server = Server(root, COUNTING_STREAMLIT)
    os.environ["COUNT_FILE"] = str(_counts(server))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        end_processes(root)
        del os.environ["COUNT_FILE"]


def _counts(server: Server) -> Path:
    return server.root.parent / "counts.txt"


def _live_blocks(server: Server) -> int:
    """Of the server, while nobody asks it for anything."""
    path = _counts(server)
    before = path.read_text() if path.exists() else ""
    os.kill(server.pid, signal.SIGUSR1)
    wait_until(lambda: path.exists() and path.read_text().removeprefix(before).endswith("\n"), "the count")
    return int(path.read_text().splitlines()[-1])


def _inspected() -> float:
    """MB of a server of its own, after all that Inspect measures of the example run, and nothing else."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(
            Path(folder).resolve() / "workspace", environment={"CONVDECK_EXAMPLE": "on"}
        ) as server,
    ):
        with Store(Workspace(server.root)) as store:
            wait_until(lambda: bool(store.list_runs()), "the example run")
            (run, *_) = store.list_runs()
        address = f"{server.url}/api/v1/runs/{run.id}"
        for name in ("evaluate", "map", "report"):
            with urllib.request.urlopen(f"{address}/{name}", timeout=300) as answer:
                answer.read()

        async def look() -> None:
            visitor = Visitor(server.url, "inspect", f"run={run.id}")
            await visitor.open()
            await visitor.close()

        asyncio.run(look())
        return _mb(psutil.Process(server.pid))


async def _look_round(server: Server) -> None:
    for page in PAGES:
        visitor = Visitor(server.url, page)
        await visitor.open()
        await visitor.close()


async def _soak(
    server: Server, run: LiveRun, process: psutil.Process
) -> tuple[list[int], list[float], dict[int, int]]:
    """How many ticks each session had taken, and the server's MB then; and by ticks, the blocks of live objects."""
    visitors = [Visitor(server.url, "runs", f"run={run.id}") for _ in range(SESSIONS)]
    await open_all(visitors)
    ticks, memory = [0], [_mb(process)]
    blocks: dict[int, int] = {}
    deadline = asyncio.get_running_loop().time() + MOST_SECONDS
    while ticks[-1] < TICKS and asyncio.get_running_loop().time() < deadline:
        await asyncio.gather(*(_tick(visitor, EVERY) for visitor in visitors))
        ticks.append(ticks[-1] + EVERY)
        memory.append(_mb(process))
        if ticks[-1] == WARM_UP_TICKS:
            blocks[ticks[-1]] = await asyncio.to_thread(_live_blocks, server)
    blocks[ticks[-1]] = await asyncio.to_thread(_live_blocks, server)
    for visitor in visitors:
        await visitor.close()
    return ticks, memory, blocks


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
