"""The chart of a guess."""

import json

from core.onboarding.lessons import Guess
from pages.components.charts.guess import guess_data, guess_spec

GAP = Guess("How far?", "gap", most=60)


def test_data_are_narrow_and_may_be_empty() -> None:
    data = guess_data([(1, 12.5), (2, 20.25)], [10.0, 21.0, 30.0], furthest=1)
    assert {name: str(kind) for name, kind in data.dtypes.items()} == {
        "epoch": "int32", "value": "float32", "guess": "float32", "furthest": "int8",
    }  # fmt: skip
    assert data["value"].tolist()[:2] == [12.5, 20.25] and data["value"].isna().tolist() == [
        False,
        False,
        True,
    ]
    assert data["guess"].tolist() == [10.0, 21.0, 30.0] and data["furthest"].tolist() == [1, 0, 0]
    assert guess_data([]).empty and list(guess_data([])) == ["epoch", "value", "guess", "furthest"]


def test_the_number_lies_across_all_epochs_from_the_start() -> None:
    spec = guess_spec("Gap, in points", GAP, 20, 25)
    curve, rule, words = spec["layer"]
    assert curve["encoding"]["x"]["scale"]["domain"] == [1, 25]
    assert (
        "x" not in rule["encoding"]
        and rule["encoding"]["y"]["datum"] == words["encoding"]["y"]["datum"] == 20
    )
    assert words["mark"]["text"] == "your guess: 20 points"
    assert spec["title"]["text"] == "Gap, in points"
    assert json.dumps(spec).count('"name": "zoom"') == 1


def test_a_drawn_curve_lies_on_the_scale_of_its_pad() -> None:
    spec = guess_spec("Gap, in points", GAP, 20, 25, is_drawn=True)
    assert spec["layer"][0]["encoding"]["y"]["datum"] == 60
    assert spec["layer"][-1]["encoding"]["y"]["scale"]["zero"]
    assert "your guess: 20 points" not in json.dumps(spec)
    assert json.dumps(spec).count('"name": "zoom"') == 1
