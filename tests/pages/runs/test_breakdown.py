"""Below the curves of one run: classes, followed pictures and wrong labels, as a visitor sees them."""

import base64
import io
import json

import numpy as np
import pandas as pd
import pyarrow
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.config import DatasetConfig
from core.datasets.followed import load_followed
from core.datasets.saving import save_dataset
from core.datasets.storage import delete_dataset
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.runs.breakdown import TOO_OLD
from core.store.breakdowns import Followed, RunBreakdown
from core.store.class_accuracy import ClassCounts
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from pages.components.charts.class_map import MOST_CLASSES, class_data, class_spec
from pages.components.charts.epoch_columns import MOST_COLUMNS
from pages.components.runs.picture_strips import data_uri, strip_data, strip_spec
from tests.core.conftest import known_data, own_data
from tests.core.store.test_breakdowns import details
from tests.pages.visits import open_page, words

CURVES = 2  # charts above


def begin(store: Store, dataset: str = "gone") -> Run:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": dataset}), "measured"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    return run


def record(store: Store, run: Run, epoch: int, told: dict | None) -> None:
    row = EpochRow(epoch, 2.0, 0.3, 1.9, 0.4, 2.1, 0.3, 0.001, 4.0, 900.0, details=told)
    store.record_epoch(run.id, 1, row)


def look_at(run: Run, tab: str) -> AppTest:
    page = open_page("runs.py", run=run.id)
    page.session_state[f"details-{run.id}"] = tab
    page.run()
    assert not page.exception
    return page


def charts(page: AppTest) -> list:
    return [element.proto for element in page.get("vega_lite_chart")][CURVES:]


def shown(chart) -> pd.DataFrame:
    return pyarrow.ipc.open_stream(chart.data.data).read_pandas()


def tabs(page: AppTest) -> list[str]:
    return [tab.label for tab in page.tabs]


def test_classes_come_first_and_grow_with_the_run_in_the_same_chart(store) -> None:
    run = begin(store)
    record(store, run, 1, details([0, 1]))
    page = open_page("runs.py", run=run.id)
    assert tabs(page) == ["Classes", "Pictures"]
    (before,) = charts(page)
    record(store, run, 2, details([0, 1], right=4))
    page.run()
    (after,) = charts(page)
    assert (before.id, before.spec, before.alt) == (after.id, after.spec, after.alt)
    # The second class has no training pictures, so no gap, and keeps its row.
    rows = shown(after)[["start", "cls", "train", "val"]].to_numpy()
    expected = [[0.5, 0, 0.75, 0.5], [0.5, 1, np.nan, 0.8], [1.5, 0, 1.0, 0.5], [1.5, 1, np.nan, 0.8]]
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    # By hand: two pictures, so 100 / √2 = 71 points.
    caption = (
        "The smallest class, class 0, has 2 validation pictures, so a difference of 71 points can be chance."
    )
    assert caption in words(page)
    page.segmented_control(key="class-map-measure").set_value("val").run()
    (other,) = charts(page)
    assert json.loads(other.spec)["layer"][0]["encoding"]["color"]["condition"]["field"] == "val"


def test_a_class_without_validation_pictures_is_named_and_keeps_its_row(store) -> None:
    run = begin(store)
    told = details([0, 1])
    told["validation"] = {"count": [7, 0], "right": [5, 0]}
    record(store, run, 1, told)
    page = look_at(run, "Classes")
    assert "The smallest class, class 0, has 7 validation pictures" in words(page)
    assert "No validation pictures: class 1." in words(page)
    (chart,) = charts(page)
    assert shown(chart)["cls"].tolist() == [0, 1] and pd.isna(shown(chart)["val"][1])
    # Where a number is missing, the cell is blank: null would have the colour of 0, and read as 0.0 %.
    color = json.loads(chart.spec)["layer"][0]["encoding"]["color"]
    assert (color["condition"]["test"], color["value"]) == ("isValid(datum.gap)", "transparent")


def test_where_classes_are_uneven_balanced_accuracy_stands_beside_accuracy(store) -> None:
    run = begin(store)
    for epoch, found in enumerate((0, 3, 0, 0), start=1):
        told = details([0, 1]) | {"validation": {"count": [96, 4], "right": [96, found]}}
        row = EpochRow(epoch, 0.2, 0.97, 0.2, 0.97, 0.2, 0.96 + found / 100, 0.001, 4.0, 900.0, details=told)
        store.record_epoch(run.id, 1, row)
    page = open_page("runs.py", run=run.id)
    tiles = {tile.label: tile.value for tile in page.metric}
    # By hand: (96 / 96 + 3 / 4) / 2 = 87.5 %.
    assert (tiles["Best, at epoch 2"], tiles["Balanced"]) == ("99.0 %", "87.5 %")
    store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    other = begin(store)
    record(store, other, 1, details([0, 1]) | {"validation": {"count": [5, 5], "right": [2, 5]}})
    assert "Balanced" not in {tile.label for tile in open_page("runs.py", run=other.id).metric}
    both = words(open_page("runs.py", run=f"{run.id},{other.id}"))
    assert "best validation 99.0 % (balanced 87.5 %)" in both and both.count("(balanced") == 1
    assert "99.0 % (balanced 87.5 %) on gone" in words(open_page("home.py"))


def test_a_network_that_gives_one_answer_is_named(store) -> None:
    run = begin(store)
    for epoch in range(1, 6):
        told = details([0, 1]) | {"validation": {"count": [96, 4], "right": [96, 0]}}
        row = EpochRow(epoch, 0.2, 0.97, 0.2, 0.97, 0.2, 0.96, 0.001, 4.0, 900.0, details=told)
        store.record_epoch(run.id, 1, row)
    assert "Always answers “class 0”" in words(open_page("runs.py", run=run.id))


def test_followed_pictures_are_told_apart_by_how_they_are_remembered(store) -> None:
    run = begin(store)
    for epoch, answers in enumerate(([0, 0], [1, 0], [0, 0]), start=1):
        record(store, run, epoch, details(answers))
    page = look_at(run, "Pictures")
    text = words(page)
    assert "Of 2, 1 learned and kept, 1 forgotten at least once, 0 never learned." in text
    assert "The pictures cannot be shown: the data set gone has changed or is missing." in text
    training, _ = charts(page)
    data = shown(training)
    assert data[data["now"] == 1][["rank", "picture", "forgotten", "right"]].to_numpy().tolist() == [
        [0, 0, 1, 1], [1, 1, 0, 1],
    ]  # fmt: skip


def test_pictures_are_shown_from_the_data_set(store) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    labels = np.array([0, 0, 1, 1])
    arrays = {"x_train": pictures, "y_train": labels, "x_test": pictures, "y_test": labels}
    save_dataset(store.workspace, "mine", "Mine", "", ("a", "b"), arrays)
    followed = load_followed(store.workspace, DatasetConfig("mine"))
    told = details([0, 0])
    told["followed"] = {
        "training": followed_as(followed.training_labels), "validation": followed_as(followed.validation_labels),
    }  # fmt: skip
    run = begin(store, "mine")
    record(store, run, 1, told)
    page = look_at(run, "Pictures")
    assert "cannot be shown" not in words(page)
    assert urls(charts(page)[0]) == [data_uri(pixels) for pixels in followed.training]
    assert urls(charts(page)[1]) == [data_uri(pixels) for pixels in followed.validation]
    # Another data set of the same name: pictures of that one would be the wrong ones.
    told["followed"]["training"] = followed_as(1 - followed.training_labels)
    record(store, run, 2, told)
    page.run()
    assert "cannot be shown" in words(page) and urls(charts(page)[0]) == []


def test_pictures_of_another_data_set_of_that_name_are_not_shown(store) -> None:
    """Not even where their labels are the same; and the names of the classes are the run's."""
    digest = own_data(store.workspace).digest
    followed = load_followed(store.workspace, DatasetConfig("pets"))
    told = details([0, 0]) | {
        "followed": {
            "training": followed_as(followed.training_labels), "validation": followed_as(followed.validation_labels),
        }
    }  # fmt: skip
    config = PRESETS["tiny"].config.with_values({"dataset.id": "pets"})
    run = store.queue_run(RunRequest(config, data=known_data(digest)))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    record(store, run, 1, told)
    delete_dataset(store.workspace, "pets")
    own_data(store.workspace, class_names=("apple", "banana"))
    page = look_at(run, "Pictures")
    assert "cannot be shown" in words(page) and urls(charts(page)[0]) == []
    assert "another data set that was called pets" in words(page)  # where suggestions would be
    (classes,) = charts(look_at(run, "Classes"))
    assert "cat" in classes.spec and "dog" in classes.spec and "apple" not in classes.spec


def followed_as(labels: np.ndarray) -> dict:
    told = labels.tolist()
    return {"label": told, "true_label": told, "answer": told, "probability": [0.5] * len(told)}


def urls(chart) -> list[str]:
    """The thumbnails in a chart's spec."""
    lookups = [
        transform["from"]["data"]["values"]
        for layer in json.loads(chart.spec)["layer"]
        for transform in layer.get("transform", [])
        if "lookup" in transform
    ]
    return [each["url"] for values in lookups for each in values]


def test_wrong_labels_have_a_part_of_their_own_and_a_sentence(store) -> None:
    run = begin(store)
    record(store, run, 1, details([0, 0], memorised=2))
    record(store, run, 2, details([0, 0], memorised=6))
    page = look_at(run, "Labels")
    assert tabs(page) == ["Classes", "Pictures", "Labels"]
    assert "By epoch 2 the network had learned 75 % of 8 wrong labels by heart" in words(page)
    (chart,) = charts(page)
    lines = shown(chart)[["memorised", "resisted", "intact"]].to_numpy()
    assert lines == pytest.approx(np.array([[0.25, 0.125, 5 / 6], [0.75, 0.125, 5 / 6]]))


def test_an_old_run_says_that_it_has_none(store) -> None:
    run = begin(store)
    record(store, run, 1, None)
    page = open_page("runs.py", run=run.id)
    assert TOO_OLD in words(page)
    assert not tabs(page) and not charts(page)


def test_several_runs_or_one_without_epochs_have_no_such_part(store) -> None:
    first, second = begin(store), store.queue_run(RunRequest(PRESETS["tiny"].config, "second"))
    assert not tabs(open_page("runs.py", run=second.id))
    record(store, first, 1, details([0, 0]))
    assert not tabs(open_page("runs.py", run=f"{first.id},{second.id}"))


def many(num_epochs: int, num_classes: int) -> RunBreakdown:
    """In epoch e class c has 100 · c / num_classes points of gap; nothing is forgotten."""
    count = np.full(num_classes, 1000)
    clean = ClassCounts(count, np.full((num_epochs, num_classes), 1000))
    missed = 1000 * np.arange(num_classes) // num_classes
    validation = ClassCounts(count, np.tile(1000 - missed, (num_epochs, 1)))
    followed = Followed(*[np.zeros(24, int)] * 2, np.zeros((num_epochs, 24), int), np.ones((num_epochs, 24)))
    return RunBreakdown(np.arange(1, num_epochs + 1), clean, validation, None, followed, followed)


def test_of_a_hundred_classes_the_largest_gaps_are_shown() -> None:
    data = class_data(many(2, 100))
    assert data["cls"].tolist() == [*range(99, 79, -1)] * 2
    spec = class_spec("gap", [f"c{index}" for index in range(100)], "dark")
    assert spec["height"] == class_spec("gap", ["x"] * MOST_CLASSES, "dark")["height"]


def test_with_many_epochs_a_column_is_the_mean_of_several() -> None:
    details = many(250, 3)
    data = class_data(details)
    assert len(data) == 3 * MOST_COLUMNS
    first = data[data["rank"] == 0]
    assert first["start"].iloc[0] == 0.5 and first["end"].iloc[-1] == 250.5
    assert (first["end"].to_numpy()[:-1] == first["start"].to_numpy()[1:]).all()
    assert len(strip_data(details.epochs, details.training_pictures)) == 24 * MOST_COLUMNS


def test_names_stay_text_in_a_spec() -> None:
    name = "\\'); alert(1); //\" <script>"
    followed = Followed(*[np.zeros(1, int)] * 2, np.zeros((1, 1), int), np.ones((1, 1)))
    for spec in (class_spec("gap", [name], "light"), strip_spec(followed, [name], None, "light")):
        expressions = [
            each["calculate"] for each in spec["transform"] if json.dumps([name]) in each["calculate"]
        ]
        assert expressions


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3), (256, 256, 3)])
def test_a_thumbnail_is_a_png_of_moderate_size(shape: tuple[int, ...]) -> None:
    uri = data_uri(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert (image.format, 84 <= image.width <= 168) == ("PNG", True)
