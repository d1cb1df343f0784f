"""Sends one message once: to a webhook by HTTP, or to a command on its standard input. It never raises."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.alerts.command import run_command
from core.alerts.webhook import post
from core.formatting import printable
from core.store.alerts import AlertRule, Try

DEADLINE_SECONDS = 10.0
MOST_ANSWER_CHARACTERS = 200


class Answer(NamedTuple):
    """How sending went. `status` is that of HTTP, or of the process; `is_final`: trying again changes nothing."""

    ok: bool
    status: int | None
    text: str
    is_final: bool = False

    def to_try(self, time: float) -> Try:
        """As the log keeps it."""
        return Try(time, self.ok, self.status, printable(self.text, MOST_ANSWER_CHARACTERS).rstrip("."))


def deliver(
    rule: AlertRule, message: Mapping[str, Any], deadline_seconds: float = DEADLINE_SECONDS
) -> Answer:
    """Send it where the rule says, and wait for the answer for at most `deadline_seconds`."""
    body = json.dumps(message, allow_nan=False).encode()
    if rule.command is not None:
        return Answer(*run_command(rule.command, body, deadline_seconds))
    return Answer(*post(rule.webhook or "", body, deadline_seconds, public_only=rule.public_only))
