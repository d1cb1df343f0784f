"""Lines in which slow requests wait, so that they never take all threads of the server from quick ones.

Each line works on a few requests at a time. Those that wait take no thread, and beyond a limit they are refused.
"""

import contextlib
from collections.abc import Iterator

import anyio
from anyio.lowlevel import RunVar
from starlette.responses import Response

from core.server.problems import problem

RETRY_SECONDS = 10


class Line:
    """Up to `at_once` requests are worked on, and up to `most_waiting` wait for their turn, in their order."""

    def __init__(self, name: str, what: str, at_once: int, most_waiting: int) -> None:
        """`what` they are, for people; `name` tells one line from another."""
        self.at_once = at_once
        self.most_waiting = most_waiting
        self._what = what
        self._limiter: RunVar[anyio.CapacityLimiter] = RunVar(name)
        self._inside = 0

    def refusal(self) -> Response | None:
        """The answer where so many wait that another one would wait for minutes; None where there is room."""
        if self._inside < self.at_once + self.most_waiting:
            return None
        waiting = f"{self.most_waiting} {self._what} wait for their turn already"
        return busy(f"{waiting}. Try again in {RETRY_SECONDS} seconds.")

    @contextlib.contextmanager
    def place(self) -> Iterator[anyio.CapacityLimiter]:
        """A place in the line while this lasts, for the event loop: what lets so many work at a time."""
        self._inside += 1
        try:
            yield self._limiter_of_loop()
        finally:
            self._inside -= 1

    def _limiter_of_loop(self) -> anyio.CapacityLimiter:
        try:
            return self._limiter.get()
        except LookupError:
            self._limiter.set(anyio.CapacityLimiter(self.at_once))
            return self._limiter.get()


def busy(sentence: str) -> Response:
    """The answer to what can be asked again in a moment."""
    return problem(503, sentence, "busy", headers={"Retry-After": str(RETRY_SECONDS)})


# The engine answers one at a time; a class may ask at once.
QUESTIONS = Line("questions", "requests to the engine", at_once=1, most_waiting=40)
# What takes seconds to minutes: imports, exports, reports, dry runs, robustness.
SLOW_WORK = Line("slow work", "requests that take long", at_once=4, most_waiting=16)
