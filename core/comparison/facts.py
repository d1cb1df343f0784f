"""What is known of each run, for a table of all of them: settings by path, results by key, tags.

A thousand runs of 200 epochs take half a second to read and a few milliseconds to look over again: what is made of a
run is kept until its row changes.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.config import DatasetConfig
from core.config.changes import values_by_path
from core.config.experiment import ExperimentConfig
from core.config.model import ModelConfig
from core.datasets.storage import DatasetInfo, describe_dataset
from core.design.architecture import describe_network
from core.errors import ConfigError
from core.store.records import RUN_COLUMNS, Run
from core.store.results import EpochResults, ResultRow
from core.store.states import RunState
from core.store.store import Store

# About 10 KB each.
RUNS_KEPT = 8192

FINISHED, FAILED, STOPPED, UNDER_WAY = "finished", "failed", "stopped", "under way"
OUTCOMES = (FINISHED, FAILED, STOPPED, UNDER_WAY)
_OUTCOME_OF = {
    RunState.FINISHED: FINISHED,
    RunState.FAILED: FAILED,
    RunState.STOPPED: STOPPED,
    RunState.INTERRUPTED: STOPPED,
}
NOTHING_KNOWN = EpochResults(None, None, None, None)
SEED = "seed"


@dataclass(frozen=True)
class RunFacts:
    """A run with its settings by path and its results by the keys of `core.comparison.quantities`.

    `settings` are those that it trains with, epochs that were added included; empty where another version of ConvDeck
    wrote what this one cannot read. `number` is its row in the store. `num_train` are the training pictures that it
    learns from, `num_validation` those that judge it; None where they are not known any more.
    """

    number: int
    run: Run
    settings: Mapping[str, Any] = field(repr=False)
    results: Mapping[str, float | None] = field(repr=False)
    tags: tuple[str, ...] = ()
    hidden: bool = False
    learning_rate_changed: bool = False
    num_train: int | None = None
    num_validation: int | None = None

    def __hash__(self) -> int:
        return hash(self.run.id)

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def outcome(self) -> str:
        """One of OUTCOMES: `stopped` is also for interrupted, `under way` for waiting and paused."""
        return _OUTCOME_OF.get(self.run.state, UNDER_WAY)

    @property
    def counts(self) -> bool:
        """Whether it is part of a mean: it has finished and measured an accuracy. Others would pull it down early."""
        return self.outcome == FINISHED and self.run.best_val_accuracy is not None

    @property
    def config(self) -> ExperimentConfig | None:
        """What it trains with; None where it cannot be read."""
        return None if self.run.readable_config is None else self.run.trained_config

    @property
    def seed(self) -> int | None:
        """With which runs it makes a pair; None where its settings cannot be read."""
        return self.settings.get(SEED)

    @property
    def beyond_settings(self) -> tuple[str | None, bool]:
        """What makes it another run than one with equal settings: its data, and a rate that was changed by hand."""
        return self.run.dataset_digest, self.learning_rate_changed


def read_facts(store: Store) -> tuple[RunFacts, ...]:
    """Every run, newest first."""
    return _known(store.workspace.database).read(store)


class _Known:
    """The facts of the runs in one database, each kept until its row or its data set changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[ResultRow, object, RunFacts]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, store: Store) -> tuple[RunFacts, ...]:
        rows = store.results.rows()
        datasets: dict[str, DatasetInfo | None] = {}
        found: dict[int, RunFacts] = {}
        missing: list[tuple[ResultRow, DatasetInfo | None]] = []
        with self._lock:
            kept = dict(self._kept)
        for row in rows:
            name = str(row.columns[_DATASET])
            if name not in datasets:
                datasets[name] = describe_dataset(store.workspace, name)
            known = kept.get(row.number)
            if known and known[0] == row and known[1] == _shape_of(datasets[name]):
                found[row.number] = known[2]
            else:
                missing.append((row, datasets[name]))
        if missing:
            runs = store.results.runs(row for row, _ in missing)
            measured = store.results.over_epochs(row.number for row, _ in missing)
            with self._lock:
                for (row, info), run in zip(missing, runs, strict=True):
                    facts = _facts(row, run, info, measured.get(row.number, NOTHING_KNOWN))
                    found[row.number] = facts
                    self._kept[row.number] = (row, _shape_of(info), facts)
                    self._kept.move_to_end(row.number)
                while len(self._kept) > RUNS_KEPT:
                    self._kept.popitem(last=False)
        return tuple(found[row.number] for row in rows)


@lru_cache(maxsize=16)
def _known(database: Path) -> _Known:
    return _Known()


_DATASET = RUN_COLUMNS.index("dataset")


def _shape_of(info: DatasetInfo | None) -> object:
    return info and (info.digest, info.image_shape, info.num_classes, info.num_train, info.num_validation)


def _facts(row: ResultRow, run: Run, info: DatasetInfo | None, measured: EpochResults) -> RunFacts:
    config = None if run.readable_config is None else run.trained_config
    if info is None or not info.class_names or not _is_same_data(run, info):
        info = None
    parameters, flops = (None, None) if config is None else _cost(config.dataset, config.model, info)
    results = {
        "val_accuracy": run.best_val_accuracy,
        "balanced_accuracy": run.balanced_accuracy,
        "gap": run.gap,
        "train_accuracy": measured.clean_train_accuracy,
        "val_loss": measured.val_loss,
        "parameters": parameters,
        "flops": flops,
        "seconds_per_epoch": measured.seconds_per_epoch,
        "seconds": measured.seconds,
        "epochs": run.epoch,
        "best_epoch": run.best_epoch,
    }
    known = run.data or info
    num_train = (config and config.dataset.num_train) or (known and known.num_train)
    return RunFacts(
        row.number, run, MappingProxyType({} if config is None else values_by_path(config, recording=False)),
        MappingProxyType(results), row.tags, row.hidden, row.learning_rate_changed, num_train or None,
        (known and known.num_validation) or None,
    )  # fmt: skip


def _is_same_data(run: Run, info: DatasetInfo) -> bool:
    """Whether the data set is the run's own; one without a digest cannot be told from it."""
    return run.dataset_digest is None or info.digest is None or run.dataset_digest == info.digest


def _cost(
    dataset: DatasetConfig, model: ModelConfig, info: DatasetInfo | None
) -> tuple[int | None, int | None]:
    """(parameters, FLOPs per picture); None where the shape of its pictures is not known any more."""
    if info is None:
        return None, None
    return _cost_of(model, dataset.picture_shape(info.image_shape), info.num_classes)


@lru_cache(maxsize=RUNS_KEPT)
def _cost_of(
    model: ModelConfig, shape: tuple[int, int, int], num_classes: int
) -> tuple[int | None, int | None]:
    try:
        network = describe_network(model, shape, num_classes)
    except ConfigError:
        return None, None
    return network.parameters, network.flops


def find(facts: Sequence[RunFacts], run_id: str | None) -> RunFacts | None:
    """The run with this id among them."""
    return next((each for each in facts if each.id == run_id), None)
