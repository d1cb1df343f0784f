"""What stands beside a saved model: `best-000007.json` says what `best-000007.keras` is. Loads no Keras."""

import hashlib
import json
from dataclasses import asdict, dataclass

ImageShape = tuple[int, int, int]


@dataclass(frozen=True)
class Description:
    """What a model file is; `sha256` are 64 hexadecimal digits. `crop` is how its pictures were brought to their shape,
    see `core.images.fit_picture`.
    """

    epoch: int
    class_names: tuple[str, ...]
    image_shape: ImageShape
    sha256: str
    crop: str = "center"

    def to_json(self) -> str:
        """With `seal`, the SHA-256 of everything else."""
        values = asdict(self)
        return json.dumps({**values, "seal": _seal(values)})

    @classmethod
    def from_json(cls, data: bytes) -> "Description | None":
        """None unless it says exactly what was written."""
        try:
            values = json.loads(data)
            if values.pop("seal") != _seal(values):
                return None
            height, width, channels = values["image_shape"]
            names = tuple(values["class_names"])
            crop = values.get("crop", "center")  # older versions had no other
            return cls(values["epoch"], names, (height, width, channels), values["sha256"], crop)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None


def _seal(values: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
