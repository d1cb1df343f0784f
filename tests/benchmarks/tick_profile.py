"""`python -m tests.benchmarks.tick_profile`: what takes the time in the ticks of the Runs page.

One visitor looks at a run that grows, for a minute and a half. Half of the ticks are timed, half profiled, in
alternation: the profile says which part takes which share, the times how much that is. CPU of the tick's own thread;
what leaves by the connection is the work of another one, and a line of its own.
"""

import asyncio
import functools
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
STORE, DATA_SET, VERDICT = (
    "reading the store",
    "reading the data set's description",
    "verdict, suggestions, facts",
)
CHARTS, PAGES = "building charts and tables", "pages: deciding what to draw"
MESSAGES, STREAMLIT = "charts and tables into messages", "Streamlit's own"
CACHE, REST = "Streamlit's cache", "the rest of Python"
# The first that a file's path contains says where a function belongs. What none fits, Python's own and pandas, belongs
# to whoever called it.
PARTS = {
    "/core/analysis/curves": CHARTS,
    "/core/analysis/": VERDICT,
    "/core/runs/verdicts": VERDICT,
    "/core/notebook/": VERDICT,
    "/core/datasets/": DATA_SET,
    "/core/runs/breakdown": DATA_SET,
    "/core/runs/": STORE,
    "/core/store/": STORE,
    "/core/scheduling/": STORE,
    "/core/system/devices": STORE,
    "/core/system/processes": STORE,
    "/pages/components/charts/": CHARTS,
    "/pages/components/runs/table": CHARTS,
    "/pages/": PAGES,
    "/app.py": PAGES,
    "/streamlit/elements/vega_charts": MESSAGES,
    "/streamlit/elements/arrow": MESSAGES,
    "/streamlit/dataframe_util": MESSAGES,
    "/streamlit/runtime/forward_msg_cache": MESSAGES,
    "/streamlit/runtime/caching": CACHE,
    "/streamlit/": STREAMLIT,
}
# A function that one of the fragments alone calls.
FRAGMENTS = {
    "curves": ("/pages/components/runs/live.py", "_draw"),
    "table of runs": ("/pages/components/runs/table.py", "_draw"),
    "facts": ("/pages/components/notebook/note_form.py", "_render_facts"),
}

Function = tuple[str, int, str]
Stats = dict[Function, Any]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        profiles = Path(folder) / "profiles"
        profiles.mkdir()
        settings = {"CONVDECK_EXAMPLE": "off", "CONVDECK_STANDBY": "off", "PROFILE_RUNS": "fragments"}
        os.environ.update(settings, PROFILE_FOLDER=str(profiles))
        workspace = fill(Path(folder).resolve() / "workspace", runs=250, epochs=20)
        with (
            live_run(workspace.root, EPOCH_SECONDS) as run,
            running_server(workspace.root, PROFILED_STREAMLIT) as server,
        ):
            asyncio.run(_watch(Visitor(server.url, "runs", f"run={run.id}")))
        columns = {}
        for file in profiles.glob("*.json"):
            stats: Stats = pstats.Stats(str(file.with_suffix(""))).stats  # type: ignore[attr-defined]
            columns[_fragment(stats)] = _column(stats, json.loads(file.read_text()))
    names = [name for name in FRAGMENTS if name in columns]
    print(f"| ms of CPU a tick | {' | '.join(names)} |\n| --- |{' --- |' * len(names)}")
    for line in columns[names[0]]:
        print(f"| {line} | {' | '.join(columns[name][line] for name in names)} |")


async def _watch(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.watch(SECONDS)
    await visitor.close()


def _fragment(stats: Stats) -> str:
    for name, (piece, function) in FRAGMENTS.items():
        if any(piece in path and own == function for path, _, own in stats):
            return name
    raise LookupError("A fragment that is not known here was drawn.")


def _column(stats: Stats, known: dict[str, list[float]]) -> dict[str, str]:
    parts, mean = _by_part(stats), statistics.fmean(known["times"])
    total = sum(parts.values())
    sending = statistics.fmean(known["sending"])
    lines = {
        name: f"{mean * parts.get(name, 0.0) / total:.2f}" for name in dict.fromkeys([*PARTS.values(), REST])
    }
    lines["the tick's thread, mean"] = f"{mean:.1f}"
    lines["median; 95 of 100; n"] = (
        f"{statistics.median(known['times']):.1f}; {percentile(known['times'], 95):.1f}; {len(known['times'])}"
    )
    return {**lines, "the connection's thread: messages serialised and sent, mean": f"{sending:.1f}"}


def _by_part(stats: Stats) -> dict[str, float]:
    """Seconds of each part: a function's own time, given to its callers' parts where it belongs to none.

    By the callers' shares of its calls' time, as gprof does (Graham, Kessler and McKusick, 1982).
    """

    @functools.cache
    def shares(function: Function) -> dict[str, float]:
        if part := _part(function):
            return {part: 1.0}
        callers = {name: numbers[3] for name, numbers in stats[function][4].items() if name not in walking}
        whole = sum(callers.values())
        if not whole:
            return {REST: 1.0}
        walking.add(function)
        found: defaultdict[str, float] = defaultdict(float)
        for caller, seconds in callers.items():
            for part, share in shares(caller).items():
                found[part] += share * seconds / whole
        walking.discard(function)
        return dict(found)

    walking: set[Function] = set()  # what calls itself is not its own caller
    parts: defaultdict[str, float] = defaultdict(float)
    for function, (_, _, own, _, _) in stats.items():
        for part, share in shares(function).items():
            parts[part] += own * share
    return dict(parts)


def _part(function: Function) -> str:
    # Other packages have folders of these names too, pandas a `core`.
    if "site-packages" in function[0] and "/streamlit/" not in function[0]:
        return ""
    return next((part for piece, part in PARTS.items() if piece in function[0]), "")


if __name__ == "__main__":
    main()
