"""Seconds an epoch of the article's network: a whole run of ours beside what one would write by hand."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.children import Figures, Rounds, column, rounds_of
from tests.benchmarks.rows import ROUNDS, Row, Spread, ratios

# Five to one, as CIFAR-10 has it. Our runs measure 2,000 of the training pictures again, whatever their number: of
# 50,000 that would be a twenty-fifth, here it is a quarter.
NUM_TRAIN, NUM_VALIDATION = 8_000, 1_600
BATCH_SIZE = 32
MOST_FOR_LOOKING_BACK = 1.1


def measure() -> list[Row]:
    figures = rounds_of(__name__, list(CONTESTANTS), ROUNDS)
    epochs = {name: column(rounds, "epoch") for name, rounds in figures.items()}
    steps = {name: column(rounds, "training") for name, rounds in figures.items() if "training" in rounds[0]}
    return [
        _row(
            "epoch of `article-augmented`: reports, clean accuracy on 2,000 pictures, validation, details, "
            "checkpoint, best model where it is one",
            "the article's code: `fit(ImageDataGenerator.flow(…), validation_data=…)`",
            1.5,
            epochs["augmented"],
            epochs["generator"],
        ),
        _row(
            "epoch of `article`, with all of that",
            "bare `model.fit` on arrays, with `validation_data`",
            1.0,
            epochs["plain"],
            epochs["arrays"],
        ),
        _kept_row(epochs["plain"], epochs["unkept"]),
        _row(
            "the training part of an epoch of `article`",
            "our own step on one repeated batch, nothing reported or measured",
            0.97,
            steps["plain"],
            epochs["step"],
        ),
        _row(
            "the training part of an epoch of `article`",
            "Keras's step on one repeated batch",
            0.97,
            steps["plain"],
            epochs["keras step"],
        ),
    ]


def _row(what: str, against: str, goal: float, ours: list[float], theirs: list[float]) -> Row:
    """How many times quicker ours is, round by round."""
    ratio, own, other = Spread.of(ratios(theirs, ours)), Spread.of(ours), Spread.of(theirs)
    return Row(
        what=what,
        against=against,
        goal=f"≥ {goal:g}×",
        figure=f"{ratio.figure('×', 2)}; {own.figure('', 2)} against {other.figure(' s', 2)}",
        spread=f"{ratio.range('×', 2)}; {own.range('', 2)} against {other.range(' s', 2)}",
        met=ratio.median >= goal,
    )


def _kept_row(kept: list[float], unkept: list[float]) -> Row:
    """What it costs to be able to look back, round by round."""
    ratio, own, other = Spread.of(ratios(kept, unkept)), Spread.of(kept), Spread.of(unkept)
    return Row(
        what="epoch of `article`, with confusions counted and weights of every epoch kept",
        against="without both",
        goal=f"≤ {MOST_FOR_LOOKING_BACK:g}×",
        figure=f"{ratio.figure('×', 3)}; {own.figure('', 2)} against {other.figure(' s', 2)}",
        spread=f"{ratio.range('×', 3)}; {own.range('', 2)} against {other.range(' s', 2)}",
        met=ratio.median <= MOST_FOR_LOOKING_BACK,
    )


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training and validation: random ones of 32×32, uint8, and their labels."""
    generator = np.random.default_rng(0)
    num = NUM_TRAIN + NUM_VALIDATION
    x = generator.integers(0, 256, (num, 32, 32, 3)).astype(np.uint8)
    y = generator.integers(0, 10, num)
    return x[:NUM_TRAIN], y[:NUM_TRAIN], x[NUM_TRAIN:], y[NUM_TRAIN:]


def _run_of(preset: str, *, looks_back: bool = True) -> Callable[[Rounds], None]:
    """A whole training run as the worker has it, which waits after each epoch for the next round.

    Without `looks_back` it leaves nothing that Inspect needs: neither confusions nor weights of every epoch.
    """

    def contestant(rounds: Rounds) -> None:
        from core.datasets.splits import CLEAN_PICTURES, TrainingArrays
        from core.design.presets import get_preset
        from core.store.records import RunRequest
        from core.store.store import Store
        from core.training import breakdown
        from core.training.runtime import configure_runtime
        from core.training.train import train
        from core.worker.reporter import RunReporter
        from core.workspace import Workspace

        class Paced(RunReporter):
            """Tells the store what a run tells it. An epoch lasts until all it leaves is on the disk."""

            began = training = 0.0

            def apply_learning_rates(self, epoch: int, apply: Callable[[float], str]) -> None:
                rounds.wait()
                self.began = time.perf_counter()
                super().apply_learning_rates(epoch, apply)

            def report_epoch(self, row: Any) -> None:
                self.training = NUM_TRAIN / row.images_per_second
                super().report_epoch(row)

            def wait_while_paused(self, *, epoch_ended: bool = False) -> None:
                super().wait_while_paused(epoch_ended=epoch_ended)
                if epoch_ended:
                    rounds.tell(epoch=time.perf_counter() - self.began, training=self.training)

        x, y, x_validation, y_validation = pictures()
        arrays = TrainingArrays(
            x_train=x, train_indices=np.arange(NUM_TRAIN), y_train=y, y_train_true=y,
            x_validation=x_validation, y_validation=y_validation,
            read_test=lambda own: x_validation[own], y_test=y_validation,
            train_rows=np.arange(NUM_TRAIN),
            validation_rows=np.arange(len(y_validation)), test_rows=np.arange(len(y_validation)),
            x_clean=x[:CLEAN_PICTURES], y_clean=y[:CLEAN_PICTURES],
            class_names=tuple("abcdefghij"), image_shape=(32, 32, 3),
        )  # fmt: skip
        config = get_preset(preset).config
        if not looks_back:
            config = config.with_values({"training.keep_epoch_weights": False})
            breakdown._count_wrong = lambda *_: {"place": [], "count": []}
        configure_runtime(1, 0, deterministic=config.training.deterministic)
        with tempfile.TemporaryDirectory() as home:
            workspace = Workspace(Path(home))
            with Store(workspace) as store:
                run = store.queue_run(RunRequest(config))
                store.claim(run.id, ["cpu:0"])
                folder = workspace.run_folder(run.id)
                folder.mkdir(parents=True, exist_ok=True)
                train(config, arrays, folder, Paced(store, run.id, 1))

    return contestant


def article_s_network() -> Any:
    """Written as the article has it, compiled."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(64, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(256, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def _by_hand(*, augmented: bool) -> Callable[[Rounds], None]:
    """An epoch of `fit` on pictures between 0 and 1, with the same validation pictures."""

    def contestant(rounds: Rounds) -> None:
        import keras
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        x, y, x_validation, y_validation = pictures()
        x, x_validation = (part.astype("float32") / 255 for part in (x, x_validation))
        y, y_validation = (keras.utils.to_categorical(part, 10) for part in (y, y_validation))
        varied = ImageDataGenerator(
            rotation_range=20, width_shift_range=0.02, height_shift_range=0.02, horizontal_flip=True
        )
        data: dict[str, Any] = {"x": x, "y": y, "batch_size": BATCH_SIZE}
        if augmented:
            data = {"x": varied.flow(x, y, batch_size=BATCH_SIZE)}
        model = article_s_network()

        def epoch() -> Figures:
            began = time.perf_counter()
            model.fit(**data, epochs=1, validation_data=(x_validation, y_validation), verbose=0)
            return {"epoch": time.perf_counter() - began}

        rounds.run(epoch)

    return contestant


def _step(*, ours: bool) -> Callable[[Rounds], None]:
    """As many steps as an epoch has, all on the same batch."""

    def contestant(rounds: Rounds) -> None:
        import tensorflow as tf

        from core.design.presets import get_preset
        from core.training.arrays import TrainingSet
        from core.training.runtime import configure_runtime
        from core.training.train import compiled_model

        x, y, _, _ = pictures()
        data = TrainingSet(x, np.arange(NUM_TRAIN), y, 10)
        images, labels = data.take(np.arange(BATCH_SIZE))
        steps = NUM_TRAIN // BATCH_SIZE
        if ours:
            config = get_preset("article").config
            configure_runtime(1, 0, deterministic=config.training.deterministic)
            model = compiled_model(config, data, steps)
        else:
            model, images = article_s_network(), images.astype("float32") / 255
        batches = tf.data.Dataset.from_tensors((images, labels)).cache().repeat()

        def epoch() -> Figures:
            began = time.perf_counter()
            model.fit(batches, steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0)
            return {"epoch": time.perf_counter() - began}

        rounds.run(epoch)

    return contestant


CONTESTANTS: dict[str, Callable[[Rounds], None]] = {
    "augmented": _run_of("article-augmented"),
    "generator": _by_hand(augmented=True),
    "plain": _run_of("article"),
    "unkept": _run_of("article", looks_back=False),
    "arrays": _by_hand(augmented=False),
    "step": _step(ours=True),
    "keras step": _step(ours=False),
}
