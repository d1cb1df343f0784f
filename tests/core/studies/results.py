"""Results of studies to hold analyses against, and a standard error by hand."""

import math

from core.studies.run_results import Pictures
from tests.core.studies.ended import FLIPPED, TINY, measured, spec


def agresti_coull(accuracy, pictures):
    """The American Statistician 52, 1998: the standard error with two more right and two more wrong answers."""
    share = (accuracy * pictures + 2) / (pictures + 4)
    return math.sqrt(share * (1 - share) / (pictures + 4))


PICTURES = Pictures(validation=1_500, clean=60, num_classes=10)

# docs/results.md, three seeds of the article's network without and with augmentation, in percent.
ARTICLE = {1: (73.3, 23.6), 2: (73.0, 23.5), 3: (73.0, 23.1)}
AUGMENTED = {1: (74.8, 5.5), 2: (75.2, 6.7), 3: (73.8, 6.1)}


def three_seeds():
    runs = []
    for condition, table in (("first", ARTICLE), ("second", AUGMENTED)):
        runs += [measured(condition, seed, best / 100, gap / 100) for seed, (best, gap) in table.items()]
    return spec("seeds", TINY.with_values({"seed": 1}), FLIPPED), runs


def ablation_runs(asked, numbers):
    return [
        measured(condition, seed, value, gap)
        for condition, pairs in numbers.items()
        for seed, (value, gap) in enumerate(pairs)
        if seed in asked.seeds
    ]


TWO_KNOBS = FLIPPED.with_values({"augmentation.rotation_degrees": 20})
ABLATION_NUMBERS = {
    "full": [(0.75, 0.05), (0.76, 0.06), (0.74, 0.04)],
    "none": [(0.72, 0.20), (0.73, 0.22), (0.705, 0.21)],
    "without:rotation": [(0.74, 0.10), (0.77, 0.11), (0.735, 0.12)],
    "without:horizontal flip": [(0.729, 0.15), (0.741, 0.15), (0.72, 0.14)],
}
