"""The notebook: what was expected of runs, and what came of them."""

from collections.abc import Callable

from core.runs.database import Database


class Notes:
    """The part of the store that keeps them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
