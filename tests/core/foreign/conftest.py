"""Reading bytes as if they were files of these names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.foreign.epochs import FoundRun
from core.foreign.reading import Given, read_runs

Read = Callable[..., list[FoundRun]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read({"run/train/events": bytes})`."""

    def read(files: dict[str, bytes], forced=None) -> list[FoundRun]:
        given = []
        for number, (name, data) in enumerate(files.items()):
            path = tmp_path / f"given-{number}"
            path.write_bytes(data)
            given.append(Given(path, name))
        return read_runs(given, forced)

    return read


def columns(found: FoundRun, *keys: str) -> list[tuple[object, ...]]:
    """The rows of a run as tuples of these values."""
    return [tuple(getattr(row, key) for key in keys) for row in found.rows]
