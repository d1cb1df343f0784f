"""Debian's Chromium, driven by Playwright."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from core.workspace import Workspace
from tests.server import Server, end_processes, running_server

# The default of 5 seconds is short where two cores train, draw and browse at once.
PATIENCE_MS = 90_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    # A camera that shows a test picture, and a person who allows it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


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


@pytest.fixture(scope="module")
def warm_workers() -> Iterator[None]:
    """A worker takes run after run, as it does for people. For files with several: each would load TensorFlow else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CONVDECK_STANDBY")
        yield


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Server]:
    """The dashboard on a free port, for the tests of a file: a start and its engine take ten seconds of a processor."""
    with running_server(workspace.root) as running:
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


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: console errors, uncaught exceptions, requests to other machines.

    The `page` fixture fails a test that leaves any. One that takes the server away clears the list afterwards.
    """
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """A fresh tab of 1280 by 900 pixels, with nothing remembered."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not is_probe(message):
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
    tab = context.new_page()
    tab.on("console", on_console)
    tab.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    context.on("request", on_request)
    yield tab
    # Closing aborts what is under way, which is nothing that the test did.
    left = list(complaints)
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
