"""The watcher: looks at what has changed since it looked last, and notes the messages of the rules that are to hear."""

import logging
import time
from collections.abc import Callable, Sequence

from core.alerts.facts import facts_of
from core.errors import ConvDeckError, RunNotFound, StudyNotFound, SweepNotFound, UserError
from core.formatting import reason
from core.store.alerts import NewFact, Subject, Watched
from core.store.store import Store

# After an error, a subject is looked at again later: 1, 2, 4, 8 seconds.
PAUSE_SECONDS = 1.0

Facts = Callable[[Store, Subject, str], Sequence[NewFact]]

logger = logging.getLogger(__name__)


class Watcher:
    """Does everything at each `tick`. What it knows is in the store, so it may be killed at any moment.

    `facts` judges a subject; `clock` gives monotonic seconds.
    """

    def __init__(
        self, store: Store, facts: Facts = facts_of, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._facts = facts
        self._clock = clock
        self._paused_until: dict[tuple[str, str], float] = {}

    def tick(self) -> bool:
        """Look at everything that has changed. Returns whether more may come: something trains, or waits for a look."""
        watched = self._store.alerts.watched()
        there = {(each.subject, each.id) for each in watched}
        self._paused_until = {key: until for key, until in self._paused_until.items() if key in there}
        for each in watched:
            if self._clock() >= self._paused_until.get((each.subject, each.id), float("-inf")):
                self._look(each)
        return bool(watched) or (self._store.alerts.has_rules() and self._store.has_work())

    def _look(self, watched: Watched) -> None:
        try:
            count = self._store.alerts.tell(watched, self._facts(self._store, watched.subject, watched.id))
        except (RunNotFound, SweepNotFound, StudyNotFound):
            self._store.alerts.forget(watched)
        except Exception as error:  # one bad report must not stop the others
            self._note(watched, error)
        else:
            self._paused_until.pop((watched.subject, watched.id), None)
            if count:
                logger.info("%s %s: %d messages", watched.subject, watched.id, count)

    def _note(self, watched: Watched, error: Exception) -> None:
        pause = PAUSE_SECONDS * 2**watched.failures
        self._paused_until[watched.subject, watched.id] = self._clock() + pause
        # A busy database passes. It is no fault of what was looked at, and could not take a note of it either.
        if isinstance(error, ConvDeckError) and not isinstance(error, UserError):
            logger.warning("%s %s: %s Trying again.", watched.subject, watched.id, error)
            return
        logger.exception("%s %s: could not be judged", watched.subject, watched.id)
        told = f"It could not be judged: {type(error).__name__}, {reason(error)}"
        if self._store.alerts.note_failure(watched, told):
            logger.warning("%s %s: given up", watched.subject, watched.id)
