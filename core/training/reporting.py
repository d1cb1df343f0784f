"""What a training reports to, and is told by: the one seam between training and the store."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from core.epoch import EpochRow

T = TypeVar("T")


class Reporter(Protocol):
    """Receives what a training reports. Any method may raise StaleAttempt, which ends the training at once."""

    @property
    def stop_requested(self) -> bool: ...
    @property
    def total_epochs(self) -> int:
        """How many to train, known once `started` was called; people may add some, known after `report_epoch`."""

    def wait_while_paused(self, *, epoch_ended: bool = False) -> None:
        """Return at once, or wait for as long as the run is paused."""

    def apply_learning_rates(self, epoch: int, apply: Callable[[float], str]) -> None:
        """Apply the rates requested for when `epoch` epochs have finished; `apply` returns what changed, in words."""

    def save(self, write: Callable[[], T]) -> T:
        """What `write` returns, which saves files and may be called again: while the disk is full, this waits."""

    def started(self, total_epochs: int, total_batches: int, *, resumed_from_epoch: int = 0) -> None: ...
    def report_batch(
        self,
        epoch: int,
        batch: int,
        total_batches: int,
        loss: float | None,
        accuracy: float | None,
        images_per_second: float,
    ) -> None: ...
    def report_epoch(self, row: EpochRow) -> None: ...
    def report_log(self, text: str, level: str = "info") -> None: ...
