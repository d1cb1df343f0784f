"""Setting up the backend, and telling what its errors mean."""

import pytest
import tensorflow as tf

from core.training.runtime import backend_name, is_out_of_memory


def test_tests_run_on_tensorflow() -> None:
    assert backend_name() == "tensorflow"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9999,64,30,30]"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes."),
    ],
)
def test_memory_errors_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [ValueError("shapes differ"), tf.errors.InvalidArgumentError(None, None, "no")]
)
def test_other_errors_are_not_taken_for_them(error: Exception) -> None:
    assert not is_out_of_memory(error)
