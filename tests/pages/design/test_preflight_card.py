"""The dry run's card on Design, with a process that only pretends."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import PreflightError
from core.preflight.measurement import Preflight
from core.server.services import get_services
from tests.pages.visits import button, change, draft, open_page, press, unfold, words


def fitting(config) -> Preflight:
    return Preflight(
        config.config_id, "cpu:0", "a CPU", 744_874, config.training.batch_size, config.training.epochs, fits=True,
        steps=32, train_seconds=3.0, evaluation_seconds=1.0, saving_seconds=0.2, epoch_seconds=4.2,
        start_seconds=6.0, total_seconds=846.0, images_per_second=333.0, memory_mib=1536,
        memory_available_mib=4000, notes=("A :red[note].",),
    )  # fmt: skip


@pytest.fixture
def pretend(workspace, monkeypatch):
    def use(answer) -> None:
        def measure(workspace, config, tell):
            if isinstance(answer, Exception):
                raise answer
            return answer(config)

        monkeypatch.setattr(get_services().preflights, "_measure", measure)

    return use


def measure(page: AppTest, wait_for) -> AppTest:
    press(page, "Measure")
    preflights, config_id = get_services().preflights, draft(page).config_id
    wait_for(lambda: preflights.state(config_id).stage is None, message="the dry run to end")
    page.run()
    assert not page.exception
    return page


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_figures_are_those_of_the_design_and_out_of_date_after_a_change(pretend, wait_for) -> None:
    pretend(fitting)
    page = open_page("design.py", preset="article")
    assert "One epoch" not in metrics(page)
    measure(page, wait_for)
    epochs = f"Start and {draft(page).training.epochs:,} epochs"
    shown = {label: metrics(page)[label] for label in ("One epoch", epochs, "Memory")}
    assert shown == {"One epoch": "4.2 s", epochs: "14 min 6 s", "Memory": "1.5 GiB"}
    assert "744,874 parameters, 333 pictures per second on CPU 0." in words(page)
    assert "A :red[note]." in words(page)
    assert "Out of date" not in words(page)
    unfold(page, "Details")
    before = draft(page).seed
    change(page, "seed", before + 1)
    assert "Out of date" in words(page) and metrics(page)["One epoch"] == "4.2 s"
    change(page, "seed", before)
    assert "Out of date" not in words(page) and metrics(page)["One epoch"] == "4.2 s"


def test_a_batch_that_fits_is_one_click_away(pretend, wait_for) -> None:
    pretend(lambda config: replace(fitting(config), fits=False, largest_batch_size=8, epoch_seconds=None))
    page = measure(open_page("design.py", preset="article"), wait_for)
    assert "Batches of 32 pictures do not fit into the 3.9 GiB of free memory" in words(page)
    press(page, "Set the batch size to 8")
    assert draft(page).training.batch_size == 8
    assert "do not fit" not in words(page)


def test_what_goes_wrong_is_said_and_can_be_tried_again(pretend, wait_for) -> None:
    pretend(PreflightError("It *broke*."))
    page = measure(open_page("design.py", preset="article"), wait_for)
    assert "It *broke*." in words(page)
    pretend(fitting)
    assert metrics(measure(page, wait_for))["One epoch"] == "4.2 s"


def test_a_design_that_cannot_be_started_cannot_be_measured(workspace) -> None:
    page = unfold(open_page("design.py", preset="article"), "More settings of this block")
    change(page, "model.blocks[0].pool_size", 16)
    assert button(page, "Measure").disabled
