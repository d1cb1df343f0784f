"""What happens at each batch and epoch of a run: measuring, saving, reporting, stopping."""

import math
import time
from pathlib import Path
from typing import Any, NoReturn

import keras

from core.config import ExperimentConfig
from core.datasets.splits import TrainingArrays
from core.epoch import EpochRow
from core.errors import Diverged
from core.training.averaging import measured_weights
from core.training.breakdown import BreakdownTaker
from core.training.checkpoints import Position, save_checkpoint
from core.training.evaluation import Evaluator
from core.training.kept_weights import WeightKeeper
from core.training.models import with_test_time_flip
from core.training.optimizers import last_rate, set_rate
from core.training.pipeline import pictures_per_epoch, steps_per_epoch
from core.training.reporting import Reporter
from core.training.saved_models import save_run_model

REPORT_SECONDS = 0.5


class RunCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports, measures, keeps checkpoints, and ends the run when it is time."""

    def __init__(
        self,
        config: ExperimentConfig,
        arrays: TrainingArrays,
        folder: Path,
        reporter: Reporter,
        position: Position,
        num_train: int,
    ) -> None:
        super().__init__()
        self._config = config
        self._folder = folder
        self._reporter = reporter
        self._position = position
        self._steps = steps_per_epoch(config, num_train)
        self._pictures = pictures_per_epoch(config, num_train)
        self._arrays = arrays
        self._evaluator: Evaluator | None = None
        self._details = BreakdownTaker(arrays)
        self._keeper = WeightKeeper(folder, reporter) if config.training.keep_epoch_weights else None
        self._epoch_began = self._reported = time.perf_counter()
        self.was_stopped = False

    @property
    def is_out_of_patience(self) -> bool:
        """Whether early stopping is on and validation loss has not fallen for that many epochs."""
        patience = self._config.training.early_stopping_patience
        return patience is not None and self._position.epochs_without_gain >= patience

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._evaluator = Evaluator(
            self.model,
            lambda: self._reporter.stop_requested,
            test_time_flip=self._config.training.test_time_flip,
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._reporter.apply_learning_rates(epoch, self._set_rate)
        self._epoch_began = self._reported = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.perf_counter()
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        loss, accuracy = _number(logs, "loss"), _number(logs, "accuracy")
        done = batch + 1
        pace = done * self._config.training.batch_size / (now - self._epoch_began)
        self._reporter.report_batch(self._position.epoch + 1, done, self._steps, loss, accuracy, pace)
        if loss is None:
            self._end_diverged(loss, accuracy, pace)
        began = time.perf_counter()
        self._reporter.wait_while_paused()
        # Waiting is not part of the epoch's time.
        self._epoch_began += time.perf_counter() - began
        if self._reporter.stop_requested:
            self._stop()

    def _stop(self) -> None:
        """End here. Keras goes on to the end of the epoch's bookkeeping; what is not measured is not kept as one."""
        self.was_stopped = True
        self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.was_stopped:
            return
        trained = time.perf_counter() - self._epoch_began
        pace = self._pictures / max(trained, 1e-9)
        position = self._position
        if _number(logs, "loss") is None:
            self._end_diverged(None, _number(logs, "accuracy"), pace)
        if trained >= REPORT_SECONDS:
            # All steps are done: who watches sees that it measures now.
            loss, accuracy = _number(logs, "loss"), _number(logs, "accuracy")
            self._reporter.report_batch(epoch + 1, self._steps, self._steps, loss, accuracy, pace)
        assert self._evaluator is not None
        arrays = self._arrays
        with measured_weights(self.model, arrays.x_clean, self._config.training):
            measure = self._evaluator.measure
            clean = measure(arrays.x_clean, arrays.y_clean)
            validation = clean and measure(arrays.x_validation, arrays.y_validation)
            details = self._details.take(clean, validation, measure) if clean and validation else None
            if clean is None or validation is None or details is None:
                self._stop()
                return
            row = EpochRow(
                epoch=epoch + 1,
                train_loss=_number(logs, "loss"),
                train_accuracy=_number(logs, "accuracy"),
                clean_train_loss=clean.loss,
                clean_train_accuracy=clean.accuracy,
                val_loss=validation.loss,
                val_accuracy=validation.accuracy,
                learning_rate=last_rate(self.model.optimizer),
                seconds=time.perf_counter() - self._epoch_began,
                images_per_second=pace,
                details=details,
            )
            if self._keep_score(row):
                self._reporter.save(lambda: self._save_best(row.epoch))
            if self._keeper is not None:
                self._keeper.take(self.model)
        if row.val_loss is None:
            self._end_diverged(row.train_loss, row.train_accuracy, pace)
        # First the row: killed in between, the epoch is trained again. The other way round its row would be missing.
        self._reporter.report_epoch(row)
        if self._keeper is not None:
            self._keeper.write(row.epoch, position.best_epoch)
        position.epoch = row.epoch
        self._reporter.save(lambda: save_checkpoint(self._folder, self.model, position))
        self._continue_or_end()

    def _save_best(self, epoch: int) -> None:
        saved = with_test_time_flip(self.model, test_time_flip=self._config.training.test_time_flip)
        names, shape = self._arrays.class_names, self._arrays.image_shape
        save_run_model(self._folder, "best", saved, names, shape, epoch, self._arrays.crop)

    def _continue_or_end(self) -> None:
        """After an epoch that is measured and saved."""
        position = self._position
        if self.is_out_of_patience:
            self._reporter.report_log(
                f"Stopped early: validation loss has not fallen for {position.epochs_without_gain} epochs."
            )
            self.model.stop_training = True
        elif position.epoch >= self._reporter.total_epochs:
            self.model.stop_training = True
        else:
            self._reporter.wait_while_paused(epoch_ended=True)
            if self._reporter.stop_requested:
                self._stop()

    def _set_rate(self, rate: float) -> str:
        self._position.plateau_wait = 0
        return set_rate(self.model.optimizer, rate, self._position.epoch + 1)

    def _keep_score(self, row: EpochRow) -> bool:
        """Update best, patience and plateau; returns whether this is the best epoch so far."""
        position = self._position
        if row.val_loss is not None and (
            position.lowest_val_loss is None or row.val_loss < position.lowest_val_loss
        ):
            position.lowest_val_loss = row.val_loss
            position.epochs_without_gain = position.plateau_wait = 0
        else:
            position.epochs_without_gain += 1
            position.plateau_wait += 1
        optimizer = self._config.optimizer
        if optimizer.schedule == "plateau" and position.plateau_wait >= optimizer.plateau_patience:
            position.plateau_wait = 0
            lower = last_rate(self.model.optimizer) * optimizer.step_factor
            self.model.optimizer.learning_rate = lower
            self._reporter.report_log(f"Validation loss has stalled: the learning rate is now {lower:g}.")
        accuracy = row.val_accuracy
        if accuracy is None or row.val_loss is None:
            return False
        if position.best_val_accuracy is not None and accuracy <= position.best_val_accuracy:
            return False
        position.best_val_accuracy, position.best_epoch = accuracy, row.epoch
        return True

    def _end_diverged(self, loss: float | None, accuracy: float | None, pace: float) -> NoReturn:
        """Record the epoch that broke, without a checkpoint: going on from such weights leads nowhere."""
        epoch, rate = self._position.epoch + 1, last_rate(self.model.optimizer)
        seconds = time.perf_counter() - self._epoch_began
        self._reporter.report_epoch(
            EpochRow(epoch, loss, accuracy, None, None, None, None, rate, seconds, pace)
        )
        raise Diverged(
            f"The loss became NaN in epoch {epoch}, so training cannot continue.",
            f"Start it again with a lower learning rate than {rate:g}.",
        )


def _number(logs: dict[str, Any] | None, name: str) -> float | None:
    value = float((logs or {})[name])
    return value if math.isfinite(value) else None
