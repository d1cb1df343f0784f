"""Inspect: each of its numbers from Keras's own answers, with scikit-learn and SciPy."""

import base64
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import binomtest
from sklearn.metrics import (
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)
from streamlit.testing.v1 import AppTest

from core.inspection import temperature as temperature_module
from pages.components.inspect_run import evaluations
from tests.pages.numbers.conftest import CLASSES, NUM_TEST, NUM_VALIDATION, Trained
from tests.pages.numbers.readings import typed
from tests.pages.visits import open_page, unfold, words

pytestmark = pytest.mark.usefixtures("engine")

EVERY = range(len(CLASSES))


def answers(home: Trained, run_id: str, split: str, which: str = "best") -> tuple[np.ndarray, np.ndarray]:
    """(probabilities, labels) of a part."""
    pictures, labels = home.test if split == "test" else home.validation
    probabilities = home.model(run_id, which).predict(pictures, verbose=0).astype(np.float64)
    return probabilities / probabilities.sum(
        axis=1, keepdims=True
    ), labels  # of 32 bits, their sum is rounded


def spoken(page: AppTest) -> str:
    return typed(words(page))


def tiles(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def interval(right: int, count: int) -> tuple[float, float]:
    found = binomtest(right, count).proportion_ci(method="wilson")
    return found.low, found.high


def figure_of(page: AppTest, place: int) -> dict[str, Any]:
    return json.loads(page.get("plotly_chart")[place].proto.spec)


def grids(page: AppTest) -> list[dict[str, Any]]:
    found = [each.proto for each in page.get("bidi_component")]
    found = [each for each in found if each.component_name == "convdeck_pictures.pictures"]
    return [json.loads(each.mixed.json if each.HasField("mixed") else each.json) for each in found]


@pytest.mark.parametrize("split", ["test", "validation"])
def test_every_number_of_how_good_a_run_is(home: Trained, split: str) -> None:
    page = open_page("inspect_run.py", run=home.plain, split=split)
    shown = tiles(page)
    right = {}
    for part, name in (("test", "Test"), ("validation", "Validation")):
        probabilities, labels = answers(home, home.plain, part)
        right[part] = int((probabilities.argmax(axis=1) == labels).sum())
        low, high = interval(right[part], len(labels))
        assert shown[f"{name} accuracy"] == f"{100 * right[part] / len(labels):.1f} %"
        tile = next(each for each in page.metric if each.label == f"{name} accuracy")
        assert tile.delta == f"{100 * low:.1f} to {100 * high:.1f} %"
    probabilities, labels = answers(home, home.plain, split)
    top = top_k_accuracy_score(labels, probabilities, k=3, labels=EVERY)
    assert shown["Top-3 accuracy"] == f"{100 * top:.1f} %"
    assert "Top-5 accuracy" not in shown  # there are four classes
    assert abs(float(shown["Loss"]) - log_loss(labels, probabilities, labels=EVERY)) < 0.0011
    assert shown[f"{split.capitalize()} pictures"] == str(len(labels))
    # Newcombe's interval, from the two of Wilson.
    v, t = right["validation"] / NUM_VALIDATION, right["test"] / NUM_TEST
    (vl, vh), (tl, th) = interval(right["validation"], NUM_VALIDATION), interval(right["test"], NUM_TEST)
    low, high = v - t - np.hypot(v - vl, th - t), v - t + np.hypot(vh - v, t - tl)
    assert f"interval of the difference: {100 * low:.1f} to {100 * high:.1f} points)" in spoken(page)
    assert f"{100 * abs(v - t):.1f} points {'higher' if v > t else 'lower'}" in spoken(page)
    assert ("within chance" in spoken(page)) == (low <= 0 <= high)


def test_every_number_of_the_confusions(home: Trained) -> None:
    probabilities, labels = answers(home, home.noisy, "test")
    confusion = confusion_matrix(labels, probabilities.argmax(axis=1), labels=EVERY)
    page = open_page("inspect_run.py", run=home.noisy)
    notes = figure_of(page, 0)["layout"]["annotations"]
    drawn = np.zeros_like(confusion)
    for note in notes:
        drawn[note["y"], note["x"]] = int(note["text"])
    np.testing.assert_array_equal(drawn, confusion)
    told = [
        re.match(r"(\d+) × \*\*(\w+)\*\* taken for \*\*(\w+)\*\* \(([\d.]+) %\)", typed(each.label))
        for each in page.button
    ]
    counts = []
    for each in filter(None, told):
        row, column = CLASSES.index(each[2]), CLASSES.index(each[3])
        assert int(each[1]) == confusion[row, column]
        assert each[4] == f"{100 * confusion[row, column] / confusion[row].sum():.1f}"
        counts.append(int(each[1]))
    wrong = confusion[~np.eye(len(CLASSES), dtype=bool)]
    assert counts == sorted(wrong[wrong > 0], reverse=True)[:10]


def test_every_number_of_the_confusions_over_the_epochs(home: Trained) -> None:
    probabilities, labels = answers(home, home.noisy, "validation", "last")
    last = confusion_matrix(labels, probabilities.argmax(axis=1), labels=EVERY)
    page = unfold(open_page("inspect_run.py", run=home.noisy), "Over the epochs")
    drawn = np.zeros_like(last)
    for note in figure_of(page, 1)["layout"]["annotations"]:
        drawn[note["y"], note["x"]] = int(note["text"])
    np.testing.assert_array_equal(drawn, last)
    slider = page.select_slider[0]
    slider.set_value(slider.options[0]).run()
    first = np.zeros_like(last)
    for note in figure_of(page, 1)["layout"]["annotations"]:
        first[note["y"], note["x"]] = int(note["text"])
    np.testing.assert_array_equal(first.sum(axis=1), last.sum(axis=1))
    told = re.findall(r"(\d+) × \*\*(\w+)\*\* taken for \*\*(\w+)\*\* \(epoch 1: (\d+)\)", spoken(page))
    assert told
    for count, label, answer, at_first in told:
        place = CLASSES.index(label), CLASSES.index(answer)
        assert int(count) == int(at_first) == first[place]


def test_every_number_of_the_classes(home: Trained) -> None:
    probabilities, labels = answers(home, home.noisy, "validation", "last")
    page = open_page("inspect_run.py", run=home.noisy, split="validation", epoch="last")
    table = page.dataframe[0].value
    expected = precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=EVERY, zero_division=np.nan
    )
    order = [CLASSES.index(name) for name in table["Class"]]
    for name, values in zip(("Precision", "Recall", "F1"), expected[:3], strict=True):
        np.testing.assert_allclose(table[name], 100 * values[order])
    assert table["Pictures"].tolist() == expected[3][order].tolist()
    assert table["F1"].is_monotonic_increasing


def test_each_picture_is_the_one_that_its_words_name(home: Trained) -> None:
    probabilities, labels = answers(home, home.noisy, "test")
    said = probabilities.argmax(axis=1)
    page = open_page("inspect_run.py", run=home.noisy)
    wrong = np.flatnonzero(said != labels)
    assert f"{len(wrong)} mistakes, of {NUM_TEST} test pictures." in spoken(page)
    (grid,) = grids(page)
    (group,) = grid["groups"]
    sheet = Image.open(io.BytesIO(base64.b64decode(grid["sheet"].partition(",")[2]))).convert("RGB")
    stored, places = home.array("x_test"), []
    for index, sentence in enumerate(group["labels"]):
        row, name, answer, percent = re.fullmatch(
            r"Picture ([\d,]+): (\w+), taken for (\w+) with ([\d.]+) %", sentence
        ).groups()
        place = int(row.replace(",", "")) - NUM_VALIDATION
        places.append(place)
        assert (name, answer) == (CLASSES[labels[place]], CLASSES[said[place]])
        assert abs(float(percent) - 100 * probabilities[place].max()) < 0.11
        label, second = grid["captions"][index].split("\n")
        assert label == name
        assert re.fullmatch(rf"→ \d+ % {answer}", second)
        x, y = index % grid["columns"] * 32, index // grid["columns"] * 32
        np.testing.assert_array_equal(
            np.asarray(sheet)[y : y + 32, x : x + 32], stored[NUM_VALIDATION + place]
        )
    assert sorted(places) == wrong.tolist()[:60]
    losses = -np.log(probabilities[places, labels[places]])
    assert all(losses[:-1] >= losses[1:] - 1e-3)


def test_every_number_of_one_picture(home: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest has no click for a component: the first picture of the grid counts as picked."""
    monkeypatch.setattr("pages.components.inspect_run.pictures.picture_grid", lambda *_, **__: 0)
    probabilities, labels = answers(home, home.plain, "test")
    losses = -np.log(probabilities[np.arange(len(labels)), labels])
    worst = np.where(probabilities.argmax(axis=1) != labels, losses, -1).argmax()
    page = open_page("inspect_run.py", run=home.plain)
    bars = [
        re.fullmatch(r"(\W*)(\w+)\W* ([\d.]+) %", each.proto.text).groups() for each in page.get("progress")
    ]
    order = np.argsort(-probabilities[worst])
    assert [name for _, name, _ in bars] == [CLASSES[place] for place in order]
    assert [bool(mark) for mark, _, _ in bars] == [place == labels[worst] for place in order]
    for (_, _, percent), place in zip(bars, order, strict=True):
        assert abs(float(percent) - 100 * probabilities[worst, place]) < 0.11
    row, loss = re.search(
        r"Row ([\d,]+) of the data set's test arrays.*Loss ([\d.]+)\.", spoken(page)
    ).groups()
    assert int(row) == NUM_VALIDATION + worst
    assert abs(float(loss) - losses[worst]) < 0.003


def test_every_number_of_the_calibration(home: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temperature_module, "FEWEST_PICTURES", NUM_VALIDATION)
    monkeypatch.setattr(evaluations, "_kept", evaluations.VersionedCache(evaluations.MOST_KEPT))
    probabilities, labels = answers(home, home.plain, "validation")

    def loss(inverse: float) -> float:
        scaled = log_softmax(np.log(probabilities) * inverse, axis=1)
        return -scaled[np.arange(len(labels)), labels].mean()

    temperature = 1 / minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9}).x
    probabilities, labels = answers(home, home.plain, "test")
    corrected = np.exp(log_softmax(np.log(probabilities) / temperature, axis=1))
    right = probabilities.argmax(axis=1) == labels
    shown = tiles(open_page("inspect_run.py", run=home.plain))
    assert abs(float(shown["Temperature"]) - temperature) < 0.011
    for tile, sure in (("ECE, in points", probabilities.max(axis=1)), ("ECE with it", corrected.max(axis=1))):
        bins = np.array_split(np.argsort(sure, kind="stable"), 15)
        ece = sum(len(each) * abs(sure[each].mean() - right[each].mean()) for each in bins) / len(labels)
        assert abs(float(shown[tile]) - 100 * ece) < 0.11
    page = open_page("inspect_run.py", run=home.plain)
    sure = np.sort(probabilities.max(axis=1))
    surest = np.argsort(probabilities.max(axis=1), kind="stable")[-NUM_TEST // 15 :]
    assert (
        f"it says {100 * sure[-len(surest) :].mean():.0f} % and is right in {100 * right[surest].mean():.0f} % "
        f"(of {len(surest)} pictures). Over all pictures it says {100 * sure.mean():.0f} % and is right in "
        f"{100 * right.mean():.0f} %"
    ) in spoken(page)


def test_every_number_of_two_runs(home: Trained) -> None:
    page = open_page("inspect_run.py", run=home.plain, **{"with": home.noisy})
    one, labels = answers(home, home.plain, "test")
    other, _ = answers(home, home.noisy, "test")
    first, second = one.argmax(axis=1) == labels, other.argmax(axis=1) == labels
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    lead = (only_first - only_second) / NUM_TEST
    said = spoken(page)
    assert f"{100 * abs(lead):.1f} points {'more' if lead > 0 else 'less'} accurate" in said
    assert f"The first alone gets {only_first} picture" in said
    assert f"right, the second alone {only_second}." in said
    p = binomtest(only_first, only_first + only_second).pvalue
    assert ("p < 0.001" if p < 0.001 else f"(p = {p:.3f})") in said
    table = page.table[0].value
    assert table.iloc[0].tolist()[1:] == [str(int((first & second).sum())), str(only_first)]
    assert table.iloc[1].tolist()[1:] == [str(only_second), str(int((~first & ~second).sum()))]
    difference = confusion_matrix(labels, one.argmax(axis=1), labels=EVERY) - confusion_matrix(
        labels, other.argmax(axis=1), labels=EVERY
    )
    drawn = np.zeros_like(difference)
    for note in figure_of(page, 2)["layout"]["annotations"]:
        drawn[note["y"], note["x"]] = int(typed(note["text"]))
    np.testing.assert_array_equal(drawn, difference)
    assert len(grids(page)[1]["groups"][0]["labels"]) == only_first
