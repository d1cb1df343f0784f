"""From a config to a run: whether it can be trained here, and its start, the same for every face."""

from core.architecture import Architecture, describe
from core.config import DatasetConfig, ExperimentConfig
from core.datasets.storage import DatasetInfo, list_datasets
from core.errors import ConfigError, DatasetError
from core.runs import control
from core.runs.records import Run
from core.workspace import Workspace


def find_dataset(workspace: Workspace, dataset_id: str) -> DatasetInfo:
    """What is known of a data set, at hand or not. Raises DatasetError that lists the known ones."""
    found = {info.id: info for info in list_datasets(workspace)}
    if dataset_id not in found:
        raise DatasetError(f"There is no data set {dataset_id[:40]!r} here. There are: {', '.join(found)}.")
    return found[dataset_id]


def dataset_shape(workspace: Workspace, dataset: DatasetConfig) -> tuple[tuple[int, int, int], int]:
    """((height, width, channels), number of classes) of what the network will read.

    Raises:
        DatasetError: the data set is unknown, or damaged so that its shape cannot be told.
    """
    info = find_dataset(workspace, dataset.id)
    if not info.class_names:
        raise DatasetError(info.description)
    height, width, channels = info.image_shape
    if dataset.image_size is not None:
        height = width = dataset.image_size
    return (height, width, channels), info.num_classes


def check_dataset(workspace: Workspace, dataset: DatasetConfig) -> None:
    """Whether there is what a run would train on.

    Raises:
        DatasetError: the data set is unknown, damaged or has yet to be downloaded.
        ConfigError: more training pictures are asked for than there are.
    """
    info = find_dataset(workspace, dataset.id)
    if info.state == "damaged":
        raise DatasetError(info.description)
    if info.state != "ready" and info.id != "shapes":
        raise DatasetError(
            f"{info.title} is not here yet. Download it on the Datasets page or with: "
            f"python -m core datasets add {info.id}"
        )
    asked = dataset.num_train
    if asked is not None and asked > info.num_train:
        raise ConfigError(
            "dataset.num_train", f"asks for {asked:,} training pictures; {info.title} has {info.num_train:,}."
        )


def check_experiment(workspace: Workspace, config: ExperimentConfig) -> Architecture:
    """The network that the config describes, once everything that can be told before the start holds.

    Raises:
        DatasetError: the data set is unknown, damaged or has yet to be downloaded.
        ConfigError: more training pictures are asked for than there are, or the network cannot be built.
    """
    check_dataset(workspace, config.dataset)
    image_shape, num_classes = dataset_shape(workspace, config.dataset)
    return describe(config.model, image_shape, num_classes)


def start_experiment(
    workspace: Workspace,
    config: ExperimentConfig,
    name: str | None = None,
    preset: str | None = None,
    token: str | None = None,
) -> Run:
    """Queue a run of a config that can be trained here. The same token gives the same run again.

    Raises:
        UserError: it cannot be trained here, or the name is not allowed; nothing is queued then.
    """
    workspace.ensure()
    check_experiment(workspace, config)
    return control.start_run(workspace, config, name, preset, token)
