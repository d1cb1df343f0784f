"""What people do to runs while they train: asked for by a face, carried out by the worker."""

from collections.abc import Callable

from core.runs.database import Database


class Interventions:
    """The part of the store that keeps them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
