"""Pictures a second out of the input pipeline, beside `ImageDataGenerator` and Keras's layers, nothing trained."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.benchmarks.children import Figures, Rounds, column, rounds_of
from tests.benchmarks.rows import Row, Spread, ratios

NUM_PICTURES = 10_000
BATCH_SIZE = 32
# What a pipeline has ready when it is asked must not count: it was made while another one was measured.
DRAINED_BATCHES = 96
ROUNDS = 9


def measure() -> list[Row]:
    figures = rounds_of(__name__, list(CONTESTANTS), ROUNDS)
    pace = {name: column(rounds, "pictures_per_second") for name, rounds in figures.items()}
    ours = Spread.of(pace["ours"])
    rows = []
    for name, against, goal in (
        ("generator", "`ImageDataGenerator.flow`", 10.0),
        ("layers", "`RandomRotation`, `RandomTranslation`, `RandomFlip` in `tf.data`", 2.5),
    ):
        ratio, theirs = Spread.of(ratios(pace["ours"], pace[name])), Spread.of(pace[name])
        rows.append(
            Row(
                what="input pipeline, the article's four transformations",
                against=against,
                goal=f"≥ {goal:g}×",
                figure=f"{ratio.figure('×')}; {ours.figure('', 0)} against {theirs.figure(' pictures/s', 0)}",
                spread=f"{ratio.range('×')}; {ours.range('', 0)} against {theirs.range('', 0)}",
                met=ratio.median >= goal,
            )
        )
    return rows


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Random ones of 32×32, uint8, and their labels."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (NUM_PICTURES, 32, 32, 3)).astype(np.uint8)
    return x, generator.integers(0, 10, NUM_PICTURES)


def pictures_per_second(batches: Iterator[Any], count: int, drained: int) -> Callable[[], Figures]:
    """Reads `count` pictures a round, after `drained` batches that do not count."""

    def read() -> Figures:
        for _ in itertools.islice(batches, drained):
            pass
        seen, began = 0, time.perf_counter()
        while seen < count:
            seen += len(next(batches)[0])
        return {"pictures_per_second": seen / (time.perf_counter() - began)}

    return read


def ours(rounds: Rounds) -> None:
    """The pipeline as the worker sets it up: deterministic, all of an epoch's draws and its shuffling within."""
    from core.design.presets import get_preset
    from core.training.arrays import TrainingSet
    from core.training.runtime import configure_runtime
    from core.training.train import batches_of

    config = get_preset("article-augmented").config
    configure_runtime(1, 0, deterministic=config.training.deterministic)
    x, y = pictures()
    data = TrainingSet(x, np.arange(len(x)), y, 10)
    rounds.run(pictures_per_second(iter(batches_of(config, data, 0, 1)), 2 * NUM_PICTURES, DRAINED_BATCHES))


def generator(rounds: Rounds) -> None:
    """As in the article."""
    import keras
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    x, y = pictures()
    varied = ImageDataGenerator(
        rotation_range=20, width_shift_range=0.02, height_shift_range=0.02, horizontal_flip=True
    )
    batches = varied.flow(x / np.float32(255), keras.utils.to_categorical(y, 10), batch_size=BATCH_SIZE)
    rounds.run(pictures_per_second(batches, NUM_PICTURES // 2, 0))


def layers(rounds: Rounds) -> None:
    """As Keras's guide to augmentation has it."""
    import keras
    import tensorflow as tf

    x, y = pictures()
    varied = keras.Sequential(
        [
            keras.layers.RandomRotation(20 / 360, fill_mode="nearest"),
            keras.layers.RandomTranslation(0.02, 0.02, fill_mode="nearest"),
            keras.layers.RandomFlip("horizontal"),
        ]
    )
    dataset = tf.data.Dataset.from_tensor_slices((x, keras.utils.to_categorical(y, 10)))
    dataset = dataset.shuffle(NUM_PICTURES).repeat().batch(BATCH_SIZE)
    dataset = dataset.map(
        lambda images, labels: (varied(images, training=True), labels), num_parallel_calls=tf.data.AUTOTUNE
    )
    batches = iter(dataset.prefetch(tf.data.AUTOTUNE))
    rounds.run(pictures_per_second(batches, NUM_PICTURES, DRAINED_BATCHES))


CONTESTANTS: dict[str, Callable[[Rounds], None]] = {"ours": ours, "generator": generator, "layers": layers}
