"""How pictures of an import are read."""

from dataclasses import dataclass

from core.datasets.storage import MAX_SIDE
from core.errors import DatasetError

DEFAULT_SIZE = 32


@dataclass(frozen=True)
class Reading:
    """How pictures are read: the side in pixels to which they are brought (None: the default), what is cut off (see
    `core.images.fit_picture`), and whether those that cannot be read are left out.
    """

    image_size: int | None = None
    crop: str = "center"
    skip_damaged: bool = False

    @property
    def size(self) -> int:
        return DEFAULT_SIZE if self.image_size is None else self.image_size

    def check(self) -> None:
        """Raise DatasetError unless pictures may be brought to this side."""
        if not 8 <= self.size <= MAX_SIDE:
            raise DatasetError(f"The image size must be from 8 to {MAX_SIDE} pixels, not {self.size}.")
