"""A message: what became true of which run, sweep or study, how that is known, and what to try, as JSON."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.store.alerts import TEST, AlertRule, Subject

URL_VARIABLE = "CONVDECK_URL"
_PAGES = {"run": "runs", "sweep": "sweeps", "study": "studies"}


class Advice(NamedTuple):
    """What to try: a sentence, and the settings that it changes, by path."""

    sentence: str
    settings: Mapping[str, Any]


def message_of(
    kind: str, subject: Subject, subject_id: str, name: str, *, title: str, epoch: int | None, evidence: str,
    advice: Advice | None, time: float,
) -> dict[str, Any]:  # fmt: skip
    """What is sent. The store adds the message's own `id` and the alert's name as `rule`."""
    return {
        "kind": kind,
        "title": title,
        "subject": {"type": subject, "id": subject_id, "name": name},
        "epoch": epoch,
        "evidence": evidence,
        "suggestion": None
        if advice is None
        else {"sentence": advice.sentence, "settings": dict(advice.settings)},
        "link": link_to(subject, subject_id),
        "time": time,
    }


def make_test_message(rule: AlertRule, time: float) -> dict[str, Any]:
    """What a test sends."""
    return {
        "kind": TEST,
        "title": "This is a test: messages of ConvDeck arrive here.",
        "subject": None,
        "epoch": None,
        "evidence": f"The alert “{rule.name}” tells of {', '.join(rule.kinds)}.",
        "suggestion": None,
        "link": _base() + "/system",
        "time": time,
        "rule": rule.name,
    }


def link_to(subject: Subject, subject_id: str) -> str:
    """The page that shows it. From the server's root, unless CONVDECK_URL says where that is."""
    return f"{_base()}/{_PAGES[subject]}?{subject}={subject_id}"


def _base() -> str:
    return os.environ.get(URL_VARIABLE, "").strip().rstrip("/")
