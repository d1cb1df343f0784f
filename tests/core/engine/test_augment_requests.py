"""The real engine about augmentation: batches as training makes them, answers on pixels, fixed distortions."""

import threading
from itertools import islice

import numpy as np
import pytest

from core.augmentation import robustness
from core.augmentation.robustness import measure_robustness
from core.config import AugmentationConfig
from core.datasets.splits import load_split, nested_order
from core.datasets.storage import load_dataset
from core.errors import UserError
from core.store.store import Store
from core.training.arrays import training_set
from core.training.pipeline import batches, steps_per_epoch
from core.training.saved_models import load_run_model, predict


@pytest.fixture(scope="module")
def run(trained):
    with Store(trained.workspace) as store:
        return store.get_run(trained.run_id)


def test_the_batch_is_the_one_that_trains(engine, trained, run) -> None:
    config = run.config.with_values(
        {"augmentation.rotation_degrees": 20, "augmentation.mixup_alpha": 0.4, "dataset.label_noise": 0.5,
         "dataset.image_size": 16, "training.epochs": 1}
    )  # fmt: skip
    split = load_split(trained.workspace, config.dataset, config.seed)
    steps = steps_per_epoch(config, len(split.train_indices))
    expected = list(islice(batches(config, training_set(split), 0), steps))
    made = engine.batch(config, 0, 2, most=5)
    assert (made.steps, made.pictures, len(made.images)) == (len(expected), config.training.batch_size, 5)
    np.testing.assert_array_equal(made.images, expected[2][0][:5])
    np.testing.assert_array_equal(made.labels, expected[2][1][:5])
    assert engine.batch(config, 0, 2, most=5).rows == made.rows
    with pytest.raises(UserError, match=f"an epoch of this design has {len(expected)}"):
        engine.batch(config, 0, len(expected), most=5)


def test_rows_and_wrong_labels_are_those_of_the_data_set(engine, trained, run) -> None:
    config = run.config.with_values({"dataset.label_noise": 0.5})
    made = engine.batch(config, 1, 0, most=64)
    dataset = load_dataset(trained.workspace, "shapes")
    np.testing.assert_array_equal(made.images, dataset.x_train[made.rows])
    true = dataset.y_train[made.rows]
    assert made.corrupted == list(made.labels.argmax(axis=1) != true)
    assert 0 < sum(made.corrupted) < len(made.corrupted)


def test_answers_on_pixels_are_the_model_s(engine, trained, run) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    probabilities, names = engine.answer(run.id, pixels)
    loaded = load_run_model(trained.workspace.run_folder(run.id))
    np.testing.assert_allclose(probabilities, predict(loaded.model, pixels), atol=1e-6)
    assert names == loaded.class_names
    with pytest.raises(UserError, match="needs pictures of 32×32×3, not 16×16×3"):
        engine.answer(run.id, pixels[:, :16, :16])


@pytest.fixture
def few_pictures(monkeypatch) -> None:
    monkeypatch.setattr(robustness, "MOST_PICTURES", 200)


def test_untouched_pictures_are_recognised_as_the_run_says(engine, trained, run, few_pictures) -> None:
    *_, last = measure_robustness(trained.workspace, engine, run, "brightness", (32, 32, 3))
    assert last.num_pictures == 200
    split = load_split(trained.workspace, run.config.dataset, 0)
    of = len(split.y_validation)
    right, _ = engine.count_right(run.id, run.config.dataset, "brightness", 0.0, 0, of, of)
    assert right / of == pytest.approx(run.best_val_accuracy, abs=1e-6)
    # Pictures whose brightness is moved by NumPy.
    chosen = nested_order(split.y_validation)[:200]
    darker = np.clip(split.x_validation[chosen] - np.float32(0.8 * 255), 0, 255).round().astype(np.uint8)
    answers = predict(load_run_model(trained.workspace.run_folder(run.id)).model, darker).argmax(axis=1)
    assert last.at(-0.8) == pytest.approx((answers == split.y_validation[chosen]).mean(), abs=0.01)


def test_others_are_answered_in_between(engine, trained, run, few_pictures) -> None:
    """Two at once: whoever asks for a picture waits for a portion, not for the whole sweep."""
    finished_first: list[str] = []
    began = threading.Event()

    def sweep() -> None:
        for number, _ in enumerate(
            measure_robustness(trained.workspace, engine, run, "rotation", (32, 32, 3))
        ):
            if number == 1:
                began.set()
        finished_first.append("sweep")

    thread = threading.Thread(target=sweep)
    thread.start()
    assert began.wait(60)
    for seed in range(3):
        engine.preview(AugmentationConfig(rotation_degrees=5), np.zeros((1, 8, 8, 3), np.uint8), seed)
        finished_first.append("preview")
    thread.join(60)
    assert finished_first == ["preview"] * 3 + ["sweep"]
