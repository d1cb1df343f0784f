"""The sender: sends what is noted, beside the watcher, and tries again where that goes wrong."""

import logging
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.alerts.delivery import Answer, deliver
from core.errors import ConvDeckError, UserError
from core.store.alerts import AlertRule, Delivery, Try
from core.store.store import Store

# Seconds after each try that goes wrong. After the last, the message is given up.
RETRY_SECONDS = (1.0, 10.0, 60.0)
AT_ONCE = 4

logger = logging.getLogger(__name__)


class Sender:
    """Each rule has its messages one after the other, the oldest that is due first; rules do not wait for each other.

    A message is noted before it is sent, and how it went afterwards. Where the alerter is killed in between, it is sent
    once more: its `id` is the same. `clock` gives unix seconds.
    """

    def __init__(
        self,
        store: Store,
        send: Callable[[AlertRule, Mapping[str, Any]], Answer] = deliver,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._send = send
        self._clock = clock
        self._threads = ThreadPoolExecutor(AT_ONCE, "send an alert")
        self._answers: queue.SimpleQueue[tuple[AlertRule, Delivery, Try, bool]] = queue.SimpleQueue()
        self._to_record: list[tuple[AlertRule, Delivery, Try, bool]] = []
        self._sending: set[str] = set()  # ids of rules

    def tick(self) -> bool:
        """Record what was sent, and begin to send what is due. Returns whether more is to be sent, now or later."""
        self._record()
        for rule, delivery in self._store.alerts.to_send(self._clock(), self._sending):
            self._sending.add(rule.id)
            self._threads.submit(self._try, rule, delivery)
        return bool(self._sending) or self._store.alerts.has_unsent()

    def close(self) -> None:
        """Wait for what is being sent, and record it."""
        self._threads.shutdown()
        self._record()

    def _try(self, rule: AlertRule, delivery: Delivery) -> None:
        try:
            answer = self._send(rule, delivery.message)
        except Exception as error:
            logger.exception("alert %s: an error while a message was sent", rule.name)
            answer = Answer(False, None, f"an error, {type(error).__name__}")
        self._answers.put((rule, delivery, answer.to_try(self._clock()), answer.is_final))

    def _record(self) -> None:
        while not self._answers.empty():
            self._to_record.append(self._answers.get())
        while self._to_record:
            rule, delivery, tried, is_final = self._to_record[0]
            count = len(delivery.tries)
            gives_up = is_final or count >= len(RETRY_SECONDS)
            next_at = None if tried.ok or gives_up else tried.time + RETRY_SECONDS[count]
            try:
                self._store.alerts.record_try(delivery.id, tried, next_at)
            except ConvDeckError as error:
                if isinstance(error, UserError):
                    raise
                # The database is busy: it is not sent again meanwhile, because its rule counts as sending.
                logger.warning("alert %s: how a message went could not be recorded yet: %s", rule.name, error)
                return
            done = "sent" if tried.ok else "not sent"
            logger.info("alert %s: %s, %s %s", rule.name, done, tried.status, tried.answer)
            self._to_record.pop(0)
            self._sending.discard(rule.id)
