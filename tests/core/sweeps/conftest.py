"""No process that trains or searches is started here."""

import pytest

from core.runs import trash
from core.sweeps import control, start


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (start, control, trash):
        monkeypatch.setattr(module, "ensure_scheduler", lambda workspace: None)
