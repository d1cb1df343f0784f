"""Which pictures a run learns from."""

import re
from dataclasses import dataclass

from core.config.fields import check_limits, describe, number, whole
from core.errors import ConfigError

DATASET_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class DatasetConfig:
    """A data set and how much of it is used.

    `num_train` takes a stratified subset, and a smaller subset lies inside a larger one, so that runs on more
    data differ by the added pictures alone. `image_size` resizes to a square of that many pixels (None: as
    stored). `label_noise` is the fraction of training labels replaced by a wrong class.
    """

    id: str = "cifar10"
    num_train: int | None = whole(None, 1, 10_000_000)
    image_size: int | None = whole(None, 8, 256)
    label_noise: float = number(0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not DATASET_ID.fullmatch(self.id):
            raise ConfigError(
                "dataset.id",
                f"must be 1 to 40 small letters, digits, '-' or '_', not {describe(self.id)}.",
            )
        check_limits(self, "dataset.")
