"""What a sink is: it takes what is new of a run or a sweep, or says why it cannot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.epoch import EpochRow
from core.errors import ConvDeckError
from core.store.records import Run


class SinkUnavailable(ConvDeckError):
    """The sink takes nothing now: the cause in one sentence, and what to try. It is tried again later."""

    def __init__(self, cause: str, next_step: str) -> None:
        super().__init__(cause)
        self.next_step = next_step


class SinkRefused(ConvDeckError):
    """The sink does not take this run or sweep; the others go on."""


class SinkGone(SinkRefused):
    """The sink no longer has what was sent under this key."""


@dataclass(frozen=True)
class TimedEpoch:
    """An epoch, and when it ended in unix seconds."""

    row: EpochRow
    time: float


@dataclass(frozen=True)
class RunNews:
    """What the sink does not have of a run yet. `key` is what it is called there; None: it has nothing of it.

    `replaces_from` is the first epoch that was sent before and has been trained again since; None where there is none.
    """

    run: Run
    epochs: tuple[TimedEpoch, ...]
    key: str | None = None
    replaces_from: int | None = None


class RunSink(Protocol):
    """A sink of runs. All methods raise SinkUnavailable; `send` also raises SinkRefused and SinkGone."""

    def keeps(self, key: str) -> bool:
        """Whether what was sent under this key is still there; true where asking would cost a request."""

    def send(self, news: RunNews) -> str:
        """Take it, and return the key under which it is. What is sent a second time must do no harm."""


def timed(run: Run, epochs: Sequence[tuple[int, EpochRow]]) -> list[TimedEpoch]:
    """When each epoch ended, from the durations alone, so that it is the same whenever it is asked.

    `epochs` are (attempt, epoch), all of the run. The clock of the current attempt begins with it, that of earlier ones
    with the run.
    """
    found: list[TimedEpoch] = []
    clock, is_current = run.created_at, False
    for attempt, row in epochs:
        if attempt == run.attempt and not is_current:
            is_current = True
            clock = max(clock, run.started_at or clock)
        clock += row.seconds or 0.0
        found.append(TimedEpoch(row, clock))
    return found
