"""What is made of a run once an epoch, for everybody who looks, and drawn at each tick. No `st.*`.

`st.cache_data` gives each caller a copy of its own, and looks at the signature of the function at every call: half a
millisecond each, of which a tick had five.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from core.runs.records import Run

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Values by name, each of the version that was asked for last, of at most `most` names. All callers share them:
    nobody may change one.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, tuple[Hashable, Value]] = OrderedDict()
        # Held while a value is made: of thirty who see the same epoch end, one makes it.
        self._lock = threading.RLock()

    def get(self, name: Hashable, version: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `name`, made by `make` where none of this version is kept."""
        with self._lock:
            kept = self._values.get(name)
            if kept is None or kept[0] != version:
                kept = self._values[name] = version, make()
            self._values.move_to_end(name)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
            return kept[1]


def epochs_of(run: Run) -> tuple[Hashable, ...]:
    """A version of what is made from the epochs of a run: another one when it has one more."""
    # A resumed run forgets epochs that it trains again, at the moment that sets `started_at`.
    return run.attempt, run.started_at, run.epoch
