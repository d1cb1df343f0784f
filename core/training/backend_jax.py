"""What is JAX's own: gradients."""

from collections.abc import Callable
from typing import Any

import jax


def gradient(function: Callable[[Any], Any], at: Any) -> Any:
    """The gradient of `function`, whose value is one number, with respect to the array `at`, of the same shape."""
    return jax.grad(function)(at)
