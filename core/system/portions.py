"""Work in portions of a few seconds, however fast the machine and whatever is worked on."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SECONDS = 4.0  # a fifteenth of an engine request's deadline
FIRST, MOST = 32, 2000


@dataclass
class Portion:
    """How many to take next: at first few, then as many as would have taken SECONDS at the pace of the last portion.

    At most four times as many as before: the first portion often waits for something that the others find ready.
    """

    size: int = FIRST
    clock: Callable[[], float] = time.monotonic

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Work on `size` in here."""
        began = self.clock()
        yield
        seconds = max(self.clock() - began, 1e-6)
        self.size = max(1, min(MOST, 4 * self.size, int(self.size * SECONDS / seconds)))
