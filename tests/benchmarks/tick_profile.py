"""`python -m tests.benchmarks.tick_profile`: what takes the time in a live tick of the Runs page.

One visitor looks at a run that grows, for a minute and a half. Half of the ticks are timed, half profiled, in
alternation: the profile says which part takes which share, the times how much that is. CPU of the tick's own thread.
"""

import asyncio
import json
import os
import pstats
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.benchmarks.filled_store import fill
from tests.benchmarks.live_run import live_run
from tests.benchmarks.rows import percentile
from tests.benchmarks.visitors import Visitor
from tests.server import running_server

SECONDS = 90.0
EPOCH_SECONDS = 2.3
PROFILED_STREAMLIT = (sys.executable, "-m", "tests.benchmarks.profiled_server")
# The first that a file's path contains says where a function belongs. Python's own and C functions belong to their
# callers.
PARTS = {
    "/core/runs/diagnosis": "verdict and mends",
    "/core/verdicts": "verdict and mends",
    "/core/mend": "verdict and mends",
    "/core/": "reading the store and the data set",
    "/pages/": "pages: what is drawn, and as what",
    "/app.py": "pages: what is drawn, and as what",
    "/streamlit/": "Streamlit",
    "/google/": "Streamlit",
    "/pandas/": "tables: pandas, numpy, pyarrow",
    "/numpy/": "tables: pandas, numpy, pyarrow",
    "/pyarrow/": "tables: pandas, numpy, pyarrow",
}
REST = "the rest of Python"

Function = tuple[str, int, str]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profile"
        os.environ.update(
            CONVDECK_EXAMPLE="off", CONVDECK_STANDBY="off", PROFILE_RUNS="fragments", PROFILE_FILE=str(file)
        )
        workspace = fill(Path(folder).resolve() / "workspace", runs=250, epochs=20)
        with (
            live_run(workspace.root, EPOCH_SECONDS) as run,
            running_server(workspace.root, PROFILED_STREAMLIT) as server,
        ):
            asyncio.run(_watch(Visitor(server.url, "runs", f"run={run.id}")))
        parts = _by_part(pstats.Stats(str(file)).stats)  # type: ignore[attr-defined]
        known = json.loads(file.with_suffix(".json").read_text())
    mean, total = statistics.fmean(known["times"]), sum(parts.values())
    print("| | ms of CPU a tick |\n| --- | --- |")
    for name, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"| {name} | {mean * seconds / total:.1f} |")
    print(f"| a tick, mean of {len(known['times'])} | {mean:.1f} |")
    print(
        f"| median; 95 of 100 | {statistics.median(known['times']):.1f}; {percentile(known['times'], 95):.1f} |"
    )


async def _watch(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.watch(SECONDS)
    await visitor.close()


def _by_part(stats: dict[Function, Any]) -> dict[str, float]:
    """Seconds of each part: a function's own time, given to its callers where it is nobody's."""
    parts: defaultdict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in stats.items():
        if part := _part(function):
            parts[part] += own
            continue
        for caller, (_, _, own_from_there, _) in callers.items():
            parts[_part(caller) or REST] += own_from_there
    return dict(parts)


def _part(function: Function) -> str:
    return next((part for piece, part in PARTS.items() if piece in function[0]), "")


if __name__ == "__main__":
    main()
