"""A class in three browsers: the teacher's and two students'."""

import re
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page, expect

from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.browser.conftest import PATIENCE_MS, UNFOLD_AT_ONCE
from tests.server import UNHURRIED, Server, running_server

SECRET = "correct-horse-battery-staple"
OPTIONS = ["--server.address", "0.0.0.0", "--browser.serverAddress", "localhost"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A class whose queue stands still: what waits is to be stopped, not trained."""
    workspace = Workspace(tmp_path_factory.mktemp("class") / "workspace").ensure()
    environment = {"CONVDECK_TOKEN": SECRET, "CONVDECK_CLASS": "1"}
    with (
        FileLock(workspace.scheduler_lock),
        running_server(workspace.root, UNHURRIED, options=OPTIONS, environment=environment) as running,
    ):
        yield running


@pytest.fixture
def open_browser(browser: Browser) -> Iterator:
    contexts = []

    def make(width: int = 1280) -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, locale="en-US"))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        contexts[-1].add_init_script(UNFOLD_AT_ONCE)
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


def join(page: Page, address: str, name: str) -> None:
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    field = page.get_by_label("Your name")
    assert re.fullmatch("[A-Z][a-z]+ [A-Z][a-z]+", field.input_value())
    field.fill(name)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text(f"You are {name}.")).to_be_visible()
    assert "join=" not in page.url


def read_code(page: Page) -> str:
    """What a phone's camera makes of the picture on the screen."""
    image = page.get_by_alt_text(re.compile("^QR code of"))
    expect(image).to_be_visible()
    picture = cv2.imdecode(np.frombuffer(image.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return cv2.QRCodeDetector().detectAndDecode(picture)[0]


def test_two_students_join_by_the_code_and_keep_their_runs_apart(server: Server, open_browser) -> None:
    teacher, anna, ben = open_browser(), open_browser(390), open_browser()
    teacher.goto(server.url)
    teacher.get_by_text("I am the teacher").click()
    teacher.get_by_label("Teacher's key").fill(SECRET)
    teacher.get_by_role("button", name="Sign in").click()
    expect(teacher.get_by_text("0 have joined. You are the teacher.")).to_be_visible()
    told = read_code(teacher)
    port, key = re.fullmatch(r"http://[\d.]+:(\d+)/\?join=(\w{4}-\w{4})", told).groups()
    assert int(port) == server.port
    expect(teacher.get_by_text(key, exact=True)).to_be_visible()
    teacher.get_by_role("button", name="Show large").click()
    dialog = teacher.get_by_role("dialog")
    expect(dialog.get_by_text("0 have joined.")).to_be_visible()

    link = f"{server.url}/?join={key}"
    join(anna, link, "Anna")
    expect(dialog.get_by_text("1 has joined.")).to_be_visible()  # by itself
    join(ben, link, "Ben")
    assert SECRET not in anna.content() + ben.content()

    anna.goto(f"{server.url}/design")
    anna.get_by_role("button", name="Start training").click()
    expect(anna.get_by_text(re.compile("· by you"))).to_be_visible()
    with Store(Workspace(server.root)) as store:
        (run,) = store.list_runs()
        assert store.visitors.names()[run.visitor] == "Anna"

        ben.goto(f"{server.url}/runs?run={run.id}")
        expect(ben.get_by_text(re.compile("· by Anna"))).to_be_visible()
        stop = ben.get_by_role("button", name="Stop", exact=True)
        expect(stop).to_be_disabled()
        stop.hover(force=True)
        expect(
            ben.get_by_text("That is Anna's run. Only Anna or the teacher can stop it.").first
        ).to_be_visible()
        assert ben.request.post(f"{server.url}/api/v1/runs/{run.id}/stop").status == 403
        assert store.get_run(run.id).state is RunState.WAITING

        teacher.goto(f"{server.url}/runs?run={run.id}")
        expect(teacher.get_by_text(re.compile("· by Anna"))).to_be_visible()
        teacher.get_by_role("button", name="Stop", exact=True).click()
        expect(teacher.get_by_test_id("stMarkdown").get_by_text("Stopped").first).to_be_visible()
        assert store.get_run(run.id).state is RunState.STOPPED
