"""A sweep as a person does it: from Design over its trials, really trained, to the confirmed winner and back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from core.store.states import SweepState, TrialState
from core.store.store import Store
from core.workspace import Workspace
from tests.pages.sweeps import searched
from tests.server import UNHURRIED, Server, running_server

pytestmark = pytest.mark.usefixtures("warm_workers")

LONG_MS = 900_000  # a few short runs, where other work may share the machine
HISTORY = '[data-testid="stVegaLiteChart"] svg.marks'
PLOT = ".js-plotly-plot"


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


def fill(page: Page, label: str, value: str) -> None:
    """The field whose label begins so: its help has the label too."""
    field = page.locator(f'input[aria-label^="{label}"]').locator("visible=true").first
    field.fill(value)
    field.press("Enter")


def choose(page: Page, field: str, option: str) -> None:
    page.get_by_role("combobox", name=field).first.click()
    page.get_by_role("option", name=option, exact=True).first.click()


def test_two_settings_from_design_to_the_confirmed_winner(server, store, page: Page) -> None:
    before = {sweep.id for sweep in store.sweeps.list_sweeps()}
    page.goto(f"{server.url}/design?preset=tiny")
    page.get_by_role("link", name="Search settings in a sweep").first.click()
    choose(page, "Search a setting", "Learning rate")
    choose(page, "Search another setting", "Batch size")
    fill(page, "Values, separated by commas", "16, 32")
    fill(page, "Epochs", "1")
    fill(page, "Training pictures", "60")
    fill(page, "Trials", "2")
    start = page.get_by_role("button", name="Start 2 trials")
    expect(start).to_be_enabled()
    # Nothing was measured yet: a time would be a guess.
    expect(page.get_by_test_id("stMetricValue").filter(has_text="unknown")).to_be_visible()
    start.dblclick()
    expect(page).to_have_url(re.compile("sweep="))

    expect(page.get_by_text("2 of 2 trials have ended: 2 finished.", exact=False).first).to_be_visible(
        timeout=LONG_MS
    )
    (sweep,) = (
        each for each in store.sweeps.list_sweeps() if each.id not in before
    )  # in spite of two clicks
    assert sweep.state in (SweepState.RUNNING, SweepState.FINISHED)
    trials = store.sweeps.trials(sweep.id)
    assert [trial.state for trial in trials] == [TrialState.FINISHED] * 2
    accuracies = [trial.search_runs[0].run.best_val_accuracy for trial in trials]
    best = accuracies.index(max(accuracies))
    expect(
        page.get_by_role("heading", name=re.compile(f"trial {best} with {100 * max(accuracies):.1f}"))
    ).to_be_visible()
    expect(page.locator(f"{HISTORY} path").first).to_be_visible()
    expect(page.locator(f"{PLOT} .main-svg").first).to_be_visible()

    fill(page, "Fresh seeds", "2")
    page.get_by_role("button", name="Confirm the top 2").click()
    expect(page.get_by_text(re.compile("a clear winner|No clear winner: trial")).first).to_be_visible(
        timeout=LONG_MS
    )
    expect(page.get_by_text(re.compile(r"^Take trial \d")).first).to_be_visible(timeout=LONG_MS)
    confirmed = [trial for trial in store.sweeps.trials(sweep.id) if trial.confirm_runs]
    assert [len(trial.confirm_runs) for trial in confirmed] == [2, 2]
    assert {each.seed for trial in confirmed for each in trial.confirm_runs} == {1, 2}

    page.get_by_role("link", name="Open in Design").first.click()
    expect(page.get_by_role("heading", name="Design", level=1)).to_be_visible()
    rate = store.get_run(trials[best].search_runs[0].run.id).config.optimizer.learning_rate
    expect(page.locator('input[aria-label="Learning rate"]').first).to_have_value(str(float(f"{rate:.4g}")))
    expect(page.get_by_text(f"Exactly: {rate}")).to_be_visible()
    page.goto(f"{server.url}/runs?run={trials[0].search_runs[0].run.id}")
    expect(page.get_by_role("link", name=re.compile("Trial 0 of the sweep")).first).to_be_visible()


@dataclass(frozen=True)
class Finished:
    """A sweep whose trials have ended, without training, and the server of its workspace."""

    server: Server
    store: Store
    id: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """In a workspace of its own, written before its server starts: a searcher would add trials, and train."""
    workspace = Workspace((tmp_path_factory.mktemp("finished") / "workspace").resolve()).ensure()
    with Store(workspace) as store:
        sweep = searched.create(workspace, store, searched.file(trials=4))
        searched.search(workspace, store, sweep, 4)
        store.sweeps.record_insights(
            sweep.id, {"importance": {"optimizer.learning_rate": 0.7, "optimizer.name": 0.3}}
        )
        store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING)
        with running_server(workspace.root, UNHURRIED) as server:
            yield Finished(server, store, sweep.id)


def test_back_leads_from_design_to_the_sweep(finished, page: Page) -> None:
    opened = re.compile(rf"/sweeps\?sweep={finished.id}$")
    page.goto(f"{finished.server.url}/sweeps?sweep={finished.id}")
    page.get_by_role("link", name="Open in Design").first.click()
    expect(page).to_have_url(re.compile(r"/design\?from="))
    expect(page.get_by_role("heading", name="Design", level=1)).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(opened)
    expect(page.get_by_role("heading", name="A sweep")).to_be_visible()

    # Once the design was changed, one step back is its link, which still shows the change; one more is the sweep.
    page.get_by_role("link", name="Open in Design").first.click()
    fill(page, "Epochs", "7")
    expect(page).to_have_url(re.compile(r"/design\?draft="))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/design\?draft="))
    expect(page.locator('input[aria-label="Epochs"]').first).to_have_value("7")
    page.go_back()
    expect(page).to_have_url(opened)
    expect(page.get_by_role("heading", name="A sweep")).to_be_visible()


def test_a_refresh_keeps_the_design_that_a_sweep_starts_from(server, page: Page) -> None:
    page.goto(f"{server.url}/design?preset=tiny")
    fill(page, "Epochs", "7")
    expect(page).to_have_url(re.compile(r"/design\?draft="))
    page.get_by_role("link", name="Search settings in a sweep").first.click()
    expect(page).to_have_url(re.compile(r"/sweeps\?(?=.*base=design)(?=.*draft=)"))
    for _ in range(2):
        expect(page.locator('input[aria-label^="Epochs"]').first).to_have_value("7")
        page.reload()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/design\?draft="))


def test_a_trial_by_hand_says_the_range_in_its_place(finished, page: Page) -> None:
    page.goto(f"{finished.server.url}/sweeps?sweep={finished.id}")
    page.get_by_role("button", name="Trial by hand").click()
    # It says that it begins with the best trial's values, so they have to be in it.
    expect(page.locator('input[aria-label^="Learning rate ("]').first).to_have_value(re.compile(r"^0\.\d+$"))
    fill(page, "Learning rate (", "5")
    page.get_by_role("button", name="Add the trial").click()
    expect(page.get_by_text("Must be from 0.0001 to 0.1, not 5.0. Nothing was added.")).to_be_visible()
    expect(page.locator('input[aria-label^="Learning rate ("]').first).to_have_value("5")
    assert finished.store.sweeps.get(finished.id).num_trials == 4


def test_more_trials_begin_with_the_number_that_the_sum_counts(finished, page: Page) -> None:
    page.goto(f"{finished.server.url}/sweeps?sweep={finished.id}")
    page.get_by_role("button", name="More trials").click()
    expect(page.get_by_text("4 + 10 = 14 trials in all.")).to_be_visible()
    expect(page.locator('input[aria-label="How many more"]')).to_have_value("10")


def test_the_toolbar_of_a_chart_lies_above_what_it_shows(finished, page: Page) -> None:
    page.goto(f"{finished.server.url}/sweeps?sweep={finished.id}")
    page.get_by_text("Setting by setting").first.click()
    charts = page.locator(PLOT)
    expect(charts).to_have_count(5)  # which settings matter, and one for each of the four
    for chart in charts.all():
        chart.scroll_into_view_if_needed()
        chart.hover()
        shown = chart.locator(".nsewdrag").first.bounding_box()
        toolbar = chart.locator(".modebar").first
        expect(toolbar).to_be_visible()
        bar = toolbar.bounding_box()
        assert shown is not None and bar is not None
        assert bar["height"] > 0 and bar["y"] + bar["height"] <= shown["y"]
