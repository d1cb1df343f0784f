"""Names and texts of people in the browser: shown character by character, whatever they hold, on every page."""

import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.datasets.storage import Dataset
from core.design.presets import PRESETS
from core.runs.start import start_experiment
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.core.conftest import own_data
from tests.core.studies.ended import end, spec
from tests.hostile import NAMES
from tests.server import UNHURRIED, Server, running_server

LONG_MS = 300_000
LONG_SECONDS = LONG_MS / 1000
EVERY_LABEL = Path(__file__).with_name("every_label.py")

# What no name may become. The icon is one that no page uses.
INTERPRETED = {
    "an address that can be followed": 'a[href*="evil"], a[href^="mailto:"]',
    "mathematics": ".katex",
    "an icon": '[aria-label="bug_report icon"]',
    "a picture": 'img[src="x"], img[src*="evil"], img[alt="Streamlit logo"]',
    "a heading or a list": '[data-testid="stMarkdownContainer"] :is(ol, ul, blockquote, table, hr, pre, code)',
}


def visible_text(page: Page, selector: str = "body") -> str:
    """All that can be read, without the difference between spaces."""
    return " ".join(page.locator(selector).first.inner_text().split())


def audit(page: Page, names: Iterable[str], place: str, allow: Iterable[str] = ()) -> None:
    """Each name stands there as it is, and nothing was made of any."""
    expected, deadline = list(names), time.monotonic() + LONG_SECONDS
    # A page is drawn piece by piece.
    while missing := [name for name in expected if name not in visible_text(page)]:
        assert time.monotonic() < deadline, f"{place}: {missing}"
        page.wait_for_timeout(200)
    for what, selector in INTERPRETED.items():
        if what not in allow:
            assert page.locator(selector).count() == 0, f"{place}: a name became {what}"


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("labels") / "workspace"
    with running_server(root, (sys.executable, str(EVERY_LABEL))) as running:
        yield running


def test_every_kind_of_label_shows_a_name_as_it_is(labels, page: Page) -> None:
    page.goto(labels.url)
    expect(page.get_by_text("The end")).to_be_visible()
    # The browser fetches each kind of element when it meets the first one.
    expect(page.get_by_role("radio")).to_have_count(2 * len(NAMES))
    expect(page.get_by_test_id("stMetric")).to_have_count(len(NAMES))
    expect(page.get_by_test_id("stMultiSelect")).to_have_count(len(NAMES))
    for number, name in enumerate(NAMES):
        place = page.locator(f".st-key-n{number}-markdown")
        text = visible_text(page, f".st-key-n{number}-markdown")
        assert text.count(name) == 17, (name, text)
        assert place.locator("a, b, i, em, del, sup, ul, ol, pre, blockquote, hr, img, code").count() == 0, (
            name
        )
        assert place.locator("[data-testid=stMarkdownContainer] [role=img]").count() == 0, name
    plain = page.locator(".st-key-plain")
    expect(plain.get_by_role("combobox").first).to_be_visible()
    values = [box.input_value() for box in plain.locator('[data-testid="stSelectbox"] input').all()]
    assert values == list(NAMES)
    audit(page, NAMES, "labels")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which everything that people name has hostile names; processes are those of `dashboard`."""
    workspace = Workspace((tmp_path_factory.mktemp("named") / "workspace").resolve()).ensure()
    own_data(workspace, "hostile", NAMES, count=4 * len(NAMES))
    rename_dataset(workspace, NAMES[0])
    with Store(workspace) as store:
        for name in NAMES:
            end(store, store.queue_run(RunRequest(PRESETS["tiny"].config, name)))
        runs = store.list_runs()[::-1]
        for name, run in zip(NAMES, runs, strict=True):
            store.notes.write([run.id], outcome=f"{name}\n{name}")
            store.studies.create("seeds", name, spec().to_json(), [])
    return workspace


def rename_dataset(workspace: Workspace, title: str) -> Dataset:
    import json

    from core.datasets.storage import load_dataset

    path = workspace.datasets / "hostile" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"title": title, "description": title}))
    return load_dataset(workspace, "hostile")


@pytest.fixture(scope="module")
def dashboard(named: Workspace) -> Iterator[Server]:
    with running_server(named.root, UNHURRIED) as running:
        yield running


@pytest.fixture(scope="module")
def trained(named: Workspace, dashboard: Server, wait_for) -> Run:
    """A run of the server's own scheduler on classes with hostile names."""
    values = {"dataset.id": "hostile", "training.epochs": 1, "dataset.label_noise": 0.2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(named.root))
        run = start_experiment(named, RunRequest(PRESETS["tiny"].config.with_values(values), NAMES[4]))
    with Store(named) as store:
        done = lambda: store.get_run(run.id).state.is_finished  # noqa: E731
        wait_for(done, LONG_SECONDS, "the training")
        found = store.get_run(run.id)
    assert found.state is RunState.FINISHED, found.error
    return found


def ids(named: Workspace) -> list[str]:
    with Store(named) as store:
        return [run.id for run in store.list_runs()]


def test_runs(dashboard, named, page: Page) -> None:
    page.goto(f"{dashboard.url}/runs?run={','.join(ids(named)[: len(NAMES)])}")
    expect(page.get_by_text("What differs").first).to_be_visible()
    expect(page.get_by_text("Nothing: these runs have the same").first).to_be_visible(timeout=LONG_MS)
    audit(page, NAMES, "runs")
    cells = page.get_by_test_id("stDataFrame").first.locator('[role="gridcell"]')
    expect(cells.first).to_be_attached()
    assert set(cells.all_text_contents()) >= set(NAMES[-5:])
    # The table's own CSV would have `=cmd|…` as it is.
    page.get_by_test_id("stDataFrame").first.hover()
    expect(page.get_by_test_id("stElementToolbarButton").first).to_be_visible()
    assert page.get_by_role("button", name=re.compile("download as csv", re.IGNORECASE)).count() == 0
    page.get_by_role("button", name=f"Delete {len(NAMES)}", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("can be restored").first).to_be_visible()
    # The dialog lists them.
    audit(page, NAMES, "runs, dialog", allow=["a heading or a list"])


@pytest.mark.parametrize("number", [0, 4, 11])
def test_one_run(dashboard, named, page: Page, number: int) -> None:
    with Store(named) as store:
        run = next(run for run in store.list_runs() if run.name == NAMES[number])
    page.goto(f"{dashboard.url}/runs?run={run.id}")
    expect(page.get_by_role("heading", name=NAMES[number], exact=True)).to_be_visible()
    expect(page.get_by_text("Settings", exact=True).first).to_be_visible()
    audit(page, [NAMES[number]], "run")


def test_a_trained_run(dashboard, trained, page: Page) -> None:
    page.goto(f"{dashboard.url}/runs?run={trained.id}")
    expect(page.get_by_role("heading", name=trained.name, exact=True)).to_be_visible()
    for tab in ("Classes", "Pictures", "Labels"):
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(page.get_by_role("tab", name=tab, exact=True, selected=True)).to_be_visible()
        audit(page, [trained.name], f"run, {tab}")


def test_classify(dashboard, trained, page: Page) -> None:
    page.goto(f"{dashboard.url}/classify?run={trained.id}")
    page.get_by_role("button", name="Try sample pictures").click()
    expect(page.get_by_text("never trained on").first).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_test_id("stProgress").nth(20)).to_be_visible(timeout=LONG_MS)
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(
        [
            {"name": f"{name.replace('/', '_')}.png", "mimeType": "image/png", "buffer": b"no picture"}
            for name in NAMES[:8]
        ]
    )
    expect(page.get_by_test_id("stAlert").nth(7)).to_be_visible(timeout=LONG_MS)
    audit(page, [trained.name], "classify")


def test_augment(dashboard, trained, page: Page) -> None:
    for view, there in (("variants", "stImage"), ("batch", "stImage"), ("sweep", "stVegaLiteChart")):
        page.goto(f"{dashboard.url}/augment?view={view}&run={trained.id}")
        expect(page.get_by_test_id(there).first).to_be_visible(timeout=LONG_MS)
        audit(page, [], f"augment, {view}", allow=["a heading or a list"])


def test_datasets_and_design(dashboard, named, page: Page) -> None:
    page.goto(f"{dashboard.url}/datasets")
    expect(page.get_by_label("Data set", exact=True)).to_have_value(NAMES[0])
    # The captions above pictures are in a part of the page of their own, whose text is not the body's.
    for name in NAMES[:10]:
        expect(page.get_by_text(f"{name}: 4", exact=True)).to_be_visible()
    audit(page, NAMES[:1], "data sets", allow=["a heading or a list"])
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_role("dialog").get_by_text("This deletes").first).to_be_visible()
    audit(page, NAMES[:1], "data sets, dialog", allow=["a heading or a list"])
    page.goto(f"{dashboard.url}/design?preset=tiny")
    box = page.get_by_label("Data set", exact=True).first
    box.click()
    box.press("ArrowDown")
    expect(page.get_by_role("option", name=NAMES[0], exact=True)).to_be_visible()


def test_studies(dashboard, named, page: Page) -> None:
    with Store(named) as store:
        studies = store.studies.list_studies()
    page.goto(f"{dashboard.url}/studies?study={studies[0].id}")
    expect(page.get_by_role("heading", name=studies[0].name, exact=True)).to_be_visible()
    expect(page.get_by_text(studies[7].name).first).to_be_visible()
    # The page explains its calculations with formulas and lists of its own.
    own = ["a heading or a list", "mathematics"]
    audit(page, [study.name for study in studies[:8]], "studies", own)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("Its runs stay").first).to_be_visible()
    audit(page, [studies[0].name], "studies, dialog", own)


def test_notebook(dashboard, named, page: Page) -> None:
    page.goto(f"{dashboard.url}/notebook")
    for start in range(0, len(NAMES), 4):
        shown = NAMES[::-1][start : start + 4]
        if start:
            page.get_by_role("button", name=f"Page {start // 4 + 1}", exact=True).click()
        for name in shown:
            expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        audit(page, [*shown, *(f"{name} {name}" for name in shown)], f"notebook, {start}")
        if start == 4:
            break
    page.get_by_role("button", name="Delete", exact=True).first.click()
    expect(page.get_by_role("dialog").get_by_text("The runs stay").first).to_be_visible()
    audit(page, [], "notebook, dialog")


def test_home_and_system(dashboard, named, page: Page) -> None:
    page.goto(dashboard.url)
    expect(page.get_by_text("Last results").first).to_be_visible()
    with Store(named) as store:
        names = [run.name for run in store.standalone_results(5)]
    audit(page, names, "home", allow=["a heading or a list"])
    page.goto(f"{dashboard.url}/system")
    expect(page.get_by_text("Versions").first).to_be_visible()
    audit(page, [], "system", allow=["a heading or a list"])
