"""The article's two presets, value by value, and what is cut to fit the machine at hand."""

import pytest

from core.architecture import describe
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
from core.presets import PRESETS, quick_start

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
    shapes = {layer.name: layer.output_shape for layer in describe(ARTICLE.model).layers}
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


@pytest.mark.parametrize("name", PRESETS)
def test_a_quick_start_is_short_on_every_machine(name: str) -> None:
    for has_cifar10 in (True, False):
        for has_gpu in (True, False):
            config = quick_start(name, has_cifar10=has_cifar10, has_gpu=has_gpu)
            assert config.training.epochs <= 25
            whole = has_cifar10 and has_gpu and PRESETS[name].config.dataset.num_train is None
            assert (config.dataset.num_train is None) == whole
