"""Test-time augmentation in the engine: a picture varied a number of times, and the answers to its variants together.

Nothing is drawn by chance: every picture is varied by the same draws, so that the same picture gets the same answer.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.system.frames import Pixels

SEED = (20_240,)


def vary(pixels: Pixels, policy: AugmentationConfig, count: int) -> tuple[Pixels, list[dict[str, str]]]:
    """(height, width, channels) pixels → `count` variants of them, (count, height, width, channels) uint8, and what was
    drawn for each, in words.
    """
    from core.training.augmentation import apply
    from core.training.draws import draw

    repeated = np.repeat(pixels[None], count, axis=0)
    draws = draw(policy, count, pixels.shape, SEED)
    varied, _ = apply(repeated, np.zeros((count, 1), np.float32), draws)
    return np.asarray(varied), [draws.describe(index) for index in range(count)]


def with_temperature(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """(count, classes) probabilities of logits that are divided by `temperature` (arXiv 1706.04599, section 4.2)."""
    # p^(1/T), normalized, by the largest of each row, so that none is too small to be told from 0.
    powers: NDArray[np.float32] = (probabilities / probabilities.max(axis=1, keepdims=True)) ** (
        1 / temperature
    )
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def spread_of(
    probabilities: NDArray[np.float32],
    answer: int,
    class_names: tuple[str, ...],
    changes: list[dict[str, str]],
) -> dict[str, Any]:
    """Of (count, classes) probabilities of a picture's variants: per class its name, mean, standard deviation, least
    and most, the most probable on average first; how many variants keep the `answer` to the picture itself; and of each
    its `changes`, its class, and the probability of that.
    """
    means, deviations = probabilities.mean(axis=0), probabilities.std(axis=0)
    least, most = probabilities.min(axis=0), probabilities.max(axis=0)
    order = np.argsort(-means, kind="stable")
    classes = [
        (class_names[i], float(means[i]), float(deviations[i]), float(least[i]), float(most[i]))
        for i in order
    ]
    firsts = probabilities.argmax(axis=1)
    each = [
        (own, class_names[first], float(row[first]))
        for own, first, row in zip(changes, firsts, probabilities, strict=True)
    ]
    kept = int((firsts == answer).sum())
    return {"count": len(probabilities), "kept": kept, "classes": classes, "each": each}
