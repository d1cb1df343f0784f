"""An engine that answers without Keras, and a run."""

import pytest

from core.store.records import Run
from tests.pages.stand_in import StandIn, finished_run, use_stand_in


@pytest.fixture
def engine(workspace, monkeypatch) -> StandIn:
    return use_stand_in(workspace, monkeypatch)


@pytest.fixture
def run(workspace) -> Run:
    return finished_run(workspace)
