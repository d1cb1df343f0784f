"""The verdicts there are, and what a judgement of curves comes to."""

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """What the curves look like."""

    TOO_EARLY = "too_early"
    UNDERFITTING = "underfitting"
    HEALTHY = "healthy"
    OVERFITTING = "overfitting"
    PLATEAU = "plateau"
    DIVERGED = "diverged"
    NOISY = "noisy"
    GUESSING = "guessing"


class Finding(NamedTuple):
    """A verdict in a few words and in a sentence; `onset_epoch` is that of overfitting."""

    verdict: Verdict
    headline: str
    evidence: str
    onset_epoch: int | None = None
