"""How long answers and ticks took, counted in buckets from the start on, so that the first who asks for them gets all.

It is loaded with the server; what turns it into Prometheus's text (`core.api.metrics`) is not.
"""

import bisect
import contextlib
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
MOST_KINDS = 1000  # of addresses there are fewer; a client cannot make others


class Counted(NamedTuple):
    """`numbers` has how many took up to each of BOUNDS and no less, the last one those that took longer."""

    numbers: list[int]
    seconds: float


class Durations:
    """Durations of one sort, by labels. Any number of threads can record."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, ...], Counted] = {}

    def record(self, labels: tuple[str, ...], seconds: float) -> None:
        """Count one."""
        with self._lock:
            found = self._counted.get(labels)
            if found is None:
                if len(self._counted) >= MOST_KINDS:
                    return
                found = Counted([0] * (len(BOUNDS) + 1), 0.0)
            found.numbers[bisect.bisect_left(BOUNDS, seconds)] += 1
            self._counted[labels] = found._replace(seconds=found.seconds + seconds)

    @contextlib.contextmanager
    def measured(self, labels: tuple[str, ...]) -> Iterator[None]:
        """Count how long this lasts, however it ends."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.record(labels, time.perf_counter() - began)

    def all(self) -> dict[tuple[str, ...], Counted]:
        """What has been counted by now."""
        with self._lock:
            return {
                labels: Counted(list(found.numbers), found.seconds) for labels, found in self._counted.items()
            }


ANSWERS = Durations()  # of REST, by method, address and status: until the answer began
TICKS = Durations()  # of parts of pages that are drawn again by a timer, by the part
