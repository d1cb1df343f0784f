"""What the charts of studies are given, held against what the headline says and against numbers by hand."""

import json
import math

import numpy as np
import pytest

from core.formatting import with_minus
from core.studies.ablation import analyse_ablation
from core.studies.noise import analyse_noise
from core.studies.run_results import Pictures
from core.studies.seeds import compare_seeds
from core.studies.volume import analyse_volume
from pages.components.charts import study_conditions as charts
from pages.components.charts import study_ladders as ladders
from tests.core.studies.ended import FLIPPED, TINY, measured, spec

PICTURES = Pictures(validation=100, clean=60, num_classes=10)
VALUES = {"first": [(0.50, 0.20), (0.54, 0.20)], "second": [(0.60, 0.10), (0.62, 0.14)]}


def seeds(values=VALUES):
    runs = [
        measured(condition, seed, *pair)
        for condition, pairs in values.items()
        for seed, pair in enumerate(pairs)
    ]
    return compare_seeds(spec("seeds", TINY, FLIPPED, num_seeds=2), runs)


def test_a_difference_is_what_the_leader_changes_as_the_headline_has_it():
    result = seeds()
    # By hand: +10 and +8 points, so 9 with s = √2 and t = 12.706 at one degree of freedom: 9 ± 12.706 · √2 / √2.
    assert result.headline.startswith(with_minus("config 1 is 9.0 points better (-3.7 to +21.7, 95 %)"))
    mean, *dots = charts.difference_data(result, "accuracy").to_dict("records")
    assert mean["kind"] == "mean"
    assert [mean["value"], mean["low"], mean["high"]] == pytest.approx([9, 9 - 12.706, 9 + 12.706], abs=1e-3)
    assert [(dot["kind"], dot["seed"]) for dot in dots] == [("seed", 0), ("seed", 1)]
    assert [dot["value"] for dot in dots] == pytest.approx([10, 8])
    gap, *dots = charts.difference_data(result, "gap").to_dict("records")
    assert gap["value"] == pytest.approx(-8) and [dot["value"] for dot in dots] == pytest.approx([-10, -6])
    # By hand: -10 and -6 points, so -8 with s = √8: -8 ± 12.706 · √8 / √2.
    assert [gap["low"], gap["high"]] == pytest.approx([-8 - 25.412, -8 + 25.412], abs=1e-3)
    assert result.notes == (
        with_minus("The gap of config 1 is 8.0 points smaller (-33.4 to +17.4, 95 %): no clear difference."),
    )


def test_the_direction_does_not_depend_on_which_config_is_named_first():
    turned = seeds({"first": VALUES["second"], "second": VALUES["first"]})
    assert turned.headline.startswith(with_minus("config 0 is 9.0 points better (-3.7 to +21.7, 95 %)"))
    assert turned.notes == (
        with_minus("The gap of config 0 is 8.0 points smaller (-33.4 to +17.4, 95 %): no clear difference."),
    )
    for measure in charts.DIFFERENCES:
        there, here = (charts.difference_data(each, measure).to_dict("records") for each in (turned, seeds()))
        for one, other in zip(there, here, strict=True):
            assert [one[key] for key in ("value", "low", "high")] == pytest.approx(
                [other[key] for key in ("value", "low", "high")], nan_ok=True
            )


def test_the_difference_after_each_seed_is_turned_as_the_others_are():
    asked = spec("seeds", TINY, FLIPPED, until_decided=True, smallest_difference=0.01)
    first = (0.50, 0.54, 0.52, 0.51)
    runs = [measured("first", seed, value) for seed, value in enumerate(first)]
    runs += [measured("second", seed, value + gain) for (seed, value), gain in zip(
        enumerate(first), (0.10, 0.08, 0.09, 0.09), strict=True)]  # fmt: skip
    result = compare_seeds(asked, runs, PICTURES)
    data = charts.looks_data(result.decision, result.leader)
    assert data["pairs"].tolist() == [1, 2, 3, 4]
    assert data["value"].tolist() == pytest.approx([10, 9, 9, 9])
    assert data["low"].isna().tolist() == [True, True, True, False]
    # s = 0.816 points of 10, 8, 9, 9; half the interval of four is 3.6077 s (decision record 31: r = 6800^(1/4)).
    ratio = 6_800 ** (1 / 4)
    half = math.sqrt((ratio - 1) / (1 - ratio / 17) * 3 / 4) * math.sqrt(2 / 3)
    assert [data["low"][3], data["high"][3]] == pytest.approx([9 - half, 9 + half])
    drawn = charts.looks_spec(0.01)
    ends = [
        layer["encoding"]["y"]["datum"]
        for layer in drawn["layer"]
        if "datum" in layer["encoding"].get("y", {})
    ]
    assert ends == [0, -1.0, 1.0]


def test_a_bar_is_pale_unless_it_is_more_than_chance():
    asked = spec("ablation", FLIPPED.with_values({"augmentation.hue": 0.1}), num_seeds=2)
    values = {"full": (0.70, 0.72), "none": (0.60, 0.7), "without:hue": (0.65, 0.67001)}
    runs = [
        measured(condition, seed, value)
        for condition, pair in values.items()
        for seed, value in enumerate(pair)
    ]
    result = analyse_ablation(asked, runs, PICTURES)
    data = charts.effect_data(result.effects, "accuracy").set_index("name")
    assert data["clear"].to_dict() == {"without hue": 1.0, "without all": 0.0}  # the flip has not ended
    assert data.loc["without hue", "value"] == pytest.approx(-5, abs=0.01)
    assert data.loc["without hue", "low"] < data.loc["without hue", "high"] < 0
    single = analyse_ablation(
        spec("ablation", FLIPPED), [measured("full", 0, 0.7), measured("none", 0, 0.1)], PICTURES
    )
    assert not charts.effect_data(single.effects, "accuracy")["clear"].any()


def test_a_hundred_points_are_written_out():
    # The interval of two seeds goes beyond it; with the format g the axis would say +1e+2.
    axis = charts.effect_spec("Gap", ["a"])["layer"][0]["encoding"]["x"]["axis"]
    assert axis["format"] == "+~f"


def test_what_the_line_leaves_over_is_above_it_where_it_is_positive():
    asked = spec("volume", sizes=[10, 100, 1_000])
    runs = [measured(f"size:{size}", 0, value) for size, value in ((10, 0.2), (100, 0.5), (1_000, 0.5))]
    data = ladders.ladder_data(analyse_volume(asked, runs, PICTURES))
    # By hand: the slope is 0.15 a decade and the mean 0.4, so the line has 0.25, 0.4 and 0.55.
    assert data["fitted"].tolist() == pytest.approx([0.25, 0.4, 0.55])
    assert data["residual"].tolist() == pytest.approx([-5, 10, -5])
    # Agresti and Coull: two more right and two more wrong answers, 22 and 52 of 104.
    first, second = 100 * (22 / 104 * 82 / 104 / 104) ** 0.5, 100 * (52 / 104 * 52 / 104 / 104) ** 0.5
    assert data["error"].tolist() == pytest.approx([first, second, second])
    assert (data["minus_error"] == -data["error"]).all()


def test_the_dashed_line_is_the_share_of_true_labels():
    runs = [measured("noise:0.0", 0, 0.6), measured("noise:0.25", 0, 0.5)]
    data = ladders.noise_data(analyse_noise(spec("noise", fractions=[0, 0.25]), runs, PICTURES))
    assert set(zip(data["fraction"], data["honest"], strict=True)) == {(0.0, 1.0), (0.25, 0.75)}
    assert set(data["series"]) == set(ladders.NOISE_SERIES)


def fields_of(part):
    """Every field that a spec draws."""
    if isinstance(part, dict):
        if isinstance(part.get("field"), str):
            yield part["field"]
        for each in part.values():
            yield from fields_of(each)
    elif isinstance(part, list):
        for each in part:
            yield from fields_of(each)


def test_specs_draw_only_columns_that_the_data_have_also_before_there_is_a_row():
    nothing = compare_seeds(spec("seeds", TINY, FLIPPED), [])
    noise = analyse_noise(spec("noise"), [], PICTURES)
    ladder = analyse_volume(spec("volume"), [], PICTURES)
    for data, drawn in (
        (charts.band_data(nothing), charts.band_spec(["a", "b"])),
        (charts.difference_data(nothing, "gap"), charts.difference_spec("gap")),
        (charts.effect_data([], "gap"), charts.effect_spec("Gap", ["a"])),
        (ladders.ladder_data(ladder), ladders.ladder_spec([10, 20])),
        (ladders.ladder_data(ladder), ladders.residual_spec([10, 20])),
        (ladders.noise_data(noise), ladders.noise_spec()),
    ):
        assert set(fields_of(drawn)) <= set(data.columns)
        assert all(
            data[name].dtype == np.float64 for name in data if name not in ("arm", "kind", "name", "series")
        )


def test_a_name_stays_text():
    name = """'+alert(1)+' "quoted" \\\\ \\u2028 <b>"""
    label = charts.band_spec([name, "other"])["encoding"]["color"]["legend"]["labelExpr"]
    literal = label.removeprefix("(").removesuffix(")[datum.label]")
    assert literal.isascii() and json.loads(literal) == {"a0": name, "a1": "other"}
