"""Hypothesis strategies for configs, drawn as a person might set them: sensible, odd and too large alike."""

from hypothesis import strategies as st

from core.config import (
    AugmentationConfig,
    BlockConfig,
    DatasetConfig,
    DenseConfig,
    ExperimentConfig,
    ModelConfig,
    OptimizerConfig,
    TrainingConfig,
)
from core.config.augmentation import FILL_MODES
from core.config.model import ACTIVATIONS, HEADS, POOLS
from core.config.optimizer import OPTIMIZERS, SCHEDULES
from core.config.training import PRECISIONS

unit = st.floats(0, 1)


@st.composite
def blocks(draw: st.DrawFn) -> BlockConfig:
    kernel_sizes = draw(st.lists(st.integers(1, 7), min_size=1, max_size=3, unique=True).map(tuple))
    residual = draw(st.booleans())
    must_be_same = residual or len(kernel_sizes) > 1
    return BlockConfig(
        filters=draw(st.integers(1, 12)),
        kernel_sizes=kernel_sizes,
        padding="same" if must_be_same else draw(st.sampled_from(["valid", "same"])),
        stride=draw(st.integers(1, 3)),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        batch_norm=draw(st.booleans()),
        pool=draw(st.sampled_from(POOLS)),
        pool_size=draw(st.integers(1, 4)),
        dropout=draw(st.sampled_from([0.0, 0.25])),
        repeats=draw(st.integers(1, 2)),
        residual=residual,
        separable=draw(st.booleans()),
    )


dense_layers = st.builds(
    DenseConfig,
    units=st.integers(1, 40),
    activation=st.sampled_from(ACTIVATIONS),
    dropout=st.sampled_from([0.0, 0.5]),
)


@st.composite
def model_configs(draw: st.DrawFn) -> ModelConfig:
    drawn = draw(st.lists(blocks(), max_size=3).map(tuple))
    start_from = draw(st.none() | st.just("abcdefghij"))
    return ModelConfig(
        blocks=drawn,
        head=draw(st.sampled_from(HEADS)),
        dense=draw(st.lists(dense_layers, max_size=2).map(tuple)),
        whitening=draw(st.booleans()),
        start_from=start_from,
        frozen_blocks=0 if start_from is None else draw(st.integers(0, len(drawn))),
    )


models = model_configs()


augmentations = st.builds(
    AugmentationConfig,
    rotation_degrees=st.floats(0, 180),
    width_shift_fraction=unit,
    height_shift_fraction=unit,
    zoom_fraction=st.floats(0, 0.9),
    shear_degrees=st.floats(0, 60),
    horizontal_flip=st.booleans(),
    vertical_flip=st.booleans(),
    brightness=unit,
    contrast=unit,
    saturation=unit,
    hue=st.floats(0, 0.5),
    erasing_probability=unit,
    noise_stddev=st.floats(0, 0.5),
    mixup_alpha=unit,
    cutmix_alpha=unit,
    randaugment_operations=st.integers(0, 4),
    fill_mode=st.sampled_from(FILL_MODES),
    unchanged_fraction=unit,
    alternating_flip=st.booleans(),
)

optimizers = st.builds(
    OptimizerConfig,
    name=st.sampled_from(OPTIMIZERS),
    learning_rate=st.floats(1e-6, 1.0),
    schedule=st.sampled_from(SCHEDULES),
    weight_decay=unit,
    gradient_clip_norm=st.none() | st.floats(0.1, 10),
    weight_averaging=st.none() | st.floats(0.5, 0.999),
    muon_convolutions=st.booleans(),
)


@st.composite
def trainings(draw: st.DrawFn) -> TrainingConfig:
    num_gpus = draw(st.integers(1, 8))
    return TrainingConfig(
        batch_size=num_gpus * draw(st.integers(1, 64)),
        epochs=draw(st.integers(1, 300)),
        steps_per_epoch_multiple=draw(st.floats(0.1, 10)),
        early_stopping_patience=draw(st.none() | st.integers(1, 50)),
        precision=draw(st.sampled_from(PRECISIONS)),
        num_gpus=num_gpus,
        deterministic=draw(st.booleans()),
        test_time_flip=draw(st.booleans()),
        precise_batch_norm=draw(st.booleans()),
    )


experiments = st.builds(
    ExperimentConfig,
    dataset=st.builds(
        DatasetConfig,
        id=st.sampled_from(["shapes", "cifar10", "my-own_2"]),
        num_train=st.none() | st.integers(1, 50_000),
        image_size=st.none() | st.integers(8, 64),
        label_noise=unit,
    ),
    model=models,
    augmentation=augmentations,
    optimizer=optimizers,
    training=trainings(),
    seed=st.integers(0, 2**31 - 1),
)
