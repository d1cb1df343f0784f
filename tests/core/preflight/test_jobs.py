"""Dry runs in the server's background."""

import threading

import pytest

from core.design.presets import PRESETS
from core.errors import PreflightBusy, PreflightError
from core.preflight.jobs import PreflightJobs, PreflightState
from core.preflight.measurement import Preflight

ONE, OTHER = PRESETS["tiny"].config, PRESETS["article"].config


def result_of(config) -> Preflight:
    return Preflight(config.config_id, "cpu:0", "a CPU", 1, 32, 10, fits=True)


def test_one_at_a_time_and_each_answer_belongs_to_its_config(workspace, wait_for) -> None:
    go_on = threading.Event()

    def measure(workspace, config, tell):
        tell("Timing steps")
        assert go_on.wait(30)
        return result_of(config)

    preflights = PreflightJobs(workspace, measure)
    assert preflights.state(ONE.config_id) == PreflightState()
    preflights.start(ONE)
    wait_for(lambda: preflights.state(ONE.config_id) == PreflightState(stage="Timing steps"))
    preflights.start(ONE)  # a click that came twice
    with pytest.raises(PreflightBusy):
        preflights.start(OTHER)
    assert preflights.state(OTHER.config_id) == PreflightState(others_run=True)
    go_on.set()
    wait_for(lambda: preflights.state(ONE.config_id).result)
    assert preflights.state(ONE.config_id) == PreflightState(result=result_of(ONE))
    preflights.start(OTHER)
    wait_for(lambda: preflights.state(OTHER.config_id).result)
    assert preflights.state(ONE.config_id).result == result_of(ONE)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PreflightError("It broke."), "It broke."),
        (ZeroDivisionError(), "The dry run failed; the server's log says why."),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_the_next_one_can_start(workspace, wait_for, error, said) -> None:
    def measure(workspace, config, tell):
        raise error

    preflights = PreflightJobs(workspace, measure)
    for config in (ONE, OTHER):
        preflights.start(config)
        assert wait_for(lambda config=config: preflights.state(config.config_id).problem) == said
