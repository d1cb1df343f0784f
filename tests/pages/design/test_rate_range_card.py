"""The card that suggests a learning rate, with a test that only pretends."""

import pytest

from core.design.rate_range import find_rate, rate_of_step
from core.errors import PreflightError
from core.server.services import get_services
from tests.pages.visits import button, change, draft, open_page, press, words

RATES = [rate_of_step(step) for step in range(100)]
# Smoothed, near its lowest up to step 68: 10^(-6 + 68·7/199) = 0.000247; a tenth of it is 0.000025.
FOUND = find_rate(RATES, [1 + abs(step - 60) / 60 for step in range(100)], diverged=True)


@pytest.fixture
def pretend(workspace, monkeypatch):
    def use(answer) -> list:
        asked = []

        def measure(workspace, config, tell):
            asked.append(config)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(get_services().rate_ranges, "_measure", measure)
        return asked

    return use


def tried(page, wait_for, asked):
    press(page, "Try rates")
    wait_for(lambda: asked and get_services().rate_ranges.state(asked[0].config_id).stage is None)
    page.run()
    assert not page.exception
    return page


def test_a_click_takes_the_suggested_rate_and_the_curve_stays(pretend, wait_for) -> None:
    asked = pretend(FOUND)
    page = tried(open_page("design.py", preset="tiny", dataset="shapes"), wait_for, asked)
    assert "near its lowest up to a rate of 0.000247, and training diverged at 0.00" in words(page)
    press(page, "Set the learning rate to 0.000025")
    assert draft(page).optimizer.learning_rate == 0.000025
    assert "near its lowest up to a rate of 0.000247" in words(page)
    assert not any("Set the learning rate" in each.label for each in page.button)
    change(page, "training.batch_size", 128)
    assert "near its lowest" not in words(page) and button(page, "Try rates")
    assert len(asked) == 1


def test_what_goes_wrong_is_a_sentence(pretend, wait_for) -> None:
    asked = pretend(PreflightError("Batches of :red[64] do not fit."))
    page = tried(open_page("design.py", preset="tiny", dataset="shapes"), wait_for, asked)
    assert "Batches of :red[64] do not fit." in words(page)
