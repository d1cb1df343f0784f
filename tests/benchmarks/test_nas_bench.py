"""The search finds good networks in a table of 15,625, and tries what Optuna alone would try.

The first five of the twenty seeds of `python -m tests.benchmarks.nas_bench`, whose output is in docs/results.md.
"""

import io
import pickle
from pathlib import Path

import numpy as np
import optuna
import pytest

from tests.benchmarks.nas_bench import (
    OPERATIONS,
    PLACES,
    PlainUnpickler,
    accuracies,
    network_of,
    regret,
    searched,
)

SEEDS = range(5)


def test_tpe_leaves_less_than_0_3_points_and_random_order_more() -> None:
    tpe = np.mean([regret(searched("tpe", seed)) for seed in SEEDS], axis=0)
    random = np.mean([regret(searched("random", seed)) for seed in SEEDS], axis=0)
    assert max(tpe) <= 0.30
    assert min(random) > 0.45


def test_the_search_tries_what_optuna_alone_tries() -> None:
    """But for what Optuna repeats, which is told as it was and left out."""
    table, generator = accuracies(), np.random.default_rng(3)
    tried: dict[str, float] = {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=3))
    while len(tried) < 60:
        trial = study.ask()
        network = network_of({path: trial.suggest_categorical(path, OPERATIONS) for path in PLACES})
        if network not in tried:
            tried[network] = table[network][generator.integers(len(table[network]))]
        study.tell(trial, tried[network])
    assert len(study.trials) > 60
    assert searched("tpe", 3, num_trials=60) == list(tried.items())


def test_the_table_is_nas_bench_201() -> None:
    """5 operations at 6 places; the best validation accuracy that the paper's table 5 gives is 91.61 %."""
    table = accuracies()
    assert len(table) == 5**6
    assert max(float(np.mean(each)) for each in table.values()) == pytest.approx(91.61, abs=0.005)


def test_a_table_that_runs_something_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match="nothing but numbers"):
        PlainUnpickler(io.BytesIO(pickle.dumps(Path("x")))).load()
