"""What a person does with a run beyond watching it: dry run, control on the way, Augment, studies, the notebook."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.config import ExperimentConfig
from core.design.presets import PRESETS
from core.runs import control
from core.runs.start import start_experiment
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store

pytestmark = pytest.mark.usefixtures("warm_workers")

DRAWING = '[data-testid="stVegaLiteChart"] svg.marks'
LONG_MS = 400_000  # generous: other work may share the machine
EPOCHS = 400  # more than any machine trains while the test looks on


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


def tiny(seed: int, **values: object) -> ExperimentConfig:
    """Each test has seeds of its own: studies reuse runs that are there."""
    small = {"dataset.id": "shapes", "dataset.num_train": 200, "training.epochs": 1, "seed": seed}
    return PRESETS["tiny"].config.with_values(
        small | {path.replace("__", "."): v for path, v in values.items()}
    )


def seen(page: Page, text: str | re.Pattern[str]) -> Locator:
    return page.get_by_text(text).locator("visible=true").first


def click(page: Page, name: str | re.Pattern[str]) -> None:
    page.get_by_role("button", name=name).locator("visible=true").first.click()


def fill(page: Page, label: str, value: str) -> None:
    field = page.get_by_label(label, exact=True).locator("visible=true").first
    field.fill(value)
    field.press("Enter")


def downloaded(page: Page, name: str, folder: Path) -> str:
    with page.expect_download() as download:
        click(page, name)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_text()


def test_a_dry_run_gives_seconds_and_memory(server, page: Page) -> None:
    page.goto(f"{server.url}/design?preset=tiny")
    click(page, re.compile("Measure$"))
    # The figures themselves: "epoch" and "memory" are also said beside the button, before anything is measured.
    memory = page.get_by_test_id("stMetricValue").filter(has_text=re.compile("[MG]iB"))
    expect(memory).to_have_count(1, timeout=LONG_MS)
    for figure in ("One epoch", "Memory"):
        expect(page.get_by_test_id("stMetricLabel").get_by_text(figure, exact=True)).to_be_visible()


def test_a_run_is_controlled_on_its_way(server, workspace, store, page: Page, wait_for) -> None:
    run = start_experiment(workspace, RunRequest(tiny(0, training__epochs=EPOCHS), name="On a lead"))
    page.goto(f"{server.url}/runs?run={run.id}")
    expect(page.locator(f"{DRAWING} path").first).to_be_visible(timeout=LONG_MS)

    click(page, "Pause")
    expect(seen(page, re.compile("Paused (after|in) epoch"))).to_be_visible(timeout=LONG_MS)
    assert store.get_run(run.id).state is RunState.PAUSED
    before = store.get_run(run.id).epoch
    click(page, "Step one epoch")
    wait_for(lambda: store.get_run(run.id).epoch == before + 1, message="one more epoch")
    expect(seen(page, f"Paused after epoch {before + 1}")).to_be_visible()

    page.get_by_role("button", name="Change", exact=True).click()
    click(page, re.compile("Halve: "))
    expect(seen(page, re.compile("0.0005 is requested"))).to_be_visible()
    page.get_by_label("Epochs to add").fill("7")
    click(page, re.compile("^Add$"))
    wait_for(lambda: store.get_run(run.id).total_epochs == EPOCHS + 7, message="more epochs")
    page.keyboard.press("Escape")

    click(page, "Resume")
    wait_for(lambda: store.get_run(run.id).epoch >= before + 3, message="it to go on")
    rates = store.curves(run.id)["learning_rate"]
    assert rates[before + 1] == pytest.approx(rates[before] / 2)
    # On the curve, and in the history.
    expect(page.locator(f"{DRAWING} text").filter(has_text="rate").first).to_be_visible()
    page.get_by_text("Changed during training").first.click()
    for change in ("Learning rate 0.0005", "More epochs 7", "Step one epoch", "Pause"):
        expect(seen(page, change)).to_be_visible()
    control.stop_run(workspace, run.id)
    wait_for(lambda: store.get_run(run.id).state is RunState.STOPPED, message="the stop")


def test_augment_shows_batches_strength_and_code(server, workspace, store, page: Page, wait_for) -> None:
    run = start_experiment(workspace, RunRequest(tiny(0, augmentation__rotation_degrees=20), "Augmented"))
    wait_for(lambda: store.get_run(run.id).state is RunState.FINISHED, message="its end")
    page.goto(f"{server.url}/augment?view=batch&run={run.id}")
    expect(seen(page, re.compile("Epoch 1 of 1, step 1 of "))).to_be_visible(timeout=LONG_MS)
    batch = page.locator('[data-testid="stImage"] img')
    expect(batch).to_have_count(32)
    first = [picture.get_attribute("alt") for picture in batch.all()]
    page.reload()
    expect(batch).to_have_count(32, timeout=LONG_MS)
    assert [picture.get_attribute("alt") for picture in batch.all()] == first

    page.goto(f"{server.url}/augment?view=sweep&run={run.id}")
    expect(seen(page, re.compile(r"undistorted, \d+ % at .*; trained with .20° to 20°"))).to_be_visible(
        timeout=LONG_MS
    )
    expect(page.locator(DRAWING)).to_have_count(1)

    page.goto(f"{server.url}/augment?view=code")
    expect(seen(page, re.compile("keras"))).to_be_visible()


def test_signal_or_noise_adds_seeds_until_it_is_decided(server, workspace, store, page: Page) -> None:
    plain = start_experiment(workspace, RunRequest(tiny(10), "Plain"))
    turned = start_experiment(workspace, RunRequest(tiny(10, augmentation__rotation_degrees=20), "Turned"))
    before = {study.id for study in store.studies.list_studies()}
    page.goto(f"{server.url}/runs?run={plain.id},{turned.id}")
    page.get_by_role("link", name="Signal or noise?").first.click()
    page.get_by_text("Add seeds until decided", exact=True).click()
    fill(page, "Seeds at most", "3")
    fill(page, "Seeds at first", "2")
    expect(seen(page, "Up to 6 runs if it takes all 3 seeds.")).to_be_visible()
    click(page, "Start 2 runs")  # two of the first seed are there
    expect(page).to_have_url(re.compile("study="))
    (study,) = (each for each in store.studies.list_studies() if each.id not in before)
    expect(seen(page, "Seeds are added until it is decided, 3 at most.")).to_be_visible()
    # An interval that holds at all looks begins with the fourth pair.
    expect(seen(page, "Not decided within 3 seeds")).to_be_visible(timeout=LONG_MS)
    expect(seen(page, "All 6 runs have finished.")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(DRAWING).first).to_be_visible()
    assert len(store.studies.members(study.id)) == 6
    assert not store.studies.get(study.id).adds_seeds


def test_another_study_is_one_click(server, workspace, page: Page) -> None:
    # Not waited for: a study takes in what is under way.
    base = start_experiment(workspace, RunRequest(tiny(20, augmentation__rotation_degrees=20), "Base"))
    page.goto(f"{server.url}/studies?kind=ablation&runs={base.id}")
    fill(page, "Seeds", "2")
    click(page, re.compile(r"Start \d+ runs?"))
    expect(page).to_have_url(re.compile("study="))
    expect(seen(page, re.compile("(All .|Both) runs have finished."))).to_be_visible(timeout=LONG_MS)
    expect(seen(page, "without rotation")).to_be_visible()
    expect(page.locator(DRAWING).first).to_be_visible()


def test_a_note_goes_from_expectation_to_document(server, store, page: Page, tmp_path, wait_for) -> None:
    before = {run.id for run in store.list_runs()}
    page.goto(f"{server.url}/design?preset=tiny")
    fill(page, "Epochs", "1")
    page.get_by_role("textbox", name="What do you expect?").fill("It hardly learns.")
    click(page, "Start training")
    run = wait_for(
        lambda: next((run for run in store.list_runs() if run.id not in before), None), message="the run"
    )
    wait_for(lambda: store.get_run(run.id).state is RunState.FINISHED, message="its end")
    page.goto(f"{server.url}/runs?run={run.id}")
    expect(seen(page, "It hardly learns.")).to_be_visible()
    page.get_by_label("Outcome").fill("It was as I said.")
    click(page, "Save with the numbers")
    expect(seen(page, "Saved in the notebook.")).to_be_visible()
    page.goto(f"{server.url}/notebook")
    expect(seen(page, "It was as I said.")).to_be_visible()
    for label in ("Export as Markdown", "Export as one HTML file"):
        document = downloaded(page, label, tmp_path)
        assert "It hardly learns." in document and "It was as I said." in document
        assert f"{100 * store.get_run(run.id).best_val_accuracy:.1f} %" in document
    assert document.lstrip().lower().startswith("<!doctype html>")
