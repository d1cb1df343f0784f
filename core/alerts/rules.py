"""Rules: what is allowed in one, who may set it, and a test of one."""

import os
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from core.alerts.delivery import deliver
from core.alerts.message import make_test_message
from core.errors import ConfigError, NotAllowed
from core.formatting import printable
from core.store.alerts import KINDS, AlertRule, Delivery, Try
from core.store.store import Store
from core.system.addresses import is_public_only
from core.visitors.person import check_not_visitor

MOST_NAME_CHARACTERS = 60
MOST_URL_CHARACTERS = 2_000
MOST_COMMAND_CHARACTERS = 4_000
HTTP_REFUSALS = 300  # the first status of an address that is no success; no exit code is as high

# What a kind says, for people.
KIND_NAMES = {
    "overfitting": "Overfitting",
    "diverged": "Diverged",
    "plateau": "Plateau",
    "finished": "Run finished",
    "failed": "Run or sweep failed",
    "sweep_decided": "Sweep decided",
    "study_finished": "Study finished",
}


def add_rule(
    store: Store,
    name: str,
    kinds: Sequence[str],
    *,
    webhook: str | None = None,
    command: Sequence[str] | None = None,
    is_local: bool,
) -> AlertRule:
    """A new rule that hears from now on. `is_local`: the person who sets it can run any program on this computer.

    From another computer no command can be set, and a webhook leads to public addresses alone: otherwise this computer
    could be made to ask what only it reaches. Raises ConfigError for what is not allowed, NotAllowed, UserError.
    """
    check_not_visitor("change alerts")
    name, kinds = _checked_name(name), _checked_kinds(kinds)
    if (webhook is None) == (command is None):
        raise ConfigError("webhook", "or a command must be given, and not both.")
    if command is not None:
        if not is_local:
            raise NotAllowed(
                "A command can be set only on this computer: with python -m core alerts add, or on its System page."
            )
        return store.alerts.add_rule(name, kinds, None, _checked_command(command), public_only=False)
    return store.alerts.add_rule(
        name, kinds, checked_webhook(webhook, public_only=not is_local), None, public_only=not is_local
    )


def send_test(store: Store, name: str) -> Delivery:
    """Send a message of the kind `test` now, once, and wait for how it goes. Raises AlertNotFound, NotAllowed."""
    check_not_visitor("test alerts")
    rule = store.alerts.get_rule(name)
    message = make_test_message(rule, time.time())
    return store.alerts.log_test(rule, message, deliver(rule, message).to_try(time.time()))


def rule_document(rule: AlertRule) -> dict[str, Any]:
    """A rule as JSON, the same on the command line and by REST."""
    return {
        "name": rule.name,
        "on": list(rule.kinds),
        "webhook": rule.webhook,
        "command": None if rule.command is None else list(rule.command),
        "public_only": rule.public_only,
        "created_at": rule.created_at,
    }


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """A message and how it went as JSON."""
    return {
        "id": delivery.id,
        "alert": delivery.rule,
        "kind": delivery.kind,
        "subject": delivery.subject,
        "subject_id": delivery.subject_id,
        "state": delivery.state,
        "message": delivery.message,
        "tries": [asdict(each) for each in delivery.tries],
        "created_at": delivery.created_at,
        "next_at": delivery.next_at,
    }


def channel_in_words(rule: AlertRule) -> str:
    """Where it sends, on one line: an address, or a command as a shell would take it."""
    return printable(rule.webhook or shlex.join(rule.command or ()), 200)


def outcome_in_words(delivery: Delivery) -> str:
    """`Delivered: the address answered 200 (ok).` A sentence on how a message went."""
    last = delivery.tries[-1] if delivery.tries else None
    if last is None:
        return (
            "Waits to be sent." if delivery.state == "pending" else "Not sent: the alert was removed before."
        )
    told = _try_in_words(last)
    if delivery.state == "sent":
        return f"Delivered: {told}."
    tries = f" after {len(delivery.tries)} tries" if len(delivery.tries) > 1 else ""
    if delivery.state == "pending":
        return f"Not delivered yet{tries}: {told}. It is tried again."
    return f"Not delivered{tries}: {told}."


def _try_in_words(tried: Try) -> str:
    """What was answered, without a full stop.

    Whether an address or a command has answered is seen by the number: commands end with 0 where they take a message,
    else with at most 255 or by a signal, which is below 0; addresses answer 2xx, and 300 or more where they do not.
    """
    if tried.status is None:
        return tried.answer
    if tried.status < 0:
        told = f"the command was ended by signal {-tried.status}"
    elif tried.status >= HTTP_REFUSALS or (tried.ok and tried.status):
        told = f"the address answered {tried.status}"
    else:
        told = f"the command ended with exit code {tried.status}"
    return f"{told} ({tried.answer})" if tried.answer else told


def split_webhook(url: str) -> SplitResult:
    """The parts of the address of a webhook. Raises ConfigError where it is none."""
    if not url or len(url) > MOST_URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(
            "webhook",
            f"must be an address of at most {MOST_URL_CHARACTERS:,} plain characters, such as https://example.com/hook.",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("webhook", "is no address: host or port cannot be read.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ConfigError("webhook", "must begin with https:// or http:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("webhook", "must not hold a user or a password before the host.")
    return parts


def checked_webhook(url: object, *, public_only: bool) -> str:
    """Raises ConfigError for what is no address of a webhook or, with `public_only`, is not in the public internet."""
    text = url.strip() if isinstance(url, str) else ""
    parts = split_webhook(text)
    if public_only:
        host = parts.hostname or ""
        try:
            is_allowed = is_public_only(host, parts.port or 443)
        except (OSError, UnicodeError):
            raise ConfigError(
                "webhook", f"names {printable(host, 60)}, which has no address. Check the name."
            ) from None
        if not is_allowed:
            raise ConfigError(
                "webhook",
                f"leads to {printable(host, 60)}, which is this computer or in its network. From another computer only "
                "public addresses can be set; set it on this computer instead.",
            )
    return text


def _checked_name(name: object) -> str:
    shown = printable(name, MOST_NAME_CHARACTERS + 1) if isinstance(name, str) else ""
    if not shown:
        raise ConfigError("name", "must be given: an alert needs a name.")
    if len(shown) > MOST_NAME_CHARACTERS:
        raise ConfigError("name", f"must have at most {MOST_NAME_CHARACTERS} characters.")
    if "/" in shown or shown in (".", "..", "log"):  # it is part of an address of REST
        raise ConfigError("name", "must not hold a slash, nor be . or .. or log.")
    return shown


def _checked_kinds(kinds: object) -> list[str]:
    given = list(kinds) if isinstance(kinds, list | tuple) else []
    if not given:
        raise ConfigError("on", f"must name at least one of {', '.join(KINDS)}.")
    for kind in given:
        if kind not in KINDS:
            raise ConfigError("on", f"must be of {', '.join(KINDS)}, not {printable(str(kind), 40)!r}.")
    return [kind for kind in KINDS if kind in given]


def _checked_command(command: object) -> list[str]:
    words = list(command) if isinstance(command, list | tuple) else []
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise ConfigError("command", "must be a path and its arguments.")
    if sum(len(word) for word in words) > MOST_COMMAND_CHARACTERS:
        raise ConfigError("command", f"must have at most {MOST_COMMAND_CHARACTERS:,} characters.")
    path = Path(words[0])
    if not path.is_absolute():
        raise ConfigError("command", f"must begin with an absolute path, not {printable(words[0], 60)!r}.")
    if not path.is_file() or not os.access(path, os.X_OK):
        raise ConfigError("command", f"names {printable(words[0], 60)}, which is no program that can be run.")
    return words
