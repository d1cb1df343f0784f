import pytest

from core.searcher.searcher import Searcher
from core.store.store import Store
from tests.core.scheduling.fakes import Clock, cpu, report


@pytest.fixture
def searcher(store: Store, clock: Clock, no_scheduler: None) -> Searcher:
    """One that is ticked by the test, where no process of it is started."""
    return Searcher(store, lambda: report(cpu()), clock)
