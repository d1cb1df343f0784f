"""Rules in words: where one sends, and how a message went."""

import shlex

import pytest

from core.alerts.rules import channel_in_words, outcome_in_words
from core.store.alerts import AlertRule, Delivery, Try


def delivery(state: str, *tries: Try) -> Delivery:
    return Delivery("0", "phone", "test", None, None, state, {}, tries, 0.0, None)


@pytest.mark.parametrize(
    ("state", "tried", "told"),
    [
        ("sent", Try(1, True, 204, ""), "Delivered: the address answered 204."),
        ("sent", Try(1, True, 200, "ok"), "Delivered: the address answered 200 (ok)."),
        ("sent", Try(1, True, 0, ""), "Delivered: the command ended with exit code 0."),
        ("failed", Try(1, False, 1, "no bell"), "Not delivered: the command ended with exit code 1 (no bell)."),
        ("failed", Try(1, False, 204, ""), "Not delivered: the command ended with exit code 204."),
        ("failed", Try(1, False, -9, ""), "Not delivered: the command was ended by signal 9."),
        ("failed", Try(1, False, 404, ""), "Not delivered: the address answered 404."),
        ("failed", Try(1, False, None, "no answer within 10 seconds"), "Not delivered: no answer within 10 seconds."),
        ("pending", Try(1, False, 503, ""), "Not delivered yet: the address answered 503. It is tried again."),
    ],
)  # fmt: skip
def test_what_a_number_stands_for_is_said(state: str, tried: Try, told: str) -> None:
    assert outcome_in_words(delivery(state, tried)) == told


def test_a_command_is_told_as_a_shell_would_take_it() -> None:
    command = ("/usr/bin/env", "a b", "it's", "$HOME")
    told = channel_in_words(AlertRule("0", "bell", ("failed",), None, command, False, 0.0))
    assert tuple(shlex.split(told)) == command and "'a b'" in told
