"""A range test's process, pretended, and once the real one; nothing of it stays in the workspace."""

import shutil

import pytest

from core.design.presets import PRESETS
from core.design.rate_range import STEPS, rate_of_step
from core.errors import ConfigError, PreflightError
from core.preflight.child import OutOfMemory
from core.preflight.rate_range import run_rate_range
from core.store.store import Store

CONFIG = PRESETS["tiny"].config.with_values({"dataset.id": "shapes", "dataset.num_train": 300})


def test_a_loss_that_is_no_number_crosses_the_pipe_as_null(workspace) -> None:
    def ask(workspace, task, *more):
        assert task == "rates"
        return {"rates": [1e-3, 1e-2, 1e-1], "losses": [2.0, 1.0, None], "diverged": True}

    found = run_rate_range(workspace, CONFIG, ask=ask)
    assert found.losses == (2.0, 1.0) and found.diverged


def test_a_first_loss_that_is_no_number_is_a_sentence(workspace) -> None:
    def ask(*_):
        return {"rates": [1e-6], "losses": [None], "diverged": True}

    with pytest.raises(PreflightError, match="not a number in the first step already"):
        run_rate_range(workspace, CONFIG, ask=ask)


def test_what_does_not_fit_and_what_cannot_be_trained(workspace) -> None:
    def ask(*_):
        raise OutOfMemory

    with pytest.raises(PreflightError, match="Batches of 64 do not fit into memory"):
        run_rate_range(workspace, CONFIG, ask=ask)
    with pytest.raises(ConfigError, match="There is no run with the id"):
        run_rate_range(workspace, CONFIG.with_values({"model.start_from": "abcdefghij"}), ask=ask)


def test_the_real_one_keeps_nothing(workspace, trained) -> None:
    shutil.copytree(trained.workspace.datasets / "shapes", workspace.datasets / "shapes")
    stages: list[str] = []
    found = run_rate_range(workspace, CONFIG, stages.append)
    assert found.rates == tuple(rate_of_step(step) for step in range(len(found.rates)))
    assert len(found.rates) <= STEPS and found.suggestion is not None
    # Adam trains this network with 0.001: the test has to come near it.
    assert 1e-4 < found.suggestion < 0.1
    assert any(stage.startswith("Step ") for stage in stages)
    assert Store(workspace).list_runs() == [] and not list(workspace.runs.glob("*"))
