"""Sends what is new to each sink, and keeps how far it has come. Nothing here can reach a training."""

import logging
import os
import time
from collections.abc import Callable, Sequence

from core.errors import RunNotFound
from core.formatting import reason
from core.sink_settings import SinkSetting
from core.sinks.mlflow import MlflowSink
from core.sinks.optuna_storage import OptunaSink
from core.sinks.sink import RunNews, RunSink, SinkGone, SinkRefused, SinkUnavailable, timed
from core.sinks.tensorboard import TensorBoardSink
from core.store.records import Run
from core.store.sinks import SinkMark, told_of
from core.store.store import Store

RUNS_AT_ONCE = 20
# After a failure, the wait before the next try doubles up to the longest one.
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Feeding:
    """Feeds one sink. What it sent is in the store, so it may be made again at any moment."""

    def __init__(
        self, store: Store, setting: SinkSetting, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._setting = setting
        self._clock = clock
        self._wait = 0.0
        self._due = float("-inf")
        self._is_first = True  # what an earlier process found failing may be well by now
        self._runs: RunSink | None = None
        self._sweeps: OptunaSink | None = None
        match setting.kind:
            case "tensorboard":
                self._runs = TensorBoardSink(setting.target)
            case "mlflow":
                self._runs = MlflowSink(setting.target, os.environ)
            case "optuna":
                self._sweeps = OptunaSink(setting.target, setting.shown)

    @property
    def is_failing(self) -> bool:
        """Whether the last try failed."""
        return self._wait > 0

    def tick(self) -> bool:
        """Send what there is, unless it failed a moment ago. Returns whether something was sent."""
        if self._clock() < self._due:
            return False
        setting, sinks = self._setting, self._store.sinks
        try:
            sent = self._send_sweeps() if self._runs is None else self._send_runs(self._runs)
        except Exception as error:
            # Whatever it is, other sinks and trainings go on.
            cause, next_step = _explain(setting, error)
            self._wait = min(LONGEST_WAIT_SECONDS, max(FIRST_WAIT_SECONDS, 2 * self._wait))
            self._due = self._clock() + self._wait
            if sinks.record_failing(setting.kind, setting.shown, cause, next_step):
                is_known = isinstance(error, SinkUnavailable)
                logger.warning("%s: %s %s", setting.title, cause, next_step, exc_info=not is_known)
            return False
        if (self._wait or self._is_first) and not sent:
            sinks.record_well(setting.kind, setting.shown)
        self._is_first = False
        if self._wait:
            logger.info("%s: takes what it is sent again", setting.title)
        self._wait = 0.0
        return sent

    def _send_runs(self, sink: RunSink) -> bool:
        setting = self._setting
        found = self._store.sinks.runs_to_send(setting.kind, setting.shown, RUNS_AT_ONCE)
        for run, mark in found:
            self._send_run(sink, run, mark)
        return bool(found)

    def _send_run(self, sink: RunSink, run: Run, mark: SinkMark | None, *, is_again: bool = False) -> None:
        if mark is not None and not (mark.key and sink.keeps(mark.key)):
            mark = None
        try:
            epochs = self._store.sinks.epochs(run.id)
        except RunNotFound:
            return  # deleted a moment ago
        new = [
            each
            for each, (attempt, row) in zip(timed(run, epochs), epochs, strict=True)
            if mark is None or row.epoch > mark.epoch or attempt > mark.attempt
        ]
        again = [each.row.epoch for each in new if mark is not None and each.row.epoch <= mark.epoch]
        key, refusal = "" if mark is None else mark.key, None
        try:
            key = sink.send(RunNews(run, tuple(new), key or None, min(again, default=None)))
        except SinkRefused as error:
            if isinstance(error, SinkGone) and not is_again:
                self._send_run(sink, run, None, is_again=True)  # all of it, as if nothing had been sent
                return
            refusal = str(error)
            logger.warning("%s: “%s” (%s) was not taken. %s", self._setting.title, run.name, run.id, refusal)
        attempt = max((attempt for attempt, _ in epochs), default=0)
        last = max((row.epoch for _, row in epochs), default=0)
        sent = SinkMark(run.id, key, attempt, last, told_of(run), refusal)
        self._store.sinks.record_sent(self._setting.kind, self._setting.shown, sent)

    def _send_sweeps(self) -> bool:
        assert self._sweeps is not None
        setting = self._setting
        found = self._store.sinks.sweeps_to_send(setting.kind, setting.shown)
        for sweep_id, version, mark in found:
            key, refusal = "" if mark is None else mark.key, None
            try:
                key = self._sweeps.send(self._store, sweep_id, key or None)
            except SinkRefused as error:
                refusal = str(error)
                logger.warning("%s: sweep %s was not taken. %s", setting.title, sweep_id, refusal)
            sent = SinkMark(sweep_id, key, 0, 0, version, refusal)
            self._store.sinks.record_sent(setting.kind, setting.shown, sent)
        return bool(found)


def _explain(setting: SinkSetting, error: Exception) -> tuple[str, str]:
    if isinstance(error, SinkUnavailable):
        return str(error), error.next_step
    return (
        f"{setting.title} could not be fed: {type(error).__name__}, {reason(error)}.",
        "The sinks' log on System has the details. What was missed is sent later.",
    )


def feed(feedings: Sequence[Feeding]) -> bool:
    """One tick of all. Returns whether something was sent."""
    return any(list(map(Feeding.tick, feedings)))
