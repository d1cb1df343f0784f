"""How fast networks have been trained here, and about how long runs will take, from earlier runs."""

from collections.abc import Sequence

from core.config import ExperimentConfig
from core.datasets.lookup import find_dataset
from core.errors import DatasetError, RunNotFound
from core.onboarding.example import EXAMPLE_ID
from core.runs.progress import epoch_seconds
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace

# Older ones are not looked through for a network that was measured.
RECENT_RUNS = 200


def estimate_seconds(
    workspace: Workspace, store: Store, configs: Sequence[ExperimentConfig], num_devices: int
) -> float | None:
    """All of them, shared out over the devices; None where no run of one of the networks was measured here.

    Seconds grow with the pictures an epoch shows, so small sets come out too short: each epoch also measures.
    """
    return estimate_each(workspace, store, [configs], num_devices)[0]


def estimate_each(
    workspace: Workspace, store: Store, groups: Sequence[Sequence[ExperimentConfig]], num_devices: int
) -> list[float | None]:
    """As `estimate_seconds` for each group of configs; earlier runs are read once for all of them."""
    runs = recent_runs(store)
    speeds: dict[object, float | None] = {}

    def seconds_of(config: ExperimentConfig) -> float | None:
        key = network_of(config)
        if key not in speeds:
            speeds[key] = seconds_per_picture(workspace, store, runs, config)
        speed, pictures = speeds[key], pictures_per_epoch(workspace, config)
        if speed is None or pictures is None:
            return None
        return speed * pictures * config.training.epochs * config.training.num_gpus

    totals: list[float | None] = []
    for configs in groups:
        each = [seconds_of(config) for config in configs]
        known = [seconds for seconds in each if seconds is not None]
        totals.append(sum(known) / max(1, num_devices) if len(known) == len(each) else None)
    return totals


def recent_runs(store: Store) -> list[Run]:
    """Those that have ended an epoch, newest first; without the example, which another computer trained."""
    return [run for run in store.list_runs(RECENT_RUNS) if run.epoch and run.id != EXAMPLE_ID]


def seconds_per_picture(
    workspace: Workspace, store: Store, runs: Sequence[Run], config: ExperimentConfig
) -> float | None:
    """From the run of this network that has shown most pictures, the newest of equals. The first epoch loads and
    compiles, and each has a fixed part, so a run of few pictures gives ten times too much.
    """
    speed, most = None, 0.0
    for run in runs:
        run_config = run.readable_config
        if run_config is None or network_of(run_config) != network_of(config):
            continue
        try:
            seconds = epoch_seconds(run, store.curves(run.id))
        except RunNotFound:
            continue  # it was deleted just now
        pictures = pictures_per_epoch(workspace, run_config)
        if seconds is not None and pictures and pictures * run.epoch > most:
            speed, most = seconds / pictures, pictures * run.epoch
    return speed


def network_of(config: ExperimentConfig) -> object:
    """What decides how long a picture takes."""
    training = config.training
    return config.model, config.dataset.id, config.dataset.image_size, training.batch_size, training.num_gpus


def pictures_per_epoch(workspace: Workspace, config: ExperimentConfig) -> float | None:
    """How many are shown; None where the data set is not known."""
    if config.dataset.num_train is not None:
        return config.dataset.num_train * config.training.steps_per_epoch_multiple
    try:
        return find_dataset(workspace, config.dataset.id).num_train * config.training.steps_per_epoch_multiple
    except DatasetError:
        return None
