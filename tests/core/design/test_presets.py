"""The article's two presets, value by value, and what is cut to fit the machine at hand."""

import pytest

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
from core.design.architecture import describe_network
from core.design.presets import PRESETS, quick_start

# Every value that the article states or that its Keras code leaves at Keras's default, written out.
ARTICLE = ExperimentConfig(
    dataset=DatasetConfig(id="cifar10", num_train=None, image_size=None, label_noise=0.0),
    model=ModelConfig(
        blocks=tuple(
            BlockConfig(
                filters=filters, kernel_sizes=(3,), padding="valid", stride=1, activation="relu", batch_norm=True,
                pool="max", pool_size=2, dropout=0.0, repeats=1, residual=False, separable=False,
            )
            for filters in (64, 32)
        ),
        head="flatten",
        dense=tuple(DenseConfig(units=units, activation="relu", dropout=0.2) for units in (512, 256)),
        batch_norm_momentum=0.99,
    ),
    augmentation=AugmentationConfig(),
    optimizer=OptimizerConfig(
        name="adam", learning_rate=0.001, schedule="constant", weight_decay=0.0, label_smoothing=0.0,
        gradient_clip_norm=None, weight_averaging=None,
    ),
    training=TrainingConfig(
        batch_size=32, epochs=200, steps_per_epoch_multiple=1.0, early_stopping_patience=None,
        precision="float32", num_gpus=1,
    ),
)  # fmt: skip
MILD = {
    "augmentation.rotation_degrees": 20,
    "augmentation.width_shift_fraction": 0.02,
    "augmentation.height_shift_fraction": 0.02,
    "augmentation.horizontal_flip": True,
    "augmentation.fill_mode": "nearest",  # ImageDataGenerator's default
}


def test_the_article_s_presets_are_the_article_s() -> None:
    assert PRESETS["article"].config == ARTICLE
    assert PRESETS["article-augmented"].config == ARTICLE.with_values(MILD)
    shapes = {layer.name: layer.output_shape for layer in describe_network(ARTICLE.model).layers}
    assert shapes["flatten"] == (1152,)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "too-big-shifts",
            {**MILD, "augmentation.width_shift_fraction": 0.5, "augmentation.height_shift_fraction": 0.5},
        ),
        ("learning-rate-too-high", {"optimizer.learning_rate": 0.1}),
    ],
)
def test_what_goes_wrong_on_purpose_differs_from_the_article_by_that_alone(name: str, values) -> None:
    assert PRESETS[name].known_bad
    assert PRESETS[name].config == ARTICLE.with_values(values)


def test_the_speedrun_is_jordan_s_where_there_is_a_setting_for_it() -> None:
    """Sizes and values of the table of hyperparameters in arXiv 2404.00498."""
    config = PRESETS["speedrun"].config
    network = describe_network(config.model)
    shapes = {layer.name: layer.output_shape for layer in network.layers}
    assert shapes["whitening"] == (31, 31, 24)
    assert [shapes[f"conv_{number}"][-1] for number in range(1, 7)] == [64, 64, 256, 256, 256, 256]
    assert [shapes[f"pool_{number}"][0] for number in (1, 3, 5, 6)] == [15, 7, 3, 1]
    assert shapes["flatten"] == (256,)
    optimizer, augmentation = config.optimizer, config.augmentation
    assert (optimizer.name, optimizer.momentum, optimizer.nesterov) == ("sgd", 0.85, True)
    assert (optimizer.schedule, optimizer.label_smoothing) == ("triangular", 0.2)
    assert augmentation.width_shift_fraction * 32 == augmentation.height_shift_fraction * 32 == 2
    assert (augmentation.fill_mode, augmentation.horizontal_flip, augmentation.alternating_flip) == (
        "reflect", True, True,
    )  # fmt: skip
    assert (config.training.epochs, config.training.test_time_flip) == (10, True)


@pytest.mark.parametrize("name", PRESETS)
def test_the_learning_rate_of_a_quick_start_goes_with_its_batches(name: str) -> None:
    """0.1 for batches of 512 is 0.0125 for batches of 64; all other presets have small ones as they are."""
    config = quick_start(name, has_cifar10=False, has_gpu=False)
    own = PRESETS[name].config
    expected = (64, 0.0125) if name == "speedrun" else (own.training.batch_size, own.optimizer.learning_rate)
    assert (config.training.batch_size, config.optimizer.learning_rate) == expected


@pytest.mark.parametrize("name", PRESETS)
def test_a_quick_start_is_short_on_every_machine(name: str) -> None:
    for has_cifar10 in (True, False):
        for has_gpu in (True, False):
            config = quick_start(name, has_cifar10=has_cifar10, has_gpu=has_gpu)
            assert config.training.epochs <= 25
            if not (has_cifar10 and has_gpu):
                assert config.training.batch_size <= 64
            whole = has_cifar10 and has_gpu and PRESETS[name].config.dataset.num_train is None
            assert (config.dataset.num_train is None) == whole
