"""From the command to a healthy answer and to the first page in Chromium, beside `streamlit hello`."""

import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser

from core.workspace import PROJECT_ROOT
from tests.benchmarks.browsing import chromium, seconds_to_open, tab
from tests.benchmarks.rows import Row, Spread, alternate, ratios
from tests.server import end_processes, free_port

ROUNDS = 7
MOST_SECONDS = 60.0
GOAL = 1.5
# What hello's first page has not: something drawn by Vega.
CHART = """
import streamlit as st

st.title("One chart")
st.line_chart({"one": [1, 2, 4, 8], "other": [8, 4, 2, 1]})
"""


@dataclass(frozen=True)
class Candidate:
    """A command that starts a server on the port put behind it, the folder it is given in, its first page's heading."""

    command: tuple[str, ...]
    folder: Path
    heading: str


def measure() -> list[Row]:
    """Healthy; first page drawn; and that beside a script with a chart.

    In a workspace that was used before, with Chromium running already.
    """
    streamlit = (sys.executable, "-m", "streamlit")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        root = Path(folder).resolve() / "workspace"
        ours = Candidate((*streamlit, "run", "app.py"), PROJECT_ROOT, "See how a network learns")
        # With the settings that ConvDeck has in its file, those of the look apart.
        settings = tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text())
        hello = Candidate(
            (*streamlit, "hello", *_options(settings)),
            Path(folder),
            "Welcome to Streamlit",
        )
        (Path(folder) / "chart.py").write_text(CHART)
        chart = Candidate((*streamlit, "run", "chart.py", *_options(settings)), Path(folder), "One chart")
        healthy: dict[str, list[float]] = {"ours": [], "hello": [], "chart": []}
        try:
            drawn = alternate(
                {
                    "ours": partial(_start, ours, browser, root, healthy["ours"]),
                    "hello": partial(_start, hello, browser, root, healthy["hello"]),
                    "chart": partial(_start, chart, browser, root, healthy["chart"]),
                },
                ROUNDS,
            )
        finally:
            end_processes(root)
    # The first of each was a warm-up, which also brings the example into the workspace.
    healthy = {name: times[1:] for name, times in healthy.items()}
    return [
        _row("command → healthy", healthy),
        _row("command → first page drawn in Chromium", drawn),
        _row_beside_chart("command → first page drawn in Chromium", drawn),
    ]


def _options(settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """As options of the command line."""
    options = []
    for section in ("server", "browser", "client", "runner"):
        for name, value in settings[section].items():
            values = value if isinstance(value, list) else [value]
            for each in values:
                options += [f"--{section}.{name}", str(each).lower() if isinstance(each, bool) else str(each)]
    return options


def _start(candidate: Candidate, browser: Browser, root: Path, healthy: list[float]) -> float:
    """Seconds from the command to the first page; those to the healthy answer are appended to `healthy`."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*candidate.command, "--server.port", str(port)], cwd=candidate.folder,
        env={**os.environ, "CONVDECK_HOME": str(root)}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with httpx2.Client(trust_env=False, timeout=5) as client:
            while not _is_healthy(client, port):
                if process.poll() is not None or time.perf_counter() - began > MOST_SECONDS:
                    raise RuntimeError(f"{' '.join(candidate.command)} did not become healthy.")
                time.sleep(0.02)
        healthy.append(time.perf_counter() - began)
        with tab(browser) as page:
            seconds_to_open(page, f"http://127.0.0.1:{port}", candidate.heading)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(30)
        end_processes(root)


def _is_healthy(client: httpx2.Client, port: int) -> bool:
    try:
        return client.get(f"http://127.0.0.1:{port}/_stcore/health").status_code == 200
    except httpx2.TransportError:
        return False


def _row_beside_chart(what: str, seconds: dict[str, list[float]]) -> Row:
    spread, other = Spread.of(ratios(seconds["ours"], seconds["chart"])), Spread.of(seconds["chart"])
    return Row(
        what,
        f"a script with one `st.line_chart`: {other.figure(' s', 2)} ({other.range(' s', 2)})",
        "–",
        spread.figure("×", 2),
        spread.range("×", 2),
        None,
    )


def _row(what: str, seconds: dict[str, list[float]]) -> Row:
    spread = Spread.of(ratios(seconds["ours"], seconds["hello"]))
    own, other = Spread.of(seconds["ours"]), Spread.of(seconds["hello"])
    return Row(
        what,
        f"`streamlit hello`: {other.figure(' s', 2)} ({other.range(' s', 2)})",
        f"≤ {GOAL}×",
        f"{spread.figure('×', 2)}: {own.figure(' s', 2)}",
        f"{spread.range('×', 2)}; {own.range(' s', 2)}",
        spread.median <= GOAL,
    )
