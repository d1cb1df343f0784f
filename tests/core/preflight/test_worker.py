"""The heavy end's answers to what goes wrong."""

import io
import os
import subprocess
import sys

import pytest

from core.errors import DatasetError, EngineError
from core.preflight import worker


class ResourceExhaustedError(Exception):
    """As TensorFlow calls it."""


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (MemoryError(), {"out_of_memory": True}),
        (ResourceExhaustedError("OOM when allocating tensor"), {"out_of_memory": True}),
        (DatasetError("It is damaged."), {"user_error": "It is damaged."}),
        (EngineError("It broke."), {"error": "It broke."}),
        (KeyError("x"), {"error": "The dry run ended with KeyError: 'x'"}),
    ],
)
def test_every_error_has_an_answer(monkeypatch, error: Exception, answer: dict) -> None:
    def work(*arguments):
        raise error

    monkeypatch.setattr(worker, "_work", work)
    assert worker._answer({}, io.StringIO(), 0.0) == answer


def test_the_peak_is_this_process_s_own_and_not_its_starter_s() -> None:
    """On Linux getrusage tells a started process the highest mark of the one that started it."""
    program = "from core.preflight.worker import peak_rss_mib; print(peak_rss_mib())"
    held = bytearray(os.urandom(1)) * 300_000_000
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 5 < int(done.stdout) < 250 < len(held) // 2**20
