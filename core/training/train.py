"""Trains one run from wherever it stands to its end, telling a reporter how it goes."""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Protocol

import keras

from core.config import ExperimentConfig
from core.epoch import EpochRow, Outcome
from core.errors import ConvDeckError, Diverged, TrainingError
from core.system.files import remove_leftovers
from core.training.arrays import Arrays, TrainingSet, training_set
from core.training.averaging import averaged_weights
from core.training.checkpoints import Position, load_checkpoint, save_checkpoint
from core.training.details import DetailsTaker
from core.training.evaluation import Evaluator
from core.training.mirroring import answering
from core.training.models import build_model
from core.training.optimizers import build_optimizer
from core.training.pipeline import pictures_per_epoch, sharing_replicas, steps_per_epoch
from core.training.rates import last_rate, set_rate
from core.training.runtime import backend_name, is_out_of_memory
from core.training.saved import save_run_model
from core.training.whitening import set_whitening

REPORT_SECONDS = 0.5


class Reporter(Protocol):
    """Who is told. Any method may raise StaleAttempt, which ends the training at once."""

    @property
    def stop_requested(self) -> bool: ...
    @property
    def total_epochs(self) -> int:
        """How many to train, known once `started` was told; people may add some, which `epoch` brings to light."""

    def hold(self, *, epoch_ended: bool = False) -> None:
        """Return at once, or wait for as long as the run is paused."""

    def apply_learning_rates(self, epoch: int, apply: Callable[[float], str]) -> None:
        """Have what people asked for set when `epoch` epochs have finished; `apply` says what changed."""

    def started(self, total_epochs: int, total_batches: int, *, resumed_from_epoch: int = 0) -> None: ...
    def batch(
        self,
        epoch: int,
        batch: int,
        total_batches: int,
        loss: float | None,
        accuracy: float | None,
        images_per_second: float,
    ) -> None: ...
    def epoch(self, row: EpochRow) -> None: ...
    def log(self, text: str, level: str = "info") -> None: ...


def train(
    config: ExperimentConfig, arrays: Arrays, folder: Path, reporter: Reporter, *, replicas: int = 1
) -> Outcome:
    """Train until the last epoch, early stopping, or `reporter.stop_requested`.

    Of `replicas` devices, the most are used over which a batch can be shared out evenly.

    Goes on from the newest good checkpoint in `folder`, if there is one. After every epoch a checkpoint is
    written, and the model when it is the best so far; at the end the last one.

    Raises:
        TrainingError: out of memory, diverged, or no checkpoint can be trusted; with a next step.
    """
    try:
        return _train(config, arrays, folder, reporter, replicas)
    except ConvDeckError:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            f"The device ran out of memory with batches of {config.training.batch_size}.",
            "Start it again with a smaller batch size, fewer filters or smaller pictures.",
        ) from error


def _train(
    config: ExperimentConfig, arrays: Arrays, folder: Path, reporter: Reporter, replicas: int
) -> Outcome:
    keras.utils.set_random_seed(config.seed)
    data = training_set(arrays)
    available, replicas = replicas, sharing_replicas(config.training.batch_size, replicas)
    steps = steps_per_epoch(config, data.num_train)
    model = compiled_model(config, data, steps, replicas)
    position = load_checkpoint(folder, model) or Position()
    resumed = f", going on after epoch {position.epoch}" if position.epoch else ""
    spread = f" over {replicas} devices" if replicas > 1 else ""
    reporter.log(
        f"{model.count_params():,} parameters, {data.num_train:,} training pictures, "
        f"{steps:,} steps an epoch{spread}{resumed}."
    )
    if replicas < available:
        reporter.log(
            f"Of {available} devices {replicas} will train: batches of {config.training.batch_size:,} cannot be "
            f"shared out evenly over more of them.",
            "warning",
        )
    reporter.started(config.training.epochs, steps, resumed_from_epoch=position.epoch)
    remove_leftovers(folder)  # not before it is sure that this attempt is the current one
    run = RunCallback(config, arrays, folder, reporter, position, data.num_train)
    is_done = position.epoch >= reporter.total_epochs or run.is_out_of_patience
    if not is_done:
        reporter.hold()
        run.was_stopped = reporter.stop_requested
    if not is_done and not run.was_stopped:
        model.fit(
            batches_of(config, data, position.epoch, replicas),
            initial_epoch=position.epoch,
            epochs=sys.maxsize,  # more can be added while it trains, so the callback ends it
            steps_per_epoch=steps,
            callbacks=[run],
            shuffle=False,
            verbose=0,
        )
    if position.epoch:
        if run.was_stopped:
            # In mid-epoch: the weights go back to where a resumed run goes on.
            load_checkpoint(folder, model)
        with averaged_weights(model, arrays.x_clean):
            saved = answering(model, test_time_flip=config.training.test_time_flip)
            save_run_model(folder, "last", saved, arrays.class_names, data.image_shape, position.epoch)
    return Outcome("stopped" if run.was_stopped else "finished", position.epoch, position.best_epoch)


def compiled_model(config: ExperimentConfig, data: TrainingSet, steps: int, replicas: int = 1) -> keras.Model:
    """The network with its loss, metrics and optimizer, whose variables exist, over `replicas` devices."""

    def build() -> keras.Model:
        model = build_model(config, data.image_shape, data.num_classes, synchronized=replicas > 1)
        if config.model.whitening:
            set_whitening(model, data)
        optimizer = build_optimizer(config.optimizer, steps, config.training.epochs)
        if config.training.precision == "mixed_float16":
            # Half precision flushes gradients below 6e-8 to zero, so the loss is scaled up (arXiv 1710.03740).
            # Keras does it by itself only where half precision is the policy of the whole process.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        model.compile(
            optimizer=optimizer,
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.optimizer.label_smoothing),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        )
        model.optimizer.build(model.trainable_variables)
        return model

    if replicas > 1 and backend_name() == "tensorflow":
        from core.training.pipeline_tensorflow import strategy_for

        with strategy_for(replicas).scope():
            return build()
    model = build()
    if backend_name() == "tensorflow":
        from core.training.fused_tensorflow import fuse_batch_normalization

        fuse_batch_normalization(model)
    return model


def batches_of(config: ExperimentConfig, data: TrainingSet, first_epoch: int, replicas: int) -> Any:
    """The stream of batches that training reads, by the backend's own pipeline."""
    if backend_name() == "tensorflow":
        from core.training.pipeline_tensorflow import build_dataset

        return build_dataset(config, data, first_epoch, replicas)
    from core.training.pipeline_generic import batches, prefetched

    return prefetched(batches(config, data, first_epoch))


class RunCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports, measures, keeps checkpoints, and ends the run when it is time."""

    def __init__(
        self,
        config: ExperimentConfig,
        arrays: Arrays,
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
        self._details = DetailsTaker(arrays)
        self._epoch_began = self._told = time.perf_counter()
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
        self._epoch_began = self._told = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.perf_counter()
        if now - self._told < REPORT_SECONDS:
            return
        self._told = now
        loss, accuracy = _number(logs, "loss"), _number(logs, "accuracy")
        done = batch + 1
        pace = done * self._config.training.batch_size / (now - self._epoch_began)
        self._reporter.batch(self._position.epoch + 1, done, self._steps, loss, accuracy, pace)
        if loss is None:
            self._end_diverged(loss, accuracy, pace)
        began = time.perf_counter()
        self._reporter.hold()
        # What was waited is no part of the epoch's time.
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
        assert self._evaluator is not None
        arrays = self._arrays
        with averaged_weights(self.model, arrays.x_clean):
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
                saved = answering(self.model, test_time_flip=self._config.training.test_time_flip)
                save_run_model(self._folder, "best", saved, arrays.class_names, arrays.image_shape, row.epoch)
        if row.val_loss is None:
            self._end_diverged(row.train_loss, row.train_accuracy, pace)
        # First the row: killed in between, the epoch is trained again. The other way round its row would be missing.
        self._reporter.epoch(row)
        position.epoch = row.epoch
        save_checkpoint(self._folder, self.model, position)
        self._go_on_or_end()

    def _go_on_or_end(self) -> None:
        """After an epoch that is measured and saved."""
        position = self._position
        if self.is_out_of_patience:
            self._reporter.log(
                f"Stopped early: validation loss has not fallen for {position.epochs_without_gain} epochs."
            )
            self.model.stop_training = True
        elif position.epoch >= self._reporter.total_epochs:
            self.model.stop_training = True
        else:
            self._reporter.hold(epoch_ended=True)
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
            self._reporter.log(f"Validation loss stands still: learning rate is now {lower:g}.")
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
        self._reporter.epoch(EpochRow(epoch, loss, accuracy, None, None, None, None, rate, seconds, pace))
        raise Diverged(
            f"The loss is no longer a number in epoch {epoch}: training diverged.",
            f"Start it again with a lower learning rate than {rate:g}.",
        )


def _number(logs: dict[str, Any] | None, name: str) -> float | None:
    value = float((logs or {})[name])
    return value if math.isfinite(value) else None
