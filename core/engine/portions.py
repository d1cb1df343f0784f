"""How much the engine is asked at a time: others are answered in between, and no request overruns its deadline."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Pictures = Iterable[tuple[str, bytes]]

# The largest pictures that are taken decode in 0.3 to 0.8 s each, and 64 MB are some fifteen of them as JPEG.
PICTURES_PER_REQUEST = 64
PICTURE_BYTES_PER_REQUEST = 64_000_000

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


def portions_of(pictures: Pictures) -> Iterator[list[tuple[str, bytes]]]:
    """Pictures in portions, read one portion at a time, so that not all of them have to be in memory."""
    portion: list[tuple[str, bytes]] = []
    num_bytes = 0
    for picture in pictures:
        portion.append(picture)
        num_bytes += len(picture[1])
        if len(portion) == PICTURES_PER_REQUEST or num_bytes >= PICTURE_BYTES_PER_REQUEST:
            yield portion
            portion, num_bytes = [], 0
    if portion:
        yield portion
