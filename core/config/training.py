"""How long, in which portions and on what a run trains."""

from dataclasses import dataclass

from core.config.checks import check_boolean, check_choice, check_integer, settle_number
from core.errors import ConfigError

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class TrainingConfig:
    """Batches, epochs, devices.

    `steps_per_epoch_multiple` 1 shows each picture once an epoch, shuffled. Any other value samples that many
    times the data **with replacement**: with augmentation, more mini-batches an epoch than there is data.
    `early_stopping_patience` is the number of epochs without a better validation loss (None: off). `num_gpus`
    above 1 is data parallel: each device gets an equal share of every batch, so the batch size must be a multiple of
    it. `deterministic` gives the same curve for the same config and seed on the same machine.
    """

    batch_size: int = 32
    epochs: int = 10
    steps_per_epoch_multiple: float = 1.0
    early_stopping_patience: int | None = None
    precision: str = "float32"
    num_gpus: int = 1
    deterministic: bool = True

    def __post_init__(self) -> None:
        check_integer("training.batch_size", self.batch_size, 1, 65_536)
        check_integer("training.epochs", self.epochs, 1, 100_000)
        settle_number(self, "training.steps_per_epoch_multiple", 0.0, 100.0, above=True)
        if self.early_stopping_patience is not None:
            check_integer("training.early_stopping_patience", self.early_stopping_patience, 1, 100_000)
        check_choice("training.precision", self.precision, PRECISIONS)
        check_integer("training.num_gpus", self.num_gpus, 1, 64)
        if self.batch_size % self.num_gpus:
            raise ConfigError(
                "training.num_gpus",
                f"must divide the batch size, so that each GPU gets as many pictures: {self.batch_size:,} pictures "
                f"cannot be shared out evenly over {self.num_gpus}. Use a batch size of "
                f"{self.num_gpus * -(-self.batch_size // self.num_gpus):,}, or another number of GPUs.",
            )
        check_boolean("training.deterministic", self.deterministic)
