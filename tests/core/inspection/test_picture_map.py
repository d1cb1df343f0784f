"""The map of a real run's pictures: places as NumPy and scikit-learn have them, kept, and new pictures among them."""

import dataclasses
import io
import shutil

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.linalg import orthogonal_procrustes
from sklearn.manifold import trustworthiness

from core.datasets.splits import validation_and_test
from core.datasets.storage import load_dataset
from core.engine.map_requests import MapMaker
from core.errors import UserError
from core.inspection.answers import answers_of, weights_of
from core.inspection.picture_map import (
    FOLDER,
    PictureMap,
    _turn_to,
    answers_on,
    picture_map,
    place_pictures,
    purity,
)
from core.store.store import Store


@pytest.fixture(scope="module")
def run(trained):
    shutil.rmtree(trained.workspace.run_folder(trained.run_id) / FOLDER, ignore_errors=True)
    return Store(trained.workspace).get_run(trained.run_id)


@pytest.fixture(scope="module")
def advanced() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def found(trained, engine, run, advanced) -> PictureMap:
    return picture_map(
        trained.workspace, engine, run, "test", "best", lambda done, of: advanced.append((done, of))
    )


@pytest.fixture(scope="module")
def features(trained, run, found) -> np.ndarray:
    path = max(trained.workspace.run_folder(run.id).glob("best-*.keras"))
    model = keras.models.load_model(path, compile=False)
    pictures = np.asarray(load_dataset(trained.workspace, "shapes").x_test[found.rows])
    raw = keras.Model(model.input, model.layers[-1].input).predict(pictures, verbose=0).astype(np.float64)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def test_every_picture_of_the_part_is_on_it(trained, found, advanced) -> None:
    _, test = validation_and_test(np.asarray(load_dataset(trained.workspace, "shapes").y_test))
    assert sorted(found.rows) == sorted(test) and len(found) == 1500
    assert advanced == sorted(advanced) and advanced[-1] == (2250, 2250)


def test_pca_has_the_largest_variance_that_numpy_finds(found, features) -> None:
    values = np.linalg.eigvalsh(np.cov(features.T))[::-1]
    assert found.explained == pytest.approx((values / values.sum())[: len(found.explained)], abs=1e-4)
    assert found.pca.var(axis=0, ddof=1) == pytest.approx(values[:2], rel=1e-3)
    # All components kept, distances are those of the features.
    some = np.linalg.norm(found.projected[:50, None] - found.projected[None, :50], axis=2)
    exact = np.linalg.norm(features[:50, None] - features[None, :50], axis=2)
    assert some == pytest.approx(exact, abs=0.02)


def test_neighbours_on_the_t_sne_map_are_neighbours_to_the_network(found, features) -> None:
    """Venna and Kaski's trustworthiness: 1 is perfect, about a half is chance."""
    trusted = trustworthiness(features, found.tsne, n_neighbors=10)
    assert trusted > 0.95
    assert trusted > trustworthiness(features, found.pca, n_neighbors=10)


def test_the_answers_follow_the_order_of_the_map(trained, engine, run, found) -> None:
    answers = answers_of(trained.workspace, engine, run, "test")
    shown = answers_on(found, answers)
    labels = load_dataset(trained.workspace, "shapes").y_test
    assert np.array_equal(shown.rows, found.rows)
    assert np.array_equal(shown.labels, labels[found.rows])


def test_it_is_made_once_the_same_again_and_again_where_the_file_is_damaged(
    trained, engine, run, found
) -> None:
    kept = picture_map(trained.workspace, None, run, "test")  # no engine is asked
    assert np.array_equal(kept.tsne, found.tsne) and np.array_equal(kept.pca, found.pca)
    path = trained.workspace.run_folder(run.id) / FOLDER / f"test-{found.epoch:06d}.npz"
    for damaged in (path.read_bytes()[:500], b""):
        path.write_bytes(damaged)
        again = picture_map(trained.workspace, engine, run, "test")
        assert np.array_equal(again.tsne, found.tsne)


def test_the_map_of_another_epoch_begins_at_that_of_the_best(trained, engine, run, found) -> None:
    last = picture_map(trained.workspace, engine, run, "test", "last")
    assert last.epoch != found.epoch
    assert np.array_equal(last.rows, found.rows)
    # Directions agree: a map that began elsewhere could be mirrored, as PCA's signs are arbitrary.
    for kind in ("tsne", "pca"):
        correlation = np.corrcoef(last.places(kind).ravel(), found.places(kind).ravel())[0, 1]
        assert correlation > 0.5, kind


def test_a_picture_of_the_map_lands_at_its_own_place(trained, engine, run, found) -> None:
    stored = load_dataset(trained.workspace, "shapes").x_test
    files = []
    for at in range(12):
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(stored[found.rows[at]])).save(buffer, "PNG")
        files.append((f"{at}.png", buffer.getvalue()))
    weights = weights_of(trained.workspace, run, "best")
    placed = place_pictures(engine, run, weights, found, [*files, ("x.png", b"no picture")], "stretch")
    assert [each.answer.ok for each in placed] == [True] * 12 + [False]
    assert placed[-1].places == {} and placed[-1].to_json()["tsne"] is None
    own = np.array([each.places["pca"] for each in placed[:-1]])
    assert own == pytest.approx(found.pca[:12], abs=1e-3)
    width = np.ptp(found.tsne, axis=0).max()
    away = np.linalg.norm(np.array([each.places["tsne"] for each in placed[:-1]]) - found.tsne[:12], axis=1)
    assert np.median(away) < 0.05 * width
    assert placed[0].answer.top[0].probability == max(each.probability for each in placed[0].answer.top)


def test_weights_that_were_replaced_are_not_taken_for_those_of_the_map(trained, engine, run, found) -> None:
    others = weights_of(trained.workspace, run, "last")
    with pytest.raises(UserError, match="saved other weights meanwhile"):
        place_pictures(engine, run, others, found, [("x.png", b"no picture")])


def test_a_map_of_weights_that_were_replaced_is_none_of_the_epoch(trained, run, found, monkeypatch) -> None:
    other = dataclasses.replace(found, epoch=found.epoch + 1)
    monkeypatch.setattr("core.inspection.picture_map._make", lambda *_: other)
    monkeypatch.setattr("core.inspection.picture_map._read", lambda *_: None)
    monkeypatch.setattr("core.inspection.picture_map._write", lambda *_: None)
    with pytest.raises(
        UserError, match=f"of epoch {found.epoch} were replaced by those of epoch {other.epoch}"
    ):
        picture_map(trained.workspace, None, run, "test", found.epoch)
    assert picture_map(trained.workspace, None, run, "test", "best") is other


def test_what_cannot_be_asked_is_refused_in_words(trained, engine, run, found) -> None:
    with pytest.raises(UserError, match="split must be one of"):
        picture_map(trained.workspace, engine, run, "train")
    with pytest.raises(UserError, match="kind must be one of tsne, pca"):
        found.places("umap")


def test_a_turn_is_the_one_that_scipy_finds() -> None:
    generator = np.random.default_rng(0)
    places, others = generator.normal(size=(2, 30, 2)).astype(np.float32)
    expected, _ = orthogonal_procrustes(places, others)
    assert _turn_to(places, others) == pytest.approx(expected, abs=1e-5)


def test_purity_by_hand(found) -> None:
    """Two groups of twelve far apart: within, the ten nearest are all of the group."""
    line = np.stack([np.arange(24.0), np.zeros(24)], axis=1).astype(np.float32)
    line[12:, 0] += 1000
    labels = np.repeat([0, 1], 12)
    assert purity(line, labels) == 1.0
    assert purity(line, np.tile([0, 1], 12)) == pytest.approx(5 / 11, abs=0.06)
    assert purity(line[:1], labels[:1]) == 1.0


class Constant:
    """A scorer whose features are all the same, or few."""

    def __init__(self, features: np.ndarray) -> None:
        self._features = features
        self.units = features.shape[1]

    def score(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._features[: len(images)], np.zeros((len(images), 2), np.float32)


@pytest.mark.parametrize(
    ("features", "count"),
    [
        (np.ones((40, 3), np.float32), 40),
        (np.eye(4, dtype=np.float32), 4),
        (np.ones((30, 1), np.float32), 30),
    ],
)
def test_pictures_that_are_all_alike_or_few_have_a_map_too(features: np.ndarray, count: int) -> None:
    @dataclasses.dataclass
    class Split:
        x_validation: np.ndarray
        y_validation: np.ndarray
        y_test: np.ndarray
        validation_rows: np.ndarray

    labels = np.arange(count) % 2
    maker = MapMaker(
        Constant(features),
        Split(np.zeros((count, 2, 2, 1), np.uint8), labels, labels, np.arange(count)),
        "validation",
    )
    while not maker.advance():
        pass
    made = maker.arrays()
    assert made["tsne"].shape == (count, 2) and np.isfinite(made["tsne"]).all()
    assert np.isfinite(made["explained"]).all()
    # Where there is nothing to lay out, the places are those of PCA.
    assert np.array_equal(made["tsne"], made["projected"][:, :2])
