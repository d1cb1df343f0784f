"""Classes, followed pictures and wrong labels of a run, counted again from the JSON that the database holds.

Of the runs that were trained, the last epoch is counted once more from its saved weights and the stored pictures.
"""

import base64
import io
import itertools
import json
import math
import sqlite3
import statistics

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.workspace import Workspace
from tests.pages.numbers.conftest import EPOCHS, NUM_TRAIN, Trained
from tests.pages.numbers.readings import chart_data, read_numbers, sql, texts_of
from tests.pages.visits import open_page, words

CURVES = 2  # charts above
SHARE = 0.3  # of the labels of the noisy run
FOLLOWED = 24


def look_at(run_id: str, tab: str) -> AppTest:
    page = open_page("runs.py", run=run_id)
    page.session_state[f"details-{run_id}"] = tab
    page.run()
    assert not page.exception
    return page


def charts(page: AppTest) -> list:
    return page.get("vega_lite_chart")[CURVES:]


def stored(workspace: Workspace, run_id: str) -> list[dict]:
    """One document an epoch, as it lies in the database."""
    query = (
        "SELECT details FROM epoch_details JOIN runs ON number = run_number WHERE runs.id = ? "
        "ORDER BY epoch_details.epoch"
    )
    return [json.loads(row["details"]) for row in sql(workspace, query, run_id)]


def record(store: Store, num_epochs: int, num_classes: int, seed: int) -> Run:
    """A run whose epochs have details that are drawn at random, so that pictures are forgotten again and again."""
    generator = np.random.default_rng(seed)
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "gone"}), "drawn"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, num_epochs, 100, 0)
    counts = {
        "clean": generator.integers(20, 60, num_classes),
        "validation": generator.integers(10, 40, num_classes),
    }
    labels = {part: generator.integers(0, num_classes, FOLLOWED) for part in ("training", "validation")}
    # Some are never learned, some always known, most now and then.
    ease = np.concatenate([np.zeros(4), np.ones(5), np.linspace(0.2, 0.9, FOLLOWED - 9)])
    for epoch in range(1, num_epochs + 1):
        followed = {}
        for part, label in labels.items():
            right = generator.random(FOLLOWED) < ease
            wrong = (label + generator.integers(1, num_classes, FOLLOWED)) % num_classes
            followed[part] = {
                "label": label.tolist(), "true_label": label.tolist(),
                "answer": np.where(right, label, wrong).tolist(),
                "probability": generator.random(FOLLOWED).round(4).tolist(),
            }  # fmt: skip
        memorised = int(generator.integers(20, 90))
        details = {
            **{
                part: {"count": count.tolist(), "right": generator.binomial(count, 0.7).tolist()}
                for part, count in counts.items()
            },
            "corrupted": {
                "count": 137, "memorised": memorised, "resisted": (137 - memorised) // 3, "intact": 131,
                "intact_right": int(generator.integers(60, 131)),
            },
            "followed": followed,
        }  # fmt: skip
        row = EpochRow(epoch, 2.0, 0.3, 1.9, 0.4, 2.1, 0.3, 0.001, 4.0, 900.0, details=details)
        store.record_epoch(run.id, 1, row)
    return run


def test_two_workspaces_with_the_same_run_keep_their_numbers_apart(tmp_path, monkeypatch) -> None:
    """As when a workspace was copied and trained on: the same run, the same number of epochs, other details."""
    found = []
    for number in range(2):
        workspace = Workspace((tmp_path / str(number)).resolve()).ensure()
        with Store(workspace) as store:
            record(store, 4, 3, seed=number)
            connection = sqlite3.connect(workspace.database)
            with connection:
                connection.execute("UPDATE runs SET id = 'samerun222', started_at = 1.0")
            connection.close()
        monkeypatch.setenv("CONVDECK_HOME", str(workspace.root))
        drawn = [
            chart_data(charts(look_at("samerun222", tab))[0]) for tab in ("Classes", "Pictures", "Labels")
        ]
        first = stored(workspace, "samerun222")[0]
        clean = first["clean"]
        assert drawn[0]["train"].iloc[0] == pytest.approx(clean["right"][0] / clean["count"][0])
        assert drawn[2]["memorised"].iloc[0] == pytest.approx(first["corrupted"]["memorised"] / 137)
        found.append(drawn)
    assert not any(one.equals(other) for one, other in zip(*found, strict=True))


def columns(drawn: pd.DataFrame, num_epochs: int) -> list[range]:
    """Which epochs each column of a map stands for, by its edges: all of them, each once, evenly shared out."""
    edges = drawn[["start", "end"]].drop_duplicates().to_numpy()
    found = [range(int(start + 0.5), int(end + 0.5)) for start, end in edges]
    assert [epoch for column in found for epoch in column] == list(range(1, num_epochs + 1))
    assert max(map(len, found)) - min(map(len, found)) <= 1 and len(found) == min(100, num_epochs)
    return found


@pytest.mark.parametrize(("num_epochs", "num_classes"), [(7, 3), (230, 4), (3, 25)])
def test_every_number_of_the_map_of_classes(store, num_epochs: int, num_classes: int) -> None:
    run = record(store, num_epochs, num_classes, seed=1)
    told = stored(store.workspace, run.id)
    page = look_at(run.id, "Classes")
    (chart,) = charts(page)
    drawn = chart_data(chart)

    def accuracy(part: str, number: int, column: range) -> float:
        rows = [told[epoch - 1][part] for epoch in column]
        return statistics.mean(row["right"][number] / row["count"][number] for row in rows)

    last = range(num_epochs, num_epochs + 1)
    gaps = [accuracy("clean", each, last) - accuracy("validation", each, last) for each in range(num_classes)]
    shown = sorted(range(num_classes), key=lambda number: -gaps[number])[:20]
    order = list(range(num_classes)) if num_classes <= 20 else shown
    cells = drawn.to_dict("records")
    expected = list(itertools.product(columns(drawn, num_epochs), order))
    assert len(cells) == len(expected)
    for cell, (column, number) in zip(cells, expected, strict=True):
        assert (cell["start"], cell["cls"]) == (column[0] - 0.5, number)
        assert cell["train"] == pytest.approx(accuracy("clean", number, column), abs=1e-6)
        assert cell["val"] == pytest.approx(accuracy("validation", number, column), abs=1e-6)
    known = "isValid(datum.train) && isValid(datum.val)"
    gap = {"calculate": f"{known} ? 100 * (datum.train - datum.val) : null", "as": "gap"}
    assert gap in json.loads(chart.proto.spec)["transform"]
    counts = told[-1]["validation"]["count"]
    few = min(counts)
    (caption,) = (text for text in texts_of(page) if "The smallest class" in text)
    assert (
        f"The smallest class, class {counts.index(few)}, has {few} validation pictures, so a difference of "
        in caption
    )
    assert f"{100 / math.sqrt(few):.0f} points can be chance" in caption
    named = "The 20 of 25 classes with the largest gap now." in caption
    assert named == (num_classes == 25)


@pytest.mark.parametrize("num_epochs", [1, 9, 230])
def test_every_number_of_the_followed_pictures(store, num_epochs: int) -> None:
    run = record(store, num_epochs, 4, seed=2)
    told = stored(store.workspace, run.id)
    page = look_at(run.id, "Pictures")
    captions = [text for text in texts_of(page) if text.startswith("Of 24,")]
    for part, chart, caption in zip(("training", "validation"), charts(page), captions, strict=True):
        epochs = [each["followed"][part] for each in told]
        drawn = chart_data(chart)
        expected = [history(epochs, place) for place in range(FOLLOWED)]
        kept = sum(each["learned"] > 0 and not each["forgotten"] for each in expected)
        again = sum(each["forgotten"] > 0 for each in expected)
        never = sum(not each["learned"] for each in expected)
        assert kept + again + never == FOLLOWED
        assert caption == (
            f"Of 24, {kept} learned and kept, {again} forgotten at least once, {never} never learned."
        )
        place_of = drawn.drop_duplicates("rank")["picture"].tolist()
        assert sorted(place_of) == list(range(FOLLOWED))
        least = [(-expected[place]["forgotten"], sum(expected[place]["right"])) for place in place_of]
        assert least == sorted(least)  # the most often forgotten first, then the least often right
        found = columns(drawn, num_epochs)
        for cell in drawn.to_dict("records"):
            own = expected[cell["picture"]]
            (column,) = (each for each in found if each[0] == cell["start"] + 0.5)
            rows = [epochs[epoch - 1] for epoch in column]
            right = [own["right"][epoch - 1] for epoch in column]
            assert cell["right"] == (2 * sum(right) >= len(right))
            assert cell["answer"] == rows[-1]["answer"][cell["picture"]]
            mean = statistics.mean(row["probability"][cell["picture"]] for row in rows)
            assert cell["probability"] == pytest.approx(mean, abs=1e-6)
            assert cell["now"] == (num_epochs in column)
            for name in ("learned", "forgotten", "confidence", "variability"):
                assert cell[name] == pytest.approx(own[name], abs=1e-6), name


def history(epochs: list[dict], place: int) -> dict:
    """What became of a picture, told epoch by epoch."""
    learned = forgotten = 0
    before, rights, given = False, [], []
    for epoch in epochs:
        right = epoch["answer"][place] == epoch["label"][place]
        learned += right and not before
        forgotten += before and not right
        before = right
        rights.append(right)
        given.append(epoch["probability"][place])
    return {
        "learned": learned, "forgotten": forgotten, "right": rights, "confidence": statistics.mean(given),
        "variability": statistics.pstdev(given),
    }  # fmt: skip


@pytest.mark.parametrize("num_epochs", [6, 620])
def test_every_number_of_the_wrong_labels(store, num_epochs: int) -> None:
    run = record(store, num_epochs, 4, seed=3)
    told = [each["corrupted"] for each in stored(store.workspace, run.id)]
    page = look_at(run.id, "Labels")
    (chart,) = charts(page)
    drawn = chart_data(chart)
    # All of them, or 500 that are evenly spread.
    epochs = np.linspace(1, num_epochs, min(num_epochs, 500)).round().astype(int).tolist()
    assert drawn["epoch"].tolist() == epochs
    for column, part, whole in (
        ("memorised", "memorised", 137), ("resisted", "resisted", 137), ("intact", "intact_right", 131),
    ):  # fmt: skip
        assert drawn[column].tolist() == pytest.approx(
            [told[epoch - 1][part] / whole for epoch in epochs], abs=1e-6
        )
    last = told[-1]
    (sentence,) = (text for text in texts_of(page) if text.startswith("By epoch"))
    assert read_numbers([sentence]) == {
        str(num_epochs), "137", "131", f"{100 * last['memorised'] / 137:.0f}", f"{100 * last['resisted'] / 137:.0f}",
        f"{100 * last['intact_right'] / 131:.0f}",
    }  # fmt: skip


def test_the_last_epoch_of_a_trained_run_is_what_its_last_weights_answer(home: Trained) -> None:
    model = home.model(home.plain, "last")
    drawn = chart_data(charts(look_at(home.plain, "Classes"))[0])
    now = drawn[drawn["end"] == EPOCHS + 0.5].sort_values("cls")
    for column, pictures, labels in (
        ("train", home.array("x_train"), home.array("y_train")),
        ("val", *home.validation),
    ):
        right = model.predict(pictures, verbose=0).argmax(axis=1) == labels
        recall = [right[labels == number].mean() for number in range(4)]
        assert now[column].tolist() == pytest.approx(recall, abs=1e-6)


def test_a_followed_picture_is_as_sure_as_the_network_is_of_the_pixels_beside_it(home: Trained) -> None:
    model = home.model(home.plain, "last")
    page = look_at(home.plain, "Pictures")
    assert "cannot be shown" not in words(page)
    for chart in charts(page):
        drawn = chart_data(chart)
        now = drawn[drawn["now"] == 1].sort_values("picture")
        pixels = np.stack([pixels_of(url) for url in urls(chart)])
        probabilities = model.predict(pixels, verbose=0)
        assert now["answer"].tolist() == probabilities.argmax(axis=1).tolist()
        label = [
            home.array(f"y_{part}")[place]
            for each in pixels
            for part in ("train", "test")
            for place in np.flatnonzero((home.array(f"x_{part}") == each).all(axis=(1, 2, 3)))
        ]
        expected = probabilities[np.arange(FOLLOWED), label]
        np.testing.assert_allclose(now["probability"], expected, atol=2e-4)  # stored with four digits


def urls(chart) -> list[str]:
    """The thumbnails in a chart's spec, by the number of their picture."""
    (values,) = (
        transform["from"]["data"]["values"]
        for layer in json.loads(chart.proto.spec)["layer"]
        for transform in layer.get("transform", [])
        if "lookup" in transform
    )
    return [each["url"] for each in values]


def pixels_of(url: str) -> np.ndarray:
    """32×32 pixels that were made three times as large."""
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))
    assert image.shape == (96, 96, 3)
    return image[::3, ::3]


def test_wrong_labels_of_a_trained_run_are_as_many_as_were_asked_for(home: Trained) -> None:
    """Which labels were made wrong is kept nowhere. But who has a wrong label by heart is right by the labels trained
    on and wrong by the true ones, and who sees through one the other way round; so these two tell their difference.
    """
    page = look_at(home.noisy, "Labels")
    drawn = chart_data(charts(page)[0]).iloc[-1]
    wrong = round(SHARE * NUM_TRAIN)
    assert f" of {wrong} wrong labels" in words(
        page
    ) and f"Of {wrong} pictures with a correct label" in words(page)
    given = sum(stored(home.workspace, home.noisy)[-1]["clean"]["right"])
    answers = home.model(home.noisy, "last").predict(home.array("x_train"), verbose=0).argmax(axis=1)
    true = int((answers == home.array("y_train")).sum())
    assert wrong * (drawn["memorised"] - drawn["resisted"]) == pytest.approx(given - true, abs=1e-3)
    assert 0 < drawn["memorised"] < 1 and 0 < drawn["resisted"] < 1
