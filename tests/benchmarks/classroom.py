"""A class of thirty on `make class`: all join at once, open a lesson, start its run, and watch it train.

They speak Streamlit's protocol over websockets, each with the cookie that it got for the class's key and a name. The
run is a real one, on the same cores.
"""

import asyncio
import re
import statistics
import tempfile
import time
from pathlib import Path

import httpx2
import psutil

from core.datasets.prepare import ensure_dataset
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.benchmarks.rows import Row, percentile
from tests.benchmarks.servers import cpu_seconds, wait_until_warm
from tests.benchmarks.visitors import Visitor
from tests.server import Server, running_server

STUDENTS = 30
OPTIONS = ("--server.address", "0.0.0.0", "--browser.serverAddress", "localhost")
WATCHING_SECONDS = 40.0
PARTS = 4
# Longer than they watch.
RUN = {"preset": "tiny", "set": {"dataset.id": "shapes", "training.epochs": 200}, "reuse": True}
PATIENCE_SECONDS = 120.0


def measure() -> list[Row]:
    """One class, once."""
    environment = {"CONVDECK_CLASS": "1", "CONVDECK_EXAMPLE": "off"}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder).resolve() / "workspace").ensure()
        ensure_dataset(workspace, "shapes")
        with running_server(workspace.root, options=OPTIONS, environment=environment) as server:
            wait_until_warm(server.root)
            return asyncio.run(_lesson(server))


async def _lesson(server: Server) -> list[Row]:
    students = [Student(server, f"Student {number}") for number in range(STUDENTS)]
    joined = await asyncio.gather(*(student.join() for student in students))
    runs = set(await asyncio.gather(*(student.start() for student in students)))
    await asyncio.to_thread(_wait_for_epochs, server)
    opened = await asyncio.gather(*(student.open_run(min(runs)) for student in students))
    process, shares = psutil.Process(server.pid), []
    watching = asyncio.gather(*(student.page.watch(WATCHING_SECONDS) for student in students))
    for _ in range(PARTS):
        began, used = time.perf_counter(), cpu_seconds(process)
        await asyncio.sleep(WATCHING_SECONDS / PARTS)
        shares.append(100 * (cpu_seconds(process) - used) / (time.perf_counter() - began))
    await watching
    ticks = [tick.seconds for student in students for tick in student.page.ticks]
    for student in students:
        await student.leave()
    failures = server.log.read_text().count("Traceback")
    return [
        _seconds(f"{STUDENTS} press Join at once → Home drawn", joined),
        Row(f"runs that train after {STUDENTS} have started the same", "–", "1", str(len(runs)), "", len(runs) == 1),
        _seconds(f"{STUDENTS} open the run at once, which trains → drawn", opened),
        Row(
            f"the server's share of a core, {STUDENTS} watch the training", "–", "–",
            f"{statistics.median(shares):.0f} %",
            f"{min(shares):.0f} to {max(shares):.0f} % in parts of {WATCHING_SECONDS / PARTS:.0f} s", None,
        ),
        _seconds(f"live tick, {len(ticks) / STUDENTS:.0f} for each", ticks),
        Row("tracebacks in the server's log", "–", "0", str(failures), "", failures == 0),
    ]  # fmt: skip


class Student:
    """One browser: a cookie, and a page that is open."""

    def __init__(self, server: Server, name: str) -> None:
        self._server, self._name = server, name
        self._client = httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=PATIENCE_SECONDS)
        self.page = Visitor(server.url, "")

    async def join(self) -> float:
        """Give key and name, and open Home. Returns the seconds."""
        key = re.findall(r"Students .* key (\S+)", self._server.log.read_text())[-1]
        began = time.perf_counter()
        answer = await self._client.post("/", data={"key": key, "name": self._name})
        assert answer.status_code == 303, answer.text
        await self._open("", "")
        return time.perf_counter() - began

    async def start(self) -> str:
        """Start the run that all start. Returns its id."""
        answer = await self._client.post("/api/v1/runs", json=RUN)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    async def open_run(self, run_id: str) -> float:
        """Leave Home for the page of the run. Returns the seconds."""
        began = time.perf_counter()
        await self.page.close()
        await self._open("runs", f"run={run_id}")
        return time.perf_counter() - began

    async def leave(self) -> None:
        """Close the browser."""
        await self.page.close()
        await self._client.aclose()

    async def _open(self, page: str, query: str) -> None:
        cookie = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())
        self.page = Visitor(self._server.url, page, query, cookie=cookie)
        await self.page.open()


def _wait_for_epochs(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with Store(Workspace(server.root)) as store:
        while not any(run.state is RunState.RUNNING and run.epoch for run in store.list_runs()):
            if time.monotonic() > deadline:
                raise TimeoutError("The run of the class has not begun.")
            time.sleep(0.1)


def _seconds(what: str, seconds: list[float]) -> Row:
    return Row(
        what, "–", "–", f"p50 {statistics.median(seconds):.2f} s",
        f"{min(seconds):.2f} to {max(seconds):.2f} s, p95 {percentile(seconds, 95):.2f} s, n = {len(seconds)}", None,
    )  # fmt: skip
