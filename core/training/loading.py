"""Keras loaded in half the time: only what is used here, and without looking for garbage meanwhile."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# What Keras and TensorFlow import where it is installed, for data frames, wrappers and converters that nothing here
# uses, and do without where it is not. Of 5 seconds of a processor they take 2.
UNUSED = ("jax", "pandas", "sklearn")


def load_keras() -> None:
    """Import Keras with its backend, for a process that is going to need it. The environment has chosen the backend.

    What is left out can be imported afterwards as ever.
    """
    if "keras" in sys.modules:
        return
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    was_enabled = gc.isenabled()
    gc.disable()  # it would look through the new modules over and over: one more second
    try:
        with _left_out(name for name in UNUSED if name != backend):
            import keras  # noqa: F401
    finally:
        if was_enabled:
            gc.enable()
    # What was loaded stays anyway, so that garbage is looked for in what a run has made: 0.03 s instead of 0.4.
    gc.freeze()


@contextmanager
def _left_out(names: Iterator[str]) -> Iterator[None]:
    """An import of these fails meanwhile, unless they are loaded already."""
    modules: dict[str, object] = sys.modules  # type: ignore[assignment]
    absent = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(absent))
    try:
        yield
    finally:
        for name in absent:
            del modules[name]
