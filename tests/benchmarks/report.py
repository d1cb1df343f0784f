"""Writes what was measured into `docs/performance.md`, each section between markers of its own."""

import os
import platform
import re
import time
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil

from core.system.devices import Device, list_devices
from tests.benchmarks.rows import Row, Table

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
PACKAGES = ("tensorflow", "keras", "streamlit", "numpy")
MARKS = "<!-- measured: {name} -->\n{text}\n<!-- /measured: {name} -->"


def write_section(name: str, rows: Sequence[Row] | Table, seconds: float, page: Path = PAGE) -> None:
    """Replace the table of one section. The words around it stay as they are.

    Raises:
        LookupError: the page has no such section.
    """
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(f"<!-- measured: {name} -->.*?<!-- /measured: {name} -->", re.DOTALL)
    if not pattern.search(text):
        raise LookupError(f"{page} has no section {name}.")
    block = MARKS.format(name=name, text=f"\n{table(rows)}\n\n{machine(seconds)}\n")
    page.write_text(pattern.sub(lambda found: block, text), encoding="utf-8")


def table(rows: Sequence[Row] | Table) -> str:
    """The rows in Markdown."""
    if isinstance(rows, Table):
        lines = [rows.head, ["---"] * len(rows.head), *rows.lines]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    lines = ["| what | against | goal | measured | spread | met |", "| --- | --- | --- | --- | --- | --- |"]
    words = {True: "yes", False: "**no**", None: "–"}
    lines += [
        f"| {row.what} | {row.against} | {row.goal} | {row.figure} | {row.spread} | {words[row.met]} |"
        for row in rows
    ]
    return "\n".join(lines)


def machine(seconds: float, devices: Sequence[Device] | None = None) -> str:
    """Where and when it was measured, in general terms; `devices` stand for those of this computer."""
    devices = list_devices().devices if devices is None else devices
    gpus = ", ".join(device.name for device in devices if device.kind == "gpu") or "no GPU"
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = os.getloadavg()[0]
    return (
        f"{date.today().isoformat()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, {gpus}, Python "
        f"{platform.python_version()}, {packages}; load {load:.1f} at the end, ten million additions in Python "
        f"{addition_seconds():.2f} s; {seconds:,.0f} s in all."
    )


def addition_seconds(num: int = 10_000_000) -> float:
    """How fast the machine is just then: virtual ones differ by a factor of two from day to day."""
    began, total = time.perf_counter(), 0
    for each in range(num):
        total += each
    return time.perf_counter() - began
