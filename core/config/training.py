"""How long, in which portions and on what a run trains."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from msgspec import Meta
from msgspec.structs import asdict

from core.config.fields import LaterSwitch, RecordingSwitch
from core.config.part import Check, ConfigPart
from core.config.refusals import NUMBERS
from core.errors import ConfigError

Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class TrainingConfig(ConfigPart, frozen=True):
    """Batches, epochs, devices."""

    place: ClassVar[str] = "training."

    batch_size: Annotated[int, Meta(ge=1, le=65_536)] = 32
    epochs: Annotated[int, Meta(ge=1, le=100_000)] = 10
    steps_per_epoch_multiple: Annotated[
        float,
        Meta(
            gt=0,
            le=100,
            description="1 shows each picture once per epoch, shuffled. Any other value samples that many times the "
            "data with replacement: with augmentation, more mini-batches per epoch than there is data.",
        ),
    ] = 1.0
    early_stopping_patience: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(description="The number of epochs without a better validation loss (null: off)."),
    ] = None
    precision: Precision = "float32"
    num_gpus: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Above 1 is data parallel: each device gets an equal share of every batch, so the batch size "
            "must be a multiple of it.",
        ),
    ] = 1
    deterministic: Annotated[
        bool,
        Meta(description="Gives the same curve for the same config and seed on the same machine."),
    ] = True
    test_time_flip: Annotated[
        LaterSwitch,
        Meta(
            description="What is measured and saved answers with the mean of its answers to a picture and to its "
            "mirror image (Jordan, arXiv 2404.00498, section 3.5); what trains does not."
        ),
    ] = False
    precise_batch_norm: Annotated[
        LaterSwitch,
        Meta(
            description="What is measured and saved has batch normalisation's statistics measured over up to 1,000 "
            "training pictures, without augmentation and dropout (precise batch norm: Wu and Johnson, arXiv "
            "2105.07576), and not the running averages of the training, which lag behind."
        ),
    ] = False
    keep_epoch_weights: Annotated[
        RecordingSwitch,
        Meta(
            description="After each epoch, what was measured is kept in compact form in the run's folder: about two "
            "bytes for each weight. It changes nothing of the training, so it is no part of a config's id. Trials of "
            "sweeps and the runs of studies keep none."
        ),
    ] = True

    def check(self, fields: Check) -> None:
        fields(NUMBERS, "precision")
        if self.batch_size % self.num_gpus:
            raise ConfigError(
                "training.num_gpus",
                f"must divide the batch size, so that each GPU gets as many pictures: {self.batch_size:,} pictures "
                f"cannot be shared out evenly over {self.num_gpus}. Use a batch size of "
                f"{self.num_gpus * -(-self.batch_size // self.num_gpus):,}, or another number of GPUs.",
            )
        fields("deterministic", "test_time_flip", "precise_batch_norm", "keep_epoch_weights")

    def __eq__(self, other: object) -> bool:
        """Whether both train alike: what a run leaves behind makes it no other run."""
        return isinstance(other, TrainingConfig) and self._deciding() == other._deciding()

    def __hash__(self) -> int:
        return hash(self._deciding())

    def _deciding(self) -> tuple[Any, ...]:
        return tuple(value for name, value in asdict(self).items() if name != "keep_epoch_weights")

    @classmethod
    def as_stored(cls, values: dict[str, Any]) -> dict[str, Any]:
        # Before there was the switch, no run kept them.
        return {"keep_epoch_weights": False} | values

    def pictures_per_epoch(self, num_train: int) -> int:
        """How many pictures an epoch shows: all of them once, or the asked multiple, at least one."""
        return max(1, round(num_train * self.steps_per_epoch_multiple))

    def steps_per_epoch(self, num_train: int) -> int:
        """Steps of an epoch; the last batch may be smaller than the others."""
        return -(-self.pictures_per_epoch(num_train) // self.batch_size)
