import json
import tomllib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.analysis.curves import curves_frame
from core.config import ExperimentConfig
from core.epoch import CURVE_KEYS
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import PROJECT_ROOT
from pages.components.charts.curves import (
    LINE_WIDTH,
    MAX_POINTS,
    PALE,
    PALE_WIDTH,
    SERIES,
    RunCurves,
    curve_data,
    curve_spec,
)
from pages.components.charts.epoch_answers import answers_spec
from pages.components.runs.curves import family, last_epoch

OPACITY = {"expr": f"luminance(background) < 0.5 ? {PALE['dark']} : {PALE['light']}"}


def run_curves(num_epochs, best_epoch=None, name="article 1", first=1):
    epochs = list(range(first, first + num_epochs))
    values = {key: [epoch / 10_000 for epoch in epochs] for key in CURVE_KEYS} | {"epoch": epochs}
    return RunCurves(name, curves_frame(values), best_epoch)


def layers(spec):
    for layer in spec.get("layer", []):
        yield layer
        yield from layers(layer)


def test_data_of_one_run_is_wide_and_narrow_in_type():
    data = curve_data("accuracy", [run_curves(3, best_epoch=2)])
    expected = pd.DataFrame(
        {
            "epoch": np.array([1, 2, 3], "int32"),
            **{f"r0_{series}": np.array([1e-4, 2e-4, 3e-4], "float32") for series in SERIES},
            "r0_best": np.array([2, 2, 2], "float32"),
            "r0_onset": np.array([np.nan] * 3, "float32"),
            "r0_change": pd.Series([None] * 3, dtype="str"),
        }
    )
    pd.testing.assert_frame_equal(data, expected)


def test_runs_of_different_length_share_their_epochs():
    data = curve_data("loss", [run_curves(2, best_epoch=1), run_curves(2, first=2)])
    assert data["epoch"].tolist() == [1, 2, 3]
    assert np.isnan(data["r0_val"].tolist()).tolist() == [False, False, True]
    assert np.isnan(data["r1_val"].tolist()).tolist() == [True, False, False]
    assert np.isnan(data["r1_best"]).all()


@pytest.mark.parametrize("best", [[1], [2, 3333], [17, 18, 19, 4999], [5000]])
def test_thinning_never_drops_a_best_epoch(best):
    data = curve_data("accuracy", [run_curves(5000, best_epoch=epoch) for epoch in best])
    assert len(data) <= MAX_POINTS
    assert set(best) <= set(data["epoch"])
    assert data["epoch"].is_monotonic_increasing and data["epoch"].is_unique


def test_data_without_epochs_has_the_columns():
    data = curve_data("accuracy", [run_curves(0)])
    marks = ["r0_best", "r0_onset", "r0_change"]
    assert data.empty and list(data) == ["epoch", *(f"r0_{series}" for series in SERIES), *marks]


def test_marks_travel_as_data_and_are_never_thinned_away():
    run = replace(run_curves(5000, best_epoch=17), onset_epoch=3333, changes={4321: "rate 0.0001"})
    data = curve_data("accuracy", [run])
    assert len(data) <= MAX_POINTS and {17, 3333, 4321} <= set(data["epoch"])
    assert (data["r0_onset"] == 3333).all()
    assert data.loc[data["r0_change"].notna(), ["epoch", "r0_change"]].values.tolist() == [
        [4321, "rate 0.0001"]
    ]


def test_a_ghost_has_columns_of_its_own_and_may_be_longer():
    data = curve_data("accuracy", [replace(run_curves(2), ghost=run_curves(4).frame)])
    assert data["epoch"].tolist() == [1, 2, 3, 4]
    assert data["g0_val"].tolist() == pytest.approx([1e-4, 2e-4, 3e-4, 4e-4])
    assert data["r0_val"].isna().tolist() == [False, False, True, True]
    ghosts = [
        layer
        for layer in layers(curve_spec("accuracy", ["a"], ["val"], ghost=True))
        if "g0_val" in str(layer)
    ]
    (ghost,) = ghosts
    assert ghost["mark"]["opacity"] == OPACITY and ghost["mark"]["strokeWidth"] < LINE_WIDTH


def relative_luminance(color: Sequence[float]) -> float:
    """Of sRGB from 0 to 1: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in color
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def rgb(color: str) -> list[float]:
    return [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_lies_behind_is_paler_and_has_the_contrast_that_graphics_need(theme):
    """3:1, https://www.w3.org/TR/WCAG21/#non-text-contrast, for each colour that a run or series can have."""
    with (PROJECT_ROOT / ".streamlit" / "config.toml").open("rb") as file:
        look = tomllib.load(file)["theme"][theme]
    background = rgb(look["backgroundColor"])
    assert (relative_luminance(background) < 0.5) == (theme == "dark")  # as the spec tells them apart
    for color in look["chartCategoricalColors"]:
        behind = [
            PALE[theme] * own + (1 - PALE[theme]) * page
            for own, page in zip(rgb(color), background, strict=True)
        ]
        dark, bright = sorted([relative_luminance(behind), relative_luminance(background)])
        assert (bright + 0.05) / (dark + 0.05) >= 3, color
    assert PALE[theme] < 0.9 and PALE_WIDTH < LINE_WIDTH


def test_a_parent_among_the_runs_lies_pale_and_the_fork_is_labelled_with_the_difference():
    spec = curve_spec("accuracy", ["a", "b"], ["val"], labels={1: "rotation 0 → 20"}, pale={0})
    encoding = spec["layer"][0]["encoding"]
    is_behind = 'indexof(["r0"], datum.run) >= 0'
    assert encoding["opacity"] == {"condition": {"test": is_behind, "value": OPACITY}, "value": 1}
    assert encoding["size"] == {"condition": {"test": is_behind, "value": PALE_WIDTH}, "value": LINE_WIDTH}
    assert json.loads(encoding["color"]["legend"]["labelExpr"][1:].partition(")[")[0]) == {
        "r0": "a",
        "r1": "rotation 0 → 20",
    }


@pytest.mark.parametrize(("name", "label"), [
    ("a: Turn augmentation on", None), ("another", "another · seed 0 → 7"),
])  # fmt: skip
def test_a_fork_keeps_its_name_beside_what_it_changed(workspace, name, label):
    with Store(workspace) as store:
        parent = store.queue_run(RunRequest(ExperimentConfig(), "a"))
        fork = store.queue_run(RunRequest(ExperimentConfig(seed=7), name, parent_id=parent.id))
    assert family([parent, fork]) == ({0}, {0: "a (pale)"} | ({} if label is None else {1: label}))


@pytest.mark.parametrize(("measure", "edge"), [("accuracy", "height"), ("loss", 0)])
def test_words_beside_a_line_lie_at_an_edge_of_the_plot_whatever_its_height(measure, edge):
    # The spec's height holds the axis and the legend too, so that a number near it lies outside and is cut off.
    marks = [layer for layer in layers(curve_spec(measure, ["a"], list(SERIES))) if "mark" in layer]
    texts = [
        mark["encoding"]["y"] for mark in marks if mark["mark"]["type"] == "text" and "y" in mark["encoding"]
    ]
    assert texts == [{"value": edge}] * 2  # the onset's and the changes'


@pytest.mark.parametrize(
    ("shown", "shaded"), [(list(SERIES), True), (["val"], False), (["clean_train"], False)]
)
def test_the_gap_is_shaded_only_between_the_curves_that_bound_it(shown, shaded):
    areas = [
        layer
        for layer in layers(curve_spec("loss", ["a"], shown))
        if layer.get("mark", {}).get("type") == "area"
    ]
    assert bool(areas) == shaded


def test_the_spec_draws_only_columns_that_the_data_have():
    for names in (["a"], ["a", "b", "c"]):
        columns = set(curve_data("loss", [run_curves(3, name=name) for name in names]))
        folds = [
            step["fold"]
            for layer in layers(curve_spec("loss", names, list(SERIES)))
            for step in layer.get("transform", [])
            if "fold" in step
        ]
        assert folds and all(set(fold) <= columns for fold in folds)


def test_a_hidden_series_takes_no_colour_from_another():
    spec = curve_spec("accuracy", ["a"], ["clean_train", "val"])
    color = spec["layer"][0]["encoding"]["color"]
    assert color["scale"]["domain"] == ["train", "val", "clean_train"]
    assert color["legend"]["values"] == ["val", "clean_train"]
    assert spec["layer"][0]["transform"][0]["fold"] == ["r0_val", "r0_clean_train"]


def test_the_best_is_marked_only_beside_the_curve_it_lies_on():
    def marks(shown):
        found = layers(curve_spec("accuracy", ["a"], shown))
        return [layer["mark"].get("type") for layer in found if "mark" in layer]

    assert "text" in marks(["val"])
    assert "text" not in marks(["train"])


def test_a_small_chart_asks_for_fewer_points_and_keeps_the_best():
    epochs = curve_data("accuracy", [run_curves(200, best_epoch=37)], 100)["epoch"].tolist()
    assert len(epochs) <= 100 and {1, 37, 200} <= set(epochs)


@pytest.mark.parametrize("names", [["a"], ["a", "b"]])
def test_a_chart_at_rest_has_curves_rings_and_readout_and_takes_no_wheel(names):
    spec = curve_spec("accuracy", names, ["val", "clean_train"], at_rest=True)
    kinds = [layer["mark"]["type"] for layer in layers(spec) if "mark" in layer]
    assert kinds == ["line", "point", *(["point"] * len(names)), "rule"]
    assert "bind" not in json.dumps(spec)


def test_the_zoom_is_there_once():
    text = json.dumps(curve_spec("accuracy", ["a", "b"], list(SERIES)))
    assert text.count('"name": "zoom"') == 1


def test_a_name_stays_text():
    name = """'+alert(1)+' "quoted" \\ \u2028 <b>"""
    spec = curve_spec("accuracy", [name, "other"], ["val"])
    label = spec["layer"][0]["encoding"]["color"]["legend"]["labelExpr"]
    literal = label.removeprefix("(").removesuffix(")[datum.label]")
    assert literal.isascii() and json.loads(literal) == {"r0": name, "r1": "other"}


@pytest.mark.parametrize("name", ["C:\\users\\me", '\\": alert(1), "', "\\\\", 'a "b" \\'])
def test_a_name_stays_text_in_the_tooltip(name):
    of_a_run = curve_spec("accuracy", [name, "other"], ["val"])
    for spec, said in ((of_a_run, f"{name}: validation"), (answers_spec([name, "other"]), name)):
        *_, readout = spec["layer"]
        title = readout["encoding"]["tooltip"][1]["title"]
        # The key that Vega-Lite makes of a title, as a piece of an expression: `"${title.replace(/"/g, '\\"')}": …`
        key = '"' + title.replace('"', '\\"') + '"'
        assert json.loads(key) == said


def test_an_epoch_that_a_run_did_not_reach_has_a_dash_in_the_tooltip():
    *_, readout = curve_spec("loss", ["a", "b"], ["val"])["layer"]
    assert readout["transform"] == [
        {
            "calculate": f"isValid(datum.{column}) ? format(datum.{column}, '.4f') : '–'",
            "as": f"{column}_text",
        }
        for column in ("r0_val", "r1_val")
    ]
    assert [value["field"] for value in readout["encoding"]["tooltip"]] == [
        "epoch",
        "r0_val_text",
        "r1_val_text",
    ]


def test_the_axis_has_all_epochs_from_the_start_and_words_lie_on_the_side_with_room():
    spec = curve_spec("accuracy", ["a"], list(SERIES), last_epoch=25)
    assert spec["encoding"]["x"]["scale"]["domain"] == [1, 25]
    transforms = [step for layer in layers(spec) for step in layer.get("transform", [])]
    assert {"calculate": "25", "as": "last_epoch"} in transforms
    assert "joinaggregate" not in json.dumps([step for step in transforms if "last_epoch" in str(step)])
    # One epoch is no axis, and a chart at rest ends where its data do.
    for last in (None, 0, 1):
        assert (
            "domain" not in curve_spec("accuracy", ["a"], ["val"], last_epoch=last)["encoding"]["x"]["scale"]
        )


@pytest.mark.parametrize(("state", "epoch", "total", "last"), [
    (RunState.WAITING, 0, 25, 25), (RunState.RUNNING, 3, 25, 25), (RunState.RUNNING, 3, 30, 30),
    (RunState.FINISHED, 25, 25, 25), (RunState.FINISHED, 9, 25, 9), (RunState.STOPPED, 3, 25, 3),
])  # fmt: skip
def test_a_run_under_way_has_the_axis_of_all_its_epochs(workspace, state, epoch, total, last):
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(ExperimentConfig()))
    assert last_epoch(replace(run, state=state, epoch=epoch, total_epochs=total)) == last
