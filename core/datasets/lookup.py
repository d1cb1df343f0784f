"""Which data set an id means, what a network will read of it, and whether a run can train on it now."""

from core.config import DatasetConfig
from core.datasets.storage import DatasetInfo, describe_dataset, list_datasets
from core.errors import ConfigError, DatasetError
from core.workspace import Workspace


def find_dataset(workspace: Workspace, dataset_id: str) -> DatasetInfo:
    """What is known of a data set, stored or not. Raises DatasetError that lists the known ones."""
    found = describe_dataset(workspace, dataset_id)
    if found is None:
        known = ", ".join(info.id for info in list_datasets(workspace))
        raise DatasetError(f"There is no data set {dataset_id[:40]!r} here; choose one of {known}.")
    return found


def dataset_shape(workspace: Workspace, dataset: DatasetConfig) -> tuple[tuple[int, int, int], int]:
    """((height, width, channels), number of classes) of what the network will read.

    Raises:
        DatasetError: the data set is unknown, or damaged so that its shape cannot be told.
    """
    info = find_dataset(workspace, dataset.id)
    if not info.class_names:
        raise DatasetError(info.description)
    return dataset.picture_shape(info.image_shape), info.num_classes


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
            "dataset.num_train",
            f"must be at most {info.num_train:,}, the training pictures of {info.title}, not {asked:,}.",
        )


def values_for(info: DatasetInfo, num_train: int | None) -> dict[str, object]:
    """Settings for a change to this data set, where `num_train` training pictures were chosen before: all of them if
    it has fewer.
    """
    values: dict[str, object] = {"dataset.id": info.id}
    if num_train is not None and 0 < info.num_train < num_train:
        values["dataset.num_train"] = None
    return values
