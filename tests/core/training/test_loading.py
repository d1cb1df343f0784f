"""Keras is loaded without what nothing here uses, and everything else stays as if it had been imported."""

import json
import os
import subprocess
import sys

import pytest

LOAD = """
import gc, json, sys
from core.training.loading import load_keras
before = gc.isenabled()
load_keras()
found = {name: name in sys.modules for name in ("jax", "pandas", "sklearn")}
frozen = gc.get_freeze_count()
load_keras()
again = gc.get_freeze_count()
import keras, pandas, sklearn
print(json.dumps([keras.backend.backend(), found, before, gc.isenabled(), frozen, again]))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_what_is_unused_is_left_out_and_can_be_imported_later(backend):
    ran = subprocess.run(
        [sys.executable, "-c", LOAD],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded, found, before, after, frozen, again = json.loads(ran.stdout.splitlines()[-1])
    assert loaded == backend
    assert found == {"jax": backend == "jax", "pandas": False, "sklearn": False}
    assert before is True and after is True
    assert frozen > 100_000  # all that was loaded
    assert again == frozen  # and nothing of what has been done since
