"""A workspace with the example, in which nobody trains, and an engine that answers at once."""

from dataclasses import replace

import pytest
import streamlit as st

from core.onboarding.example import EXAMPLE_ID, import_example
from core.runs import control
from core.server import services as services_module
from core.store.records import Run
from core.store.store import Store
from tests.pages.background import answers_at_once
from tests.pages.home.racing import Engine


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody serves the queue: what is trained is written by the tests."""
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


@pytest.fixture
def example(workspace, store, monkeypatch) -> Run:
    monkeypatch.setenv("CONVDECK_EXAMPLE", "on")
    assert import_example(workspace, store)
    return store.get_run(EXAMPLE_ID)


@pytest.fixture
def engine(workspace, monkeypatch) -> Engine:
    st.cache_data.clear()
    answers_at_once(monkeypatch)
    shared = replace(services_module.get_services(), engine=Engine())
    monkeypatch.setitem(services_module._services, workspace.root, shared)
    return shared.engine
