"""How long, in which portions and on what a run trains."""

from dataclasses import dataclass

from core.config.fields import check_boolean, check_choice, check_limits, later_switch, number, whole
from core.errors import ConfigError

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class TrainingConfig:
    """Batches, epochs, devices.

    `steps_per_epoch_multiple` 1 shows each picture once an epoch, shuffled. Any other value samples that many
    times the data **with replacement**: with augmentation, more mini-batches an epoch than there is data.
    `early_stopping_patience` is the number of epochs without a better validation loss (None: off). `num_gpus`
    above 1 is data parallel: each device gets an equal share of every batch, so the batch size must be a multiple of
    it. `deterministic` gives the same curve for the same config and seed on the same machine. `test_time_flip`: what is
    measured and saved answers with the mean of its answers to a picture and to its mirror image (Jordan, arXiv
    2404.00498, section 3.5); what trains does not.
    """

    batch_size: int = whole(32, 1, 65_536)
    epochs: int = whole(10, 1, 100_000)
    steps_per_epoch_multiple: float = number(1.0, 0.0, 100.0, above=True)
    early_stopping_patience: int | None = whole(None, 1, 100_000)
    precision: str = "float32"
    num_gpus: int = whole(1, 1, 64)
    deterministic: bool = True
    test_time_flip: bool = later_switch()

    def __post_init__(self) -> None:
        check_limits(self, "training.")
        check_choice("training.precision", self.precision, PRECISIONS)
        if self.batch_size % self.num_gpus:
            raise ConfigError(
                "training.num_gpus",
                f"must divide the batch size, so that each GPU gets as many pictures: {self.batch_size:,} pictures "
                f"cannot be shared out evenly over {self.num_gpus}. Use a batch size of "
                f"{self.num_gpus * -(-self.batch_size // self.num_gpus):,}, or another number of GPUs.",
            )
        check_boolean("training.deterministic", self.deterministic)
        check_boolean("training.test_time_flip", self.test_time_flip)

    def pictures_per_epoch(self, num_train: int) -> int:
        """How many pictures an epoch shows: all of them once, or the asked multiple, at least one."""
        return max(1, round(num_train * self.steps_per_epoch_multiple))

    def steps_per_epoch(self, num_train: int) -> int:
        """Steps of an epoch; the last batch may be smaller than the others."""
        return -(-self.pictures_per_epoch(num_train) // self.batch_size)
