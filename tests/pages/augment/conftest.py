"""The Augment page with a stand-in for the engine."""

from dataclasses import replace

import numpy as np
import pytest
import streamlit as st

from core.datasets.saving import save_dataset
from core.server import services as services_module
from tests.pages.augment.stand_in import NUM_TRAIN, StandIn
from tests.pages.background import answers_at_once


@pytest.fixture
def engine(workspace, monkeypatch) -> StandIn:
    stand_in = StandIn()
    st.cache_data.clear()
    answers_at_once(monkeypatch)
    shared = replace(services_module.get_services(), engine=stand_in)
    monkeypatch.setitem(services_module._services, workspace.root, shared)
    # Drawing the real ones takes seconds.
    x, y = np.zeros((NUM_TRAIN, 32, 32, 3), np.uint8), np.arange(NUM_TRAIN) % 2
    arrays = {"x_train": x, "y_train": y, "x_test": x[:100], "y_test": y[:100]}
    save_dataset(workspace, "shapes", "Shapes", "", ["*cat*", "dog"], arrays)
    return stand_in
