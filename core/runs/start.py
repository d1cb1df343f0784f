"""From a config to a run: whether it can be trained here, its start and its forks."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.config import ExperimentConfig
from core.config.changes import describe_changes
from core.datasets.identity import check_same_data
from core.datasets.lookup import check_dataset, dataset_shape
from core.datasets.storage import is_ready
from core.design.architecture import Architecture, describe_network
from core.design.muon import check_optimizer
from core.design.presets import PRESETS, quick_start
from core.errors import RunError
from core.runs import control
from core.runs.source_names import source_ids, source_names
from core.runs.starting_weights import check_start
from core.store.records import MAX_NAME_CHARACTERS, Run, RunRequest
from core.store.reuse import Queued
from core.store.store import Store
from core.system.devices import list_devices
from core.workspace import Workspace


def check_experiment(workspace: Workspace, config: ExperimentConfig) -> Architecture:
    """The network that the config describes, once everything that can be checked before the start holds.

    Raises:
        DatasetError: the data set is unknown, damaged or has yet to be downloaded.
        ConfigError: more training pictures are asked for than there are, the network cannot be built, or the
            optimizer would train nothing of it; or the run that it starts from is not there or does not fit.
    """
    check_dataset(workspace, config.dataset)
    image_shape, num_classes = dataset_shape(workspace, config.dataset)
    network = describe_network(config.model, image_shape, num_classes)
    check_optimizer(config.optimizer, network)
    check_start(workspace, config, network)
    return network


def start_experiment(workspace: Workspace, request: RunRequest) -> Run:
    """Queue a run of a config that can be trained here.

    Raises:
        UserError: it cannot be trained here, or a text is not allowed; nothing is queued then.
    """
    return start_or_share_experiment(workspace, request, reuse=False).run


def start_or_share_experiment(workspace: Workspace, request: RunRequest, *, reuse: bool) -> Queued:
    """The same, but with `reuse` an identical run that has finished or is under way is the answer, if there is one."""
    return start_or_share_experiments(workspace, [request], reuse=reuse)[0]


def start_or_share_experiments(
    workspace: Workspace, requests: Sequence[RunRequest], *, reuse: bool
) -> list[Queued]:
    """The same for several: where one is refused, none is queued."""
    workspace.ensure()
    for request in requests:
        check_experiment(workspace, request.config)
    return control.start_or_share_runs(workspace, requests, reuse=reuse)


def fork_experiment(
    workspace: Workspace,
    run_id: str,
    values: Mapping[str, Any],
    name: str | None = None,
    token: str | None = None,
) -> Run:
    """The run of `fork_or_share_experiment` where none is shared."""
    return fork_or_share_experiment(workspace, run_id, values, name, token, reuse=False).run


def fork_or_share_experiment(
    workspace: Workspace, run_id: str, values: Mapping[str, Any], name: str | None = None,
    token: str | None = None, *, reuse: bool,
) -> Queued:  # fmt: skip
    """Queue a run like another one but for `values`, such as `{"augmentation.rotation_degrees": 20}`.

    The fork starts from epoch 0. With the same seed it has its parent's initial weights, in the layers that both have,
    and with as many pictures its order of them, so that the two curves differ by the change alone. Without a name it is
    named after its parent and the change. With `reuse` an identical fork of the same run is the answer, if there is
    one.

    Raises:
        RunNotFound: there is no such run.
        UserError: nothing would change, its parent was started on other data that had the same name, or it cannot be
            trained here; nothing is queued then.
    """
    workspace.ensure()
    with Store(workspace) as store:
        parent = store.get_run(run_id)
    config = parent.config.with_values(values)
    if config == parent.config:
        raise RunError(f"A fork needs a change: these values are the settings of “{parent.name}” already.")
    if config.dataset.id == parent.dataset:
        check_same_data(workspace, parent)
    check_experiment(workspace, config)
    name = name or fork_name(parent.name, _changes(workspace, parent.config, config))
    request = RunRequest(config, name, parent.preset, token, parent.id)
    return control.start_or_share_run(workspace, request, reuse=reuse)


def _changes(workspace: Workspace, before: ExperimentConfig, after: ExperimentConfig) -> str:
    with Store(workspace) as store:
        names = source_names(store, source_ids((before, after)))
    return names.words(describe_changes(before, after))


def fork_name(parent: str, changes: str) -> str:
    """`article 1: rotation 0° → 20°`, cut to what a name may have."""
    # The fork of a fork is named after the first run: the chain of changes would not fit.
    name = f"{parent.partition(': ')[0]}: {changes}"
    return name if len(name) <= MAX_NAME_CHARACTERS else name[: MAX_NAME_CHARACTERS - 1] + "…"


def has_cifar10(workspace: Workspace) -> bool:
    """Whether CIFAR-10 has been downloaded."""
    return is_ready(workspace, "cifar10")


def preset_for_here(workspace: Workspace, name: str) -> ExperimentConfig:
    """The preset on CIFAR-10 where that is available, otherwise cut to fit Shapes."""
    if has_cifar10(workspace):
        return PRESETS[name].config
    return quick_start(name, has_cifar10=False, has_gpu=False)


def quick_for_here(workspace: Workspace, name: str) -> ExperimentConfig:
    """The preset cut to what this machine shows within a minute or two."""
    has_gpu = any(device.kind == "gpu" for device in list_devices().devices)
    return quick_start(name, has_cifar10=has_cifar10(workspace), has_gpu=has_gpu)
