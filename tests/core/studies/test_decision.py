"""Decided, or not: the sentences, and that what adds seeds is judged by intervals that hold at each look."""

import json

import pytest

from core.analysis.anytime import anytime_difference, forecast, looks
from core.analysis.significance import paired_difference, rounding_error
from core.errors import ConfigError, UserError
from core.studies.decision import decide, stalled_seeds
from core.studies.plan import plan
from core.studies.run_results import Pictures
from core.studies.seeds import compare_seeds
from core.studies.spec import StudySpec, build_spec
from tests.core.studies.ended import FLIPPED, TINY, measured, spec

PICTURES = Pictures(validation=1_500, clean=60, num_classes=10)


def adding(**asked) -> StudySpec:
    return spec("seeds", TINY, FLIPPED, until_decided=True, **asked)


def pairs(*differences):
    return [(0.7 + difference, 0.7) for difference in differences]


def results(asked, *differences):
    runs = []
    for seed, difference in zip(asked.seeds, differences, strict=False):
        runs += [measured("first", seed, 0.7 + difference, 0.1 - difference), measured("second", seed, 0.7)]
    return runs


CLEAR = (0.051, 0.048, 0.052, 0.05, 0.049)
UNCLEAR = (0.004, -0.006, 0.003, 0.001, 0.002)


def test_a_clear_difference_is_decided():
    found = decide(adding(), pairs(*CLEAR), PICTURES)
    assert (found.verdict, found.num_pairs, found.max_seeds, found.forecast) == ("different", 5, 20, None)
    assert found.sentence == "Decided after 5 seeds: the interval leaves out zero."
    first, second = zip(*pairs(*CLEAR), strict=True)
    assert found.looks == looks(first, second, rounding=rounding_error(1_500))


def test_what_is_smaller_than_of_interest_is_decided_too():
    asked = adding(smallest_difference=0.02)
    found = decide(asked, pairs(*UNCLEAR), PICTURES)
    assert found.verdict == "equal"
    assert found.sentence == "Decided after 5 seeds: the difference is smaller than 2.0 points."
    assert decide(adding(), pairs(*UNCLEAR), PICTURES).verdict is None


def test_what_is_not_decided_says_what_it_would_take():
    found = decide(adding(max_seeds=12), pairs(*UNCLEAR), PICTURES)
    rounding = rounding_error(1_500, 1_500)
    expected = forecast(
        0.00396232255123, UNCLEAR, rounding=rounding
    )  # the sample standard deviation, by hand
    assert found.forecast.more == expected.more and expected.difference == 0.005
    assert found.sentence == (
        f"Not decided after 5 seeds of 12; about {expected.more} more seeds are needed to detect a difference of "
        "half a point."
    )
    used = decide(adding(max_seeds=5), pairs(*UNCLEAR), PICTURES)
    assert used.sentence.startswith("Not decided within 5 seeds; about ")
    assert decide(adding(), [], PICTURES).sentence == "Not decided after 0 seeds of 20."
    assert decide(adding(), pairs(0.01), PICTURES).forecast is None


def test_the_result_has_the_wider_intervals_and_says_so():
    asked, fixed = adding(), spec("seeds", TINY, FLIPPED, num_seeds=4)
    wide = compare_seeds(asked, results(asked, *UNCLEAR[:4]), PICTURES)
    narrow = compare_seeds(fixed, results(fixed, *UNCLEAR[:4]), PICTURES)
    rounding = rounding_error(1_500)
    first, second = zip(*pairs(*UNCLEAR[:4]), strict=True)
    assert wide.accuracy == anytime_difference(first, second, rounding=rounding)
    assert narrow.accuracy == paired_difference(first, second, rounding=rounding)
    assert wide.accuracy.low < narrow.accuracy.low and wide.accuracy.high > narrow.accuracy.high
    assert wide.gap.low < narrow.gap.low
    assert wide.notes[0] == wide.decision.sentence and narrow.decision is None
    as_json = wide.to_dict()
    assert json.loads(json.dumps(as_json, allow_nan=False))["decision"]["num_seeds"] == 4
    assert as_json["decision"]["looks"][0] == {
        "mean": pytest.approx(0.004),
        "low": None,
        "high": None,
        "n": 1,
    }
    assert "decision" not in narrow.to_dict()
    two = compare_seeds(asked, results(asked, *CLEAR[:2]), PICTURES)
    assert two.headline == "config 0 is 5.0 points better in 2 pairs of runs, which is too few to tell."


def test_how_many_of_the_last_seeds_have_no_pair():
    asked = adding(num_seeds=4)
    assert [stalled_seeds(asked, seeds) for seeds in ([0, 1, 2, 3], [0, 1, 3], [0, 1], [])] == [0, 0, 2, 4]


def test_a_spec_that_adds_seeds_is_read_as_it_was_written():
    asked = adding(max_seeds=30, smallest_difference=0.01)
    assert StudySpec.from_json(asked.to_json()) == asked
    assert (len(asked.seeds), asked.max_seeds) == (4, 30)
    grown = asked.with_seeds(2, 31)
    assert (grown.seeds, grown.max_seeds) == ((0, 1, 2, 3, 4, 5), 31)
    # What was planned before is planned as before.
    assert plan(grown)[: len(plan(asked))] == plan(asked)
    assert "max_seeds" not in spec("seeds", TINY, FLIPPED).to_json()
    last = TINY.with_values({"seed": 2**31 - 1})
    assert spec("seeds", last, FLIPPED, until_decided=True).with_seeds(1, 20).seeds == (2**31 - 1, 0, 1, 2, 3)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"until_decided": 1}, "until_decided"),
        ({"max_seeds": 9}, "max_seeds"),
        ({"until_decided": True, "max_seeds": 3}, "max_seeds"),
        ({"until_decided": True, "max_seeds": 101}, "max_seeds"),
        ({"until_decided": True, "max_seeds": True}, "max_seeds"),
        ({"until_decided": True, "smallest_difference": 0}, "smallest_difference"),
        ({"until_decided": True, "smallest_difference": "a"}, "smallest_difference"),
        ({"until_decided": True, "num_seeds": 1}, "num_seeds"),
    ],
)
def test_what_cannot_be_asked(asked, field):
    with pytest.raises(ConfigError) as caught:
        spec("seeds", TINY, FLIPPED, **asked)
    assert caught.value.field == field


def test_one_config_alone_is_never_decided():
    with pytest.raises(ConfigError, match="two configs"):
        spec("seeds", TINY, until_decided=True)
    with pytest.raises(ConfigError, match="not an option"):
        build_spec("noise", adding().bases[:1], {"until_decided": True}, 60)
    with pytest.raises(UserError, match="cannot be read"):
        StudySpec.from_json(adding().to_json().replace('"max_seeds": 20', '"max_seeds": "x"'))
