"""Which pictures a run learns from."""

import re
from typing import Annotated, ClassVar

from msgspec import Meta

from core.config.part import Check, ConfigPart
from core.config.refusals import NUMBERS, describe
from core.errors import ConfigError

DATASET_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
# In place of a data set's id, of a run that another tool has recorded. No id, so that no data set can have it.
NOT_KNOWN = "not known"


class DatasetConfig(ConfigPart, frozen=True):
    """A data set and how much of it is used."""

    place: ClassVar[str] = "dataset."

    id: Annotated[str, Meta(pattern=f"^{DATASET_ID.pattern}$")] = "cifar10"
    num_train: Annotated[
        Annotated[int, Meta(ge=1, le=10_000_000)] | None,
        Meta(
            description="Trains on a stratified subset of this many pictures (null: all). A smaller subset lies inside "
            "a larger one, so that runs on more data differ by the added pictures alone."
        ),
    ] = None
    image_size: Annotated[
        Annotated[int, Meta(ge=8, le=256)] | None,
        Meta(description="Resizes to a square of this many pixels per side (null: as stored)."),
    ] = None
    label_noise: Annotated[
        float, Meta(ge=0, le=1, description="The fraction of training labels replaced by a wrong class.")
    ] = 0.0

    def picture_shape(self, stored: tuple[int, int, int]) -> tuple[int, int, int]:
        """The (height, width, channels) that the network reads, of a data set whose pictures are `stored`."""
        return stored if self.image_size is None else (self.image_size, self.image_size, stored[2])

    def check(self, fields: Check) -> None:
        # A pattern's $ also takes a line's end behind it.
        if not isinstance(self.id, str) or not DATASET_ID.fullmatch(self.id):
            raise ConfigError(
                "dataset.id",
                f"must be 1 to 40 lowercase letters, digits, '-' or '_', not {describe(self.id)}.",
            )
        fields(NUMBERS)
