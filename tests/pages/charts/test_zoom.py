"""The gestures that zoom a chart, and the range that charts share; a browser does them in test_main_job."""

import re

import pytest

from pages.components.charts.curves import SERIES, curve_spec
from pages.components.charts.study_conditions import band_spec, looks_spec
from pages.components.charts.study_ladders import noise_spec
from pages.components.charts.zoom import SHARED, SHOWN, clamped, linked, zoom

AROUND = (".st-key-around", "a-b")


def test_a_wheel_alone_zooms_only_between_a_click_and_leaving_the_chart():
    alone, other = zoom()["select"]["zoom"].split(", [")
    assert re.findall(r"event\.(\w+)", alone) == ["ctrlKey", "metaKey"]
    assert f"[{other}".startswith("[click, view:pointerleave] > wheel!")


def test_both_charts_read_their_range_from_the_same_place():
    specs = [curve_spec(measure, ["a"], list(SERIES), within=AROUND) for measure in ("accuracy", "loss")]
    assert specs[0]["config"] == specs[1]["config"]
    assert [spec["encoding"]["x"]["scale"]["domainRaw"] for spec in specs] == [{"expr": SHOWN}] * 2
    shared, shown = specs[0]["config"]["signals"]
    assert (shared["name"], shown["name"]) == (SHARED, SHOWN)
    assert shared["bind"]["element"] == ".st-key-around"


def test_a_range_of_other_runs_does_not_count():
    _, config = linked("epoch", *AROUND)
    assert f'{SHARED}.of === "a-b"' in config["signals"][1]["update"]


def test_a_chart_at_rest_has_no_zoom():
    spec = curve_spec("accuracy", ["a"], ["val"], at_rest=True, within=AROUND)
    assert "zoom" not in str(spec) and "config" not in spec


@pytest.mark.parametrize(
    ("spec", "field"),
    [(band_spec(["a", "b"]), "epoch"), (looks_spec(0.01), "pairs"), (noise_spec(), "fraction")],
)
def test_charts_of_studies_zoom_by_the_same_gestures_and_stay_in_the_data(spec, field):
    assert [found for layer in spec["layer"] for found in layer.get("params", [])] == [zoom()]
    scale, config = clamped(field)
    assert spec["config"] == config
    assert spec["encoding"]["x"]["field"] == field and scale.items() <= spec["encoding"]["x"]["scale"].items()
    (shown,) = config["signals"]
    assert scale == {"domainRaw": {"expr": shown["name"]}} and f"clampRange(zoom_{field}, " in shown["update"]
