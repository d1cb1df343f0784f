"""Debian's Chromium, driven by Playwright."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from core.errors import ConvDeckError
from core.scheduling.service import ensure_scheduler
from core.store.records import Run
from core.store.store import Store
from core.studies.start import stop_study
from core.sweeps.control import stop_sweep
from core.system.processes import is_alive, signal_group
from core.workspace import Workspace
from tests.server import STREAMLIT, UNHURRIED, Server, end_processes, running_server

# The default of 5 seconds is short where two cores train, draw and browse at once.
PATIENCE_MS = 90_000
END_SECONDS = 60.0
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    # A camera that shows a test picture, and a person who allows it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
# A fold takes half a second to grow. Playwright takes a button in it that is not uncovered yet for one at rest, and
# scrolls the fold's own, hidden overflow to reach it. As the fold grows on, that is undone, and the button moves down
# under the pointer: pressed on it and let go beside it is no click, without any error. People cannot scroll there.
# A fold that the page itself opens, and scrolls to, grows as it does for people.
UNFOLD_AT_ONCE = """
let clicked = null
addEventListener("click", event => { clicked = event.target.closest?.("details") ?? null }, true)
const animate = Element.prototype.animate
Element.prototype.animate = function (...how) {
  const animation = animate.apply(this, how)
  const [from, to] = (how[0]?.height ?? []).map(parseFloat)
  if (this === clicked && to > from) animation.finish()
  return animation
}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives the browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One for the tests of a file, as the server is; a test that needs an empty one makes it."""
    root = (tmp_path_factory.mktemp("browser") / "workspace").resolve()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(root))
        yield Workspace(root).ensure()
    end_processes(root)


@pytest.fixture(autouse=True)
def nothing_trains_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """The next test's run would wait behind one that is still at work: above all that of a test that has failed."""
    workspace = request.getfixturevalue("workspace") if "workspace" in request.fixturenames else None
    yield
    if workspace is not None:
        end_runs(workspace)


def end_runs(workspace: Workspace) -> None:
    """Stop all studies, sweeps and runs, end their workers, and wait until the store says so. The server lives on."""
    deadline = time.monotonic() + END_SECONDS
    with Store(workspace) as store:
        # Each may end by itself meanwhile.
        with contextlib.suppress(ConvDeckError):
            for study in store.studies.list_studies():
                if study.adds_seeds:
                    stop_study(workspace, study.id)
        with contextlib.suppress(ConvDeckError):
            for sweep in store.sweeps.list_sweeps():
                if not sweep.state.is_finished:
                    stop_sweep(workspace, sweep.id)
        while unfinished := [run for run in store.list_runs() if not run.state.is_finished]:
            assert time.monotonic() < deadline, f"{[run.name for run in unfinished]} do not end"
            for run in reversed(unfinished):
                end_run(store, run)
            ensure_scheduler(workspace)  # which sees that a process is gone
            time.sleep(0.1)


def end_run(store: Store, run: Run) -> None:
    """Stop it, and end its process at once: it may load TensorFlow still."""
    with contextlib.suppress(ConvDeckError):
        store.request_stop(run.id)
    if run.pid is not None and run.pid_started is not None and is_alive(run.pid, run.pid_started):
        signal_group(run.pid, "kill")


@pytest.fixture(scope="module")
def warm_workers() -> Iterator[None]:
    """A worker takes run after run, as it does for people. For files with several: each would load TensorFlow else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CONVDECK_STANDBY")
        yield


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Server]:
    """The dashboard on a free port, for the tests of a file: a start and its engine take ten seconds of a processor.

    Its engine starts with the first question. With `warm_workers` it starts by itself, as a standby worker follows it.
    """
    is_warm = "CONVDECK_STANDBY" not in os.environ
    with running_server(workspace.root, STREAMLIT if is_warm else UNHURRIED) as running:
        yield running


# Not session: Playwright's event loop keeps running in this thread, where other tests may need one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; skips without it, or fails where CONVDECK_REQUIRE_BROWSER is set."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        reason = "Chromium is not installed: apt install chromium"
        if os.environ.get("CONVDECK_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


def is_probe(message: ConsoleMessage) -> bool:
    """On a deep link such as /runs, Streamlit asks /runs/_stcore/health first, gets a 404 and asks at the root."""
    path = urlsplit(message.location["url"]).path
    return path.endswith(("/_stcore/health", "/_stcore/host-config")) and "404" in message.text


def is_missing_picture(message: ConsoleMessage) -> bool:
    """Streamlit forgets a picture once the page is drawn without it, be it that the browser was just asking for it."""
    return urlsplit(message.location["url"]).path.startswith("/media/") and "404" in message.text


def shown_pictures(tab: Page) -> set[str]:
    """The addresses of all pictures on the page."""
    return set() if tab.is_closed() else set(tab.evaluate("[...document.images].map(each => each.src)"))


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: console errors, uncaught exceptions, requests to other machines.

    The `page` fixture fails a test that leaves any. One that takes the server away clears the list afterwards.
    """
    return []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Put the words that stand on the page into the report of a test that failed."""
    report = yield
    tab = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and isinstance(tab, Page):
        with contextlib.suppress(PlaywrightError):
            report.sections.append((f"On {tab.url}", tab.inner_text("body", timeout=5000)[:4000]))
    return report


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """A fresh tab of 1280 by 900 pixels, with nothing remembered."""

    missing: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and is_missing_picture(message):
            missing.append(message.location["url"])
        elif message.type == "error" and not is_probe(message):
            complaints.append(f"console: {message.text} ({message.location['url']})")

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in (
            "127.0.0.1",
            "localhost",
        ):
            complaints.append(f"request to another machine: {request.url}")

    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(UNFOLD_AT_ONCE)
    tab = context.new_page()
    tab.on("console", on_console)
    tab.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    context.on("request", on_request)
    yield tab
    # Closing aborts what is under way, which is nothing that the test did.
    shown = shown_pictures(tab) if missing else set()
    left = [*complaints, *(f"a picture is missing: {url}" for url in missing if url in shown)]
    context.close()
    assert left == []


@pytest.fixture
def process() -> Iterator[subprocess.Popen]:
    """What the scheduler may take for a worker."""
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    yield process
    process.kill()
    process.communicate()
