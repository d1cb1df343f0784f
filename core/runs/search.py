"""Looking for runs by what they are called."""

from dataclasses import dataclass

from core.runs.records import Run


@dataclass(frozen=True)
class Found:
    """A page of what was looked for, and how many there are on all pages."""

    runs: tuple[Run, ...]
    total: int


def fits(text: str, run_id: str, name: str, dataset: str, preset: str | None) -> bool:
    """Whether name, data set or preset hold each word of `text`, whatever its case, or the id begins with it."""
    described = f"{name} {dataset} {preset or ''}".casefold()
    return all(word in described for word in text.casefold().split()) or run_id.startswith(text.strip())
