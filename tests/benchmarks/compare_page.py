"""Compare with 1,000 runs, as its server draws it again: searched, filtered, grouped, at another epoch, as any chart.

A visitor without a browser asks for the same page under one address after another, no two of them the same: what is
kept from one drawing to the next counts as it does for a person, and the answer to a query is never there already.
"""

import asyncio
import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from tests.benchmarks.rows import Row, percentile
from tests.benchmarks.visitors import Visitor
from tests.server import Server

TIMES = 20
GOAL_MS = 500
ALIKE = "all-but-seed"


def compare_rows(server: Server, many: str) -> list[Row]:
    """A row per way to look at the runs."""
    # A thread of its own: Playwright's event loop may run in this one.
    with ThreadPoolExecutor(1) as threads:
        measured = threads.submit(asyncio.run, _ask_all(server)).result()
    return [_row(f"Compare, {what}, {many}", seconds) for what, seconds in measured.items()]


async def _ask_all(server: Server) -> dict[str, list[float]]:
    visitor = Visitor(server.url, "compare")
    await visitor.open()
    try:
        await visitor.look(urlencode({"group_by": ALIKE}))  # reads all curves once
        measured: dict[str, list[float]] = {}
        for number in range(TIMES):
            for what, query in _queries(number):
                measured.setdefault(what, []).append(await visitor.look(urlencode(query)))
        return measured
    finally:
        await visitor.close()


def _queries(number: int) -> Iterator[tuple[str, dict[str, str]]]:
    rate = 0.0005 + 2e-5 * number
    yield "searched", {"text": f"{number}"}
    yield "filtered and sorted", {"where": f"optimizer.learning_rate >= {rate:g}", "sort": "-val_accuracy"}
    yield (
        "grouped by all but the seed",
        {"group_by": ALIKE, "where": f"val_accuracy >= {0.5 + 0.001 * number:g}"},
    )
    yield (
        "grouped by settings",
        {"group_by": "optimizer.name,model.blocks", "where": f"val_accuracy >= {0.4 + 0.001 * number:g}"},
    )
    yield "epoch line moved, grouped", {"group_by": ALIKE, "epoch": str(1 + 9 * number)}
    yield "parallel coordinates", {"show": "parallel", "where": f"val_accuracy >= {0.3 + 0.001 * number:g}"}
    yield (
        "scatter plot",
        {"show": "scatter", "x": "seconds", "where": f"val_accuracy >= {0.2 + 0.001 * number:g}"},
    )


def _row(what: str, seconds: list[float]) -> Row:
    times = [1000 * each for each in seconds]
    slow = percentile(times, 95)
    return Row(
        what, "–", f"p95 ≤ {GOAL_MS} ms", f"p95 {slow:.0f} ms",
        f"p50 {statistics.median(times):.0f} ms, {min(times):.0f} to {max(times):.0f} ms, n = {len(times)}",
        slow <= GOAL_MS,
    )  # fmt: skip
