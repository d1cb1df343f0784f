"""What Classify says of a picture's place among the training pictures, held against scikit-learn and Keras."""

import re

import keras
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from tests.pages.numbers.conftest import CLASSES, Trained
from tests.pages.numbers.readings import texts_of
from tests.pages.numbers.test_answers import png
from tests.pages.visits import open_page, press, unfold, words

pytestmark = pytest.mark.usefixtures("engine")

K = 3  # the third nearest of 600 training pictures counts: one in 200
STRANGE = [
    np.random.default_rng(seed).integers(0, 256, (32, 32, 3)).astype(np.uint8) for seed in range(2)
] + [np.full((32, 32, 3), 255, np.uint8), np.zeros((32, 32, 3), np.uint8)]


class Distances:
    """In the features that the last layer of the run `plain` reads, scaled to length 1."""

    def __init__(self, home: Trained) -> None:
        model = home.model(home.plain)
        self._features = keras.Model(model.input, model.layers[-1].input)
        self._near = NearestNeighbors(n_neighbors=5).fit(self._of(home.array("x_train")))
        self.validation = self.to_kth(home.validation[0])
        self.threshold = np.quantile(self.validation, 0.95)

    def _of(self, pictures: np.ndarray) -> np.ndarray:
        return normalize(self._features.predict(pictures, verbose=0))

    def nearest(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._near.kneighbors(self._of(pictures))

    def to_kth(self, pictures: np.ndarray) -> np.ndarray:
        return self.nearest(pictures)[0][:, K - 1]


def test_every_number_of_what_a_run_knows(home: Trained) -> None:
    expected = Distances(home)
    pictures = np.stack([*home.test[0][:6], *STRANGE])
    distances = expected.to_kth(pictures)
    page = open_page("classify.py", run=home.plain)
    page.file_uploader[0].set_value(
        [(f"{i}.png", png(each), "image/png") for i, each in enumerate(pictures)]
    ).run()
    unfold(page, "All answers as a table")
    table = page.dataframe[0].value
    percentiles = [100 * float((expected.validation < each).mean()) for each in distances]
    # Features are kept in half precision, so that a neighbour in the order of 90 may change places.
    assert np.abs(table["distance_percentile"] - percentiles).max() < 100 / 90 + 0.01
    clear = np.abs(distances - expected.threshold) > 0.002
    known = np.where(distances <= expected.threshold, "yes", "no")
    assert clear.sum() >= 8 and (table["known"][clear] == known[clear]).all()
    notices = [
        each.help.replace("\\", "")
        for each in page.markdown
        if "nothing that it was trained on" in each.value
    ]
    assert len(notices) == (table["known"] == "no").sum() > 0
    mistaken = 100 * float((expected.to_kth(home.test[0]) > expected.threshold).mean())
    for notice, percentile in zip(notices, table["distance_percentile"][table["known"] == "no"], strict=True):
        nearer, limit, by_mistake = map(float, re.findall(r"([\d.]+) %", notice))
        assert (nearer, limit) == (round(percentile, 1), 95)
        assert abs(by_mistake - mistaken) < 100 / 60 + 0.06  # one of 60 test pictures
    probabilities = home.model(home.plain).predict(pictures, verbose=0)
    for rank, (name, percent) in enumerate(
        (("answer", "probability"), ("second", "second_probability")), start=1
    ):
        best = np.sort(probabilities, axis=1)[:, -rank]
        assert np.abs(table[percent] - 100 * best).max() < 0.11
        sure = np.diff(np.sort(probabilities, axis=1)[:, -3:], axis=1).min(axis=1) > 0.002
        assert [CLASSES[each] for each in np.argsort(probabilities, axis=1)[sure, -rank]] == [
            *table[name][sure]
        ]


def test_every_number_of_the_reasons(home: Trained) -> None:
    expected = Distances(home)
    picture = home.test[0][3]
    page = open_page("classify.py", run=home.plain)
    page.file_uploader[0].set_value([("mine.png", png(picture), "image/png")]).run()
    assert any(text.startswith(f"It knows {len(CLASSES)} classes: ") for text in texts_of(page))
    press(page, "Why this answer?")
    alts = [each.proto.imgs[0].alt for each in page.get("image")]
    shown = [re.fullmatch(r"Training picture (\d+): (\w+), distance ([\d.]+)", alt) for alt in alts]
    neighbours = [found.groups() for found in shown if found]
    distances, rows = (each[0] for each in expected.nearest(picture[None]))
    labels = home.array("y_train")
    assert len(neighbours) == 5
    for (number, name, distance), exact in zip(neighbours, distances, strict=True):
        assert CLASSES[labels[int(number) - 1]] == name
        assert abs(float(distance) - exact) < 0.0075
    assert len({int(number) - 1 for number, _, _ in neighbours} & set(rows)) >= 4
    probability = 100 * home.model(home.plain).predict(picture[None], verbose=0).max()
    (said,) = re.findall(r"mine\.png is taken for “\w+” with ([\d.]+) %", words(page))
    assert abs(float(said) - probability) < 0.11
