"""Fixtures for the pages of sweeps: the store, and no process that trains or searches."""

import pytest

from core.sweeps import control, start


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (start, control):
        monkeypatch.setattr(module, "ensure_scheduler", lambda workspace: None)
