"""Studies on uneven classes: which of both accuracies is said, held against SciPy and against numbers by hand."""

import json
import math
from dataclasses import replace

import pytest
from scipy import stats

from core.formatting import with_minus
from core.store.store import Store
from core.studies.ablation import analyse_ablation
from core.studies.noise import analyse_noise
from core.studies.report import read_report
from core.studies.run_results import Pictures
from core.studies.seeds import compare_seeds
from core.studies.volume import analyse_volume
from tests.core.conftest import run_command, run_json
from tests.core.studies.ended import FLIPPED, TINY, measured, spec

PICTURES = Pictures(validation=80, clean=60, num_classes=3, by_class=(60, 15, 5))
HEADED = "Classes are uneven: they do not count the same in the accuracy of the headline. Balanced accuracy: "


def run(condition, seed, accuracy, balanced):
    return replace(measured(condition, seed, accuracy, 0.1), balanced=balanced)


def test_a_study_on_real_runs_says_both(uneven_home) -> None:
    with Store(uneven_home.workspace) as store:
        report = read_report(uneven_home.workspace, store, uneven_home.study_id)
        members = report.members
    own = {}
    for member in members:
        own.setdefault(member.role["arms"][0], []).append(member.run.balanced_accuracy)
    result = report.result
    expected = [first - second for first, second in zip(own["first"], own["second"], strict=True)]
    assert result.balanced.mean == pytest.approx(sum(expected) / 2)
    assert " in accuracy" in result.headline and result.notes[0].startswith(HEADED)
    _, shown = run_json("show-study", uneven_home.study_id)
    assert shown["result"]["balanced_difference"]["mean"] == pytest.approx(sum(expected) / 2)
    assert [row["balanced_accuracy"] for row in shown["result"]["seeds"]] == [
        pytest.approx(pair) for pair in zip(own["first"], own["second"], strict=True)
    ]
    printed = run_command("show-study", uneven_home.study_id)[1]
    assert HEADED in printed and ": BALANCED" in printed


def test_accuracy_and_balanced_accuracy_can_name_different_winners() -> None:
    first = [(0.80, 0.40), (0.82, 0.42), (0.81, 0.39)]
    second = [(0.78, 0.50), (0.79, 0.55), (0.80, 0.53)]
    asked = spec("seeds", TINY, FLIPPED)
    runs = [run(key, seed, *pair) for key, found in (("first", first), ("second", second)) for seed, pair in
            enumerate(found, start=asked.seeds[0])]  # fmt: skip
    many = Pictures(validation=8_000, clean=60, num_classes=3, by_class=(6_000, 1_500, 500))
    result = compare_seeds(asked, runs, many)
    assert result.headline.startswith("config 0 is 2.0 points better in accuracy (")
    low, high = stats.t.interval(0.95, 2, -0.37 / 3, stats.sem([-0.10, -0.13, -0.14]))
    assert (result.balanced.low, result.balanced.high) == (pytest.approx(low), pytest.approx(high))
    assert result.notes[0] == (
        f"{HEADED}config 1 is 12.3 points better ({-100 * high:+.1f} to {-100 * low:+.1f}, 95 %): a clear difference."
    )
    # Even classes: not a word of it.
    even = compare_seeds(asked, [replace(each, balanced=None) for each in runs], many)
    assert even.balanced is None and "in accuracy" not in even.headline
    assert not any("uneven" in note for note in even.notes)


def test_two_seeds_that_agree_to_a_picture_are_not_believed_more_than_the_pictures_allow() -> None:
    # By hand: each of three accuracies is rounded to 1/60, 1/15 and 1/5; a third of their root sum of squares.
    steps = math.sqrt(1 / 60**2 + 1 / 15**2 + 1 / 5**2) / 3
    assert PICTURES.balanced_rounding == pytest.approx(steps / math.sqrt(12))
    assert Pictures(80).balanced_rounding is None
    asked = spec("seeds", TINY, FLIPPED)
    runs = [
        run(key, seed, 0.8, value)
        for key, value in (("first", 0.5), ("second", 0.52))
        for seed in asked.seeds
    ]
    found = compare_seeds(asked, runs, PICTURES).balanced
    half = stats.t.ppf(0.975, len(asked.seeds) - 1) * steps / math.sqrt(6) / math.sqrt(len(asked.seeds))
    assert (found.low, found.high, found.clear) == (
        pytest.approx(-0.02 - half),
        pytest.approx(-0.02 + half),
        False,
    )


def test_a_size_where_one_answer_is_given_is_guessing_however_high_the_accuracy() -> None:
    asked = spec("volume", sizes=[100, 200, 400])
    seed = asked.seeds[0]
    told = ((100, 0.75, 1 / 3), (200, 0.8, 0.5), (400, 0.85, 0.6))
    runs = [run(f"size:{size}", seed, accuracy, balanced) for size, accuracy, balanced in told]
    result = analyse_volume(asked, runs, PICTURES)
    assert result.notes[0] == f"{HEADED}33.3 % with 100 pictures, 60.0 % with 400 pictures."
    assert result.notes[1].startswith("At 100 pictures the network is hardly better than guessing")


def test_ablation_and_noise_say_it_too() -> None:
    asked = spec("ablation", FLIPPED)
    seed = asked.seeds[0]
    runs = [
        run("full", seed, 0.8, 0.6),
        replace(run("none", seed, 0.81, 0.5), role=measured("x", seed, 0, 0).role),
    ]
    runs[1] = replace(runs[1], role=type(runs[0].role)(("none", "without:horizontal flip"), seed))
    result = analyse_ablation(asked, runs, PICTURES)
    assert any(
        note.startswith(with_minus(f"{HEADED}the largest change is -10.0 points")) for note in result.notes
    )
    assert result.effects[0].to_dict()["balanced_change"]["mean"] == pytest.approx(-0.1)

    asked = spec("noise", fractions=[0.0, 0.4])
    seed = asked.seeds[0]
    runs = [run("noise:0.0", seed, 0.8, 0.6), run("noise:0.4", seed, 0.78, 0.4)]
    result = analyse_noise(asked, runs, PICTURES)
    assert result.notes[0] == (
        f"{HEADED}with 40 % wrong labels it is 20.0 points lower than with 0 %, in one pair of runs."
    )
    assert json.loads(json.dumps(result.to_dict()))["balanced_difference"]["mean"] == pytest.approx(-0.2)
