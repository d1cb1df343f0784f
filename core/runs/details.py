"""What is measured in an epoch beyond its row: for each class, corrupted labels, followed pictures."""

from collections.abc import Callable

from core.runs.database import Database


class EpochDetails:
    """The part of the store that keeps them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
