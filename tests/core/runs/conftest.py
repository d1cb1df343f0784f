"""A store, and what stands in for the computer around it."""

import pytest

from core.store.store import Store
from tests.core.runs.fakes import Clock, FakeLauncher


@pytest.fixture
def store(workspace):
    with Store(workspace) as store:
        yield store


@pytest.fixture
def launcher():
    return FakeLauncher()


@pytest.fixture
def clock():
    return Clock(0.0)
