"""The chart of a class's guesses: what lies where, with thirty people too."""

import pytest

from core.onboarding.lessons import LESSONS
from pages.components.charts.class_guesses import GuessLine, TrainedLine, class_data, class_spec

GUESS = LESSONS["overfitting"].guess  # from 0 to 60 points: 30 bins of 2


def test_dots_fill_their_bin_from_the_left_the_own_one_first() -> None:
    guesses = [GuessLine("Ada", 21.0, None, is_own=False), GuessLine("you", 20.0, None, is_own=True)]
    guesses += [GuessLine("Bob", 60.0, None, is_own=False), GuessLine("Cem", 0.0, None, is_own=False)]
    data = class_data(GUESS, guesses, [], 26)
    assert data["kind"].tolist() == ["dot"] * 4
    assert data[["name", "told", "value", "is_own"]].to_numpy().tolist() == [
        ["you", 20.0, 21.0, 1], ["Ada", 21.0, 21.0, 0], ["Bob", 60.0, 59.0, 0], ["Cem", 0.0, 1.0, 0],
    ]  # fmt: skip
    # The last of 26 epochs is 25 from the first; dots begin at 1.04 of that and are 0.026 of it wide.
    assert data["epoch"].tolist() == pytest.approx([27.325, 27.975, 27.325, 27.325])


def test_thirty_who_agree_lie_beside_each_other_within_the_chart() -> None:
    data = class_data(GUESS, [GuessLine("", 30.0, None, is_own=False)] * 30, [], 26)
    assert data["epoch"].is_unique and data["value"].nunique() == 1
    spec = class_spec("Gap, in points", GUESS, 26, named=False, with_own=False)
    first, last = spec["layer"][1]["encoding"]["x"]["scale"]["domain"]
    assert (first, last) == (1, pytest.approx(32))
    assert data["epoch"].min() > 26 and data["epoch"].max() < last


def test_drawn_and_trained_curves_and_where_the_trained_one_is_now() -> None:
    guesses = [GuessLine("Ada", 4.0, [1.0, 2.0, 4.0], is_own=False)]
    trained = [TrainedLine([(1, 5.0), (2, 6.0)], is_own=True), TrainedLine([], is_own=False)]
    data = class_data(GUESS, guesses, trained, 3)
    assert data.loc[data["kind"] == "drawn", "value"].tolist() == [1, 2, 4]
    assert data.loc[data["kind"] == "trained", ["epoch", "value", "line"]].to_numpy().tolist() == [
        [1, 5, 1], [2, 6, 1],
    ]  # fmt: skip
    level = data[data["kind"] == "level"]
    assert level["value"].tolist() == [6, 6] and level["epoch"].tolist() == pytest.approx([3, 3.48])


def test_a_name_stays_with_the_teacher() -> None:
    def told(*, named: bool) -> list[str]:
        spec = class_spec("Gap", GUESS, 25, named=named, with_own=True)
        return [
            tooltip["field"] for layer in spec["layer"] for tooltip in layer.get("encoding", {}).get("tooltip", [])
        ]  # fmt: skip

    assert "name" in told(named=True) and "name" not in told(named=False)
