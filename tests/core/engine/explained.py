"""An explanation of a picture of 2×2 pixels, as it comes from the engine, with what a test changes."""

from typing import Any

import numpy as np

from core.engine.explanation import Explanation

PIXELS = np.array([[[10, 0, 200], [40, 90, 20]], [[250, 250, 250], [0, 0, 0]]], np.uint8)


def explained(**changed: Any) -> Explanation:
    """Of class “dog”, while the answer is “cat”."""
    row = {
        "method": "grad-cam", "layer": "conv_2", "layers": ["conv_1", "conv_2"], "class_name": "dog",
        "class_names": ["dog", "cat"], "probabilities": [0.25, 0.75], "is_empty": False, "similarity": 0.1, **changed,
    }  # fmt: skip
    arrays = {
        "seen": PIXELS,
        "map": np.array([[0, 1 / 3], [1, 0.5]], np.float32),
        "random_map": np.array([[1, 0], [0, 0]], np.float32),
    }
    return Explanation.of_row("cat.png", row, arrays, ["as it was read"])
