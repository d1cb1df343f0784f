"""Trains one run from where it stands to its end, and reports its progress."""

import sys
from pathlib import Path
from typing import Any

import keras

from core.config import ExperimentConfig
from core.datasets.splits import TrainingArrays
from core.design.architecture import describe_network
from core.design.muon import first_convolutions, parts_in_words
from core.epoch import Outcome
from core.epoch_weights import forget_after
from core.errors import ConvDeckError, TrainingError
from core.system.files import remove_leftovers
from core.training.arrays import TrainingSet, training_set
from core.training.averaging import measured_weights
from core.training.checkpoints import Position, load_checkpoint
from core.training.models import build_model, with_test_time_flip
from core.training.optimizers import build_optimizer
from core.training.pipeline import sharing_replicas, steps_per_epoch
from core.training.reporting import Reporter
from core.training.run_callback import RunCallback
from core.training.runtime import backend_name, is_out_of_memory
from core.training.saved_models import save_run_model
from core.training.starting_weights import take_starting_weights
from core.training.whitening import set_whitening


def train(
    config: ExperimentConfig, arrays: TrainingArrays, folder: Path, reporter: Reporter, *, replicas: int = 1,
    start: Path | None = None,
) -> Outcome:  # fmt: skip
    """Train until the last epoch, early stopping, or `reporter.stop_requested`.

    Of `replicas` devices, the most are used over which a batch can be shared out evenly. `start` is the folder with the
    best model of the run that `config.model.start_from` names.

    Continues from the newest good checkpoint in `folder`, if there is one. After every epoch a checkpoint is
    written, and the model when it is the best so far; at the end the last one.

    Raises:
        TrainingError: out of memory, diverged, no checkpoint can be trusted, or the weights to start from are gone;
            with a next step.
    """
    try:
        return _train(config, arrays, folder, reporter, replicas, start)
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
    config: ExperimentConfig, arrays: TrainingArrays, folder: Path, reporter: Reporter, replicas: int,
    start: Path | None,
) -> Outcome:  # fmt: skip
    keras.utils.set_random_seed(config.seed)
    data = training_set(arrays)
    available, replicas = replicas, sharing_replicas(config.training.batch_size, replicas)
    steps = steps_per_epoch(config, data.num_train)
    model = compiled_model(config, data, steps, replicas)
    position = load_checkpoint(folder, model) or Position()
    resumed = f", resuming after epoch {position.epoch}" if position.epoch else ""
    spread = f" over {replicas} devices" if replicas > 1 else ""
    reporter.report_log(
        f"{model.count_params():,} parameters, {data.num_train:,} training pictures, "
        f"{steps:,} steps per epoch{spread}{resumed}."
    )
    if config.model.start_from and not position.epoch:
        assert start is not None
        taken = take_starting_weights(
            model, start, config.model.start_from, arrays.class_names, config.model.frozen_blocks
        )
        reporter.report_log(taken)
    network = describe_network(config.model, data.image_shape, data.num_classes)
    if parts := parts_in_words(config.optimizer, network):
        reporter.report_log(parts)
    if replicas < available:
        reporter.report_log(
            f"Only {replicas} of {available} devices will train: batches of {config.training.batch_size:,} cannot be "
            f"split evenly over more of them.",
            "warning",
        )
    reporter.started(config.training.epochs, steps, resumed_from_epoch=position.epoch)
    remove_leftovers(folder)  # not before it is sure that this attempt is the current one
    forget_after(folder, position.epoch)
    run = RunCallback(config, arrays, folder, reporter, position, data.num_train)
    is_done = position.epoch >= reporter.total_epochs or run.is_out_of_patience
    if not is_done:
        reporter.wait_while_paused()
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
            # In mid-epoch: the weights go back to where a resumed run continues.
            load_checkpoint(folder, model)
        with measured_weights(model, arrays.x_clean, config.training):
            saved = with_test_time_flip(model, test_time_flip=config.training.test_time_flip)
            names, shape, epoch = arrays.class_names, data.image_shape, position.epoch
            reporter.save(lambda: save_run_model(folder, "last", saved, names, shape, epoch, arrays.crop))
    return Outcome("stopped" if run.was_stopped else "finished", position.epoch, position.best_epoch)


def compiled_model(config: ExperimentConfig, data: TrainingSet, steps: int, replicas: int = 1) -> keras.Model:
    """The network with its loss, metrics and optimizer, whose variables exist, over `replicas` devices."""

    def build() -> keras.Model:
        model = build_model(config, data.image_shape, data.num_classes, synchronized=replicas > 1)
        if config.model.whitening:
            set_whitening(model, data)
        network = describe_network(config.model, data.image_shape, data.num_classes)
        optimizer = build_optimizer(
            config.optimizer, steps, config.training.epochs, first_convolutions(network)
        )
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
        from core.training.backend_tensorflow import strategy_for

        with strategy_for(replicas).scope():
            return build()
    model = build()
    if backend_name() == "tensorflow":
        from core.training.backend_tensorflow import fuse_batch_normalization

        fuse_batch_normalization(model)
    return model


def batches_of(config: ExperimentConfig, data: TrainingSet, first_epoch: int, replicas: int) -> Any:
    """The stream of batches that training reads, by the backend's own pipeline."""
    if backend_name() == "tensorflow":
        from core.training.backend_tensorflow import build_dataset

        return build_dataset(config, data, first_epoch, replicas)
    from core.training.pipeline import batches, prefetched

    return prefetched(batches(config, data, first_epoch))
