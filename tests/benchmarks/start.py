"""From the click on “Start training” to the first point on the chart, with a worker that waits and without."""

import itertools
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from playwright.sync_api import Browser

from core.scheduling.service import is_served
from core.store.store import Store
from core.workspace import Workspace
from tests.benchmarks.browsing import chromium, new_tab, seconds_to_open
from tests.benchmarks.rows import Row, Spread, alternate
from tests.benchmarks.servers import has_loaded, shapes_server, wait_until, wait_until_quiet
from tests.server import Server

PRESET = "overfit"
POINT = '[data-testid="stVegaLiteChart"] svg.marks .mark-symbol path'
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 45.0
TRIES = 3
WARM_SECONDS, COLD_SECONDS = 4.0, 12.0
PARTS = (
    "click → queued",
    "queued → its process is at work",
    "TensorFlow loaded, network built",
    "first epoch, measured and stored",
    "stored → on the chart",
)


@dataclass(frozen=True)
class Moments:
    """Unix times of what happens one after the other."""

    clicked: float
    queued: float
    at_work: float
    training: float
    stored: float
    drawn: float

    @property
    def parts(self) -> list[float]:
        times = astuple(self)
        return [later - earlier for earlier, later in itertools.pairwise(times)]


class Start:
    """Starts one run after the other on a server, each from the same state."""

    def __init__(self, server: Server, browser: Browser, *, waits: bool) -> None:
        self._server = server
        self._workspace = Workspace(server.root)
        self._store = Store(self._workspace)
        self._page = new_tab(browser)
        self._waits = waits
        self.moments: list[Moments] = []
        self.clicks = 0

    def measure(self) -> float:
        """Seconds of one start; its moments are kept. One after which no point came is counted and made again."""
        for _ in range(TRIES):
            self.clicks += 1
            moments = self._start()
            if moments is not None:
                self.moments.append(moments)
                return moments.drawn - moments.clicked
        raise TimeoutError(f"No point was drawn within {PATIENCE_SECONDS:g} s, {TRIES} times in a row.")

    def _start(self) -> Moments | None:
        seconds_to_open(self._page, f"{self._server.url}/design?preset={PRESET}", "Design")
        self._settle()
        known = {run.id for run in self._store.list_runs()}
        clicked = time.time()
        self._page.get_by_role("button", name="Start training").click()
        run_id, stored, drawn = "", 0.0, 0.0
        while not drawn and time.time() - clicked < PATIENCE_SECONDS:
            time.sleep(LOOK_SECONDS)
            if not run_id:
                run_id = next((run.id for run in self._store.list_runs(1) if run.id not in known), "")
            elif not stored:
                stored = time.time() if self._store.get_run(run_id).epoch else 0.0
            elif self._page.locator(POINT).count():
                drawn = time.time()
        if not run_id:
            return None
        run = self._store.get_run(run_id)
        if not run.state.is_finished:
            self._store.request_stop(run_id)
        if not drawn or run.started_at is None:
            return None
        at_work = self._store.log(run_id)[0].time
        return Moments(clicked, run.created_at, at_work, run.started_at, stored, drawn)

    def _settle(self) -> None:
        wait_until(lambda: not self._store.has_work(), "the last run to end")
        if self._waits:
            wait_until(lambda: has_loaded(self._server.root, "core.worker.standby"), "a worker that waits")
        else:
            wait_until(lambda: not is_served(self._workspace), "the scheduler to leave")
        wait_until_quiet(self._server.root)


def measure() -> list[Row]:
    """The two starts in alternation, then their parts."""
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        shapes_server(Path(folder) / "warm") as warm_server,
        shapes_server(
            Path(folder) / "cold", CONVDECK_STANDBY="off", CONVDECK_SCHEDULER_IDLE_SECONDS="0.2"
        ) as cold_server,
    ):
        warm = Start(warm_server, browser, waits=True)
        cold = Start(cold_server, browser, waits=False)
        measured = alternate({"warm": warm.measure, "cold": cold.measure})
    rows = []
    for name, what, most in (
        ("warm", "click → first point, standby worker ready", WARM_SECONDS),
        ("cold", "click → first point, neither worker nor scheduler", COLD_SECONDS),
    ):
        total = Spread.of(measured[name])
        rows.append(
            Row(what, "–", f"≤ {most:g} s", total.figure(" s"), total.range(" s"), total.median <= most)
        )
    for number, part in enumerate(PARTS):
        own = [_part(start.moments[1:], number) for start in (warm, cold)]
        rows.append(
            Row(
                f"of these: {part}",
                "standby; neither",
                "–",
                "; ".join(each.figure(" s", 2) for each in own),
                "; ".join(each.range(" s", 2) for each in own),
                None,
            )
        )
    clicks = warm.clicks + cold.clicks
    lost = clicks - len(warm.moments) - len(cold.moments)
    rows.append(
        Row("starts after which no point came at all", "–", "0", f"{lost} of {clicks}", "–", not lost)
    )
    return rows


def _part(moments: list[Moments], number: int) -> Spread:
    return Spread.of([each.parts[number] for each in moments])
