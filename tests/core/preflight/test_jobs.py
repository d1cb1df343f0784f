"""Dry runs in the server's background."""

import threading

import pytest

from core.design.presets import PRESETS
from core.errors import PreflightBusy, PreflightError
from core.preflight.jobs import DryRuns, DryRunState
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

    dry_runs = DryRuns(workspace, measure)
    assert dry_runs.state(ONE.config_id) == DryRunState()
    dry_runs.start(ONE)
    wait_for(lambda: dry_runs.state(ONE.config_id) == DryRunState(stage="Timing steps"))
    dry_runs.start(ONE)  # a click that came twice
    with pytest.raises(PreflightBusy):
        dry_runs.start(OTHER)
    assert dry_runs.state(OTHER.config_id) == DryRunState(others_run=True)
    go_on.set()
    wait_for(lambda: dry_runs.state(ONE.config_id).result)
    assert dry_runs.state(ONE.config_id) == DryRunState(result=result_of(ONE))
    dry_runs.start(OTHER)
    wait_for(lambda: dry_runs.state(OTHER.config_id).result)
    assert dry_runs.state(ONE.config_id).result == result_of(ONE)


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

    dry_runs = DryRuns(workspace, measure)
    for config in (ONE, OTHER):
        dry_runs.start(config)
        assert wait_for(lambda config=config: dry_runs.state(config.config_id).problem) == said
