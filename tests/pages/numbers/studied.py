"""What the database holds of the runs of a study, and the interval that is said of it, by SciPy."""

import json
import statistics

import numpy as np
from scipy import stats

from core.store.store import Store
from tests.pages.numbers.readings import sql


def told(store: Store) -> list[dict]:
    """Of each run of the only study, in the order in which they were begun: its config, and validation and clean
    training accuracy as lists over the epochs.
    """
    found = []
    for number, config in sql(
        store.workspace,
        "SELECT number, config FROM runs JOIN study_runs ON run_number = number ORDER BY number",
    ):
        epochs = sql(store.workspace, "SELECT * FROM epochs WHERE run_number = ? ORDER BY epoch", number)
        found.append(
            {
                "config": json.loads(config), "val": [row["val_accuracy"] for row in epochs],
                "clean": [row["clean_train_accuracy"] for row in epochs],
            }
        )  # fmt: skip
    return found


def interval(values: list[float]) -> tuple[float, float, float]:
    """(mean, low, high) of SciPy's t distribution."""
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    return float(np.mean(values)), float(low), float(high)


def gap_of(run: dict) -> float:
    """The median of the last three epochs, of fewer the last one's."""
    gaps = [clean - val for clean, val in zip(run["clean"], run["val"], strict=True)]
    return statistics.median(gaps[-3:]) if len(gaps) > 2 else gaps[-1]
