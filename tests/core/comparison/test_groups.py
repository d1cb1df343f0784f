"""Groups, held against pandas and SciPy, and against themselves among other runs."""

from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.analysis.significance import Interval
from core.comparison.comparison import compare_facts
from core.comparison.conditions import parse_conditions
from core.comparison.facts import RunFacts
from core.comparison.groups import group_runs
from core.comparison.quantities import RESULTS
from core.comparison.query import ALL_BUT_SEED, Query
from core.store.states import RunState
from tests.core.comparison.made import facts

RATE = "optimizer.learning_rate"
SEEDS = (ALL_BUT_SEED,)


def test_all_but_the_seed() -> None:
    runs = [
        facts(1, {RATE: 0.01, "seed": 0}, val_accuracy=0.5),
        facts(2, {RATE: 0.02, "seed": 0}, val_accuracy=0.9),
        facts(3, {RATE: 0.01, "seed": 1}, val_accuracy=0.7),
        facts(4, {RATE: 0.01, "seed": 2}, state=RunState.FAILED, val_accuracy=0.1),
        facts(5, {RATE: 0.01, "seed": 3}, state=RunState.RUNNING, val_accuracy=0.2),
        facts(6, {RATE: 0.01, "seed": 4}, state=RunState.STOPPED, val_accuracy=0.3),
        facts(7, {RATE: 0.01, "seed": 5}, val_accuracy=0.6),
        # Not the same: another rate since a person changed it, other data under the same name.
        facts(8, {RATE: 0.01, "seed": 6}, val_accuracy=0.99, learning_rate_changed=True),
        facts(9, {RATE: 0.01, "seed": 7}, val_accuracy=0.99, digest="other"),
    ]
    by_seed = {tuple(run.number for run in group.runs): group for group in group_runs(runs, SEEDS)}
    assert list(by_seed) == [(9,), (8,), (1, 3, 4, 5, 6, 7), (2,)]  # the newest first
    group = by_seed[1, 3, 4, 5, 6, 7]
    assert group.outcomes == {"finished": 3, "failed": 1, "stopped": 1, "under way": 1}
    assert group.counted_in_words == "n = 3, 1 failed, 1 stopped, 1 under way"
    mean, half = 0.6, stats.t.ppf(0.975, 2) * 0.1 / np.sqrt(3)  # of 0.5, 0.6 and 0.7
    assert astuple(group.means["val_accuracy"]) == pytest.approx((mean, mean - half, mean + half, 3))
    assert group.means["gap"] is None
    assert by_seed[2,].means["val_accuracy"] == Interval(0.9, None, None, 1)
    assert group.median_run.number == 7 and group.mixed == {}
    assert group.title == "run 1"


def test_the_median_run_of_an_even_number_is_the_lower_of_two_and_a_real_run() -> None:
    runs = [facts(number, val_accuracy=value) for number, value in enumerate((0.4, 0.1, 0.3, 0.2))]
    (group,) = group_runs(runs, SEEDS)
    assert group.median_run is runs[3]
    (ties,) = group_runs([facts(number, val_accuracy=0.5) for number in (3, 1, 2)], SEEDS)
    assert ties.median_run.number == 2
    (none,) = group_runs([facts(1, state=RunState.FAILED)], SEEDS)
    assert none.median_run is None and none.counted_in_words == "n = 0, 1 failed"


def test_a_seed_that_is_trained_again_counts_once() -> None:
    """Three seeds, each three times: the interval is that of three values, ±5.0 points, not of nine, ±1.3."""
    once = {0: 0.70, 1: 0.72, 2: 0.74}
    runs = [
        facts(3 * seed + copy, {"seed": seed}, val_accuracy=value)
        for seed, value in once.items()
        for copy in range(3)
    ]
    (group,) = group_runs(runs, SEEDS)
    low, high = stats.t.interval(0.95, 2, 0.72, stats.sem(list(once.values())))
    assert astuple(group.means["val_accuracy"]) == pytest.approx((0.72, low, high, 3))
    assert high - 0.72 == pytest.approx(0.0497, abs=1e-4)
    assert group.n == 3 and group.counted_in_words == "n = 3 seeds, 9 runs"
    # A seed that was trained more often than the others does not pull the mean, nor the run in the middle.
    (uneven,) = group_runs(runs[:5] + runs[6:7], SEEDS)
    assert uneven.means["val_accuracy"].mean == pytest.approx(0.72) and uneven.median_run.seed == 1
    (single,) = group_runs(runs[:3], SEEDS)
    assert single.means["val_accuracy"] == Interval(pytest.approx(0.70), None, None, 1)
    assert single.counted_in_words == "n = 1 seed, 3 runs"
    # Runs that differ in more than the seed are no copies, other data makes none either.
    mixed = [*runs[:2], facts(20, {"seed": 0, "training.batch_size": 64}, val_accuracy=0.8)]
    (by_rate,) = group_runs([*mixed, facts(21, {"seed": 0}, val_accuracy=0.9, digest="other")], [RATE])
    assert by_rate.means["val_accuracy"].mean == pytest.approx((0.7 + 0.8 + 0.9) / 3)
    assert by_rate.counted_in_words == "n = 3 settings and seeds, 4 runs"


def test_groups_by_settings_say_what_else_differs() -> None:
    runs = [
        facts(1, {RATE: 0.01, "training.batch_size": 32}, val_accuracy=0.5),
        facts(2, {RATE: 0.01, "training.batch_size": 64}, val_accuracy=0.7),
        facts(3, {RATE: 0.02, "training.batch_size": 64}, val_accuracy=0.8),
    ]
    second, first = group_runs(runs, [RATE, "model.blocks[*].kernel_sizes"])
    assert first.title == "Learning rate 0.01, Kernel sizes 3×3 in all blocks"
    assert first.mixed == {"training.batch_size": 2}
    assert first.differs_in == "Batch size (2 values)"
    assert first.mixed_in_words == "Its runs also differ in Batch size (2 values)."
    assert second.mixed_in_words is None and second.values == {RATE: 0.02, "model.blocks[*].kernel_sizes": 3}


def test_equal_accuracies_are_not_taken_for_certainty() -> None:
    (group,) = group_runs([facts(n, val_accuracy=0.5, num_validation=500) for n in range(3)], SEEDS)
    spread = 1 / 500 / np.sqrt(12)  # of rounding to 500ths
    half = stats.t.ppf(0.975, 2) * spread / np.sqrt(3)
    assert astuple(group.means["val_accuracy"]) == pytest.approx((0.5, 0.5 - half, 0.5 + half, 3))


results = st.floats(0, 1, allow_subnormal=False).map(lambda value: round(value, 4))
# Rows of values, not runs: a counterexample is printed as it is drawn, and one of whole runs is too long to print.
rows_of_all_kinds = st.lists(
    st.fixed_dictionaries(
        {
            "rate": st.sampled_from([0.01, 0.02, 0.03]),
            "seed": st.integers(0, 3),
            "state": st.sampled_from([RunState.FINISHED] * 4 + [RunState.FAILED, RunState.RUNNING]),
            "hidden": st.booleans(),
            "val_accuracy": results,
            "gap": st.one_of(st.none(), results),
            "seconds": st.one_of(st.none(), st.floats(0, 1e4).map(lambda value: round(value, 3))),
        }
    ),
    min_size=1,
    max_size=12,
)


def runs_of(rows: list[dict[str, object]]) -> list[RunFacts]:
    return [
        facts(number, {RATE: row["rate"], "seed": row["seed"]}, **{
            key: value for key, value in row.items() if key not in ("rate", "seed")
        })
        for number, row in enumerate(rows, start=1)
    ]  # fmt: skip


@settings(max_examples=60)
@given(rows_of_all_kinds)
def test_means_and_counts_are_those_of_pandas(rows_drawn: list[dict[str, object]]) -> None:
    runs = runs_of(rows_drawn)
    table = pd.DataFrame(
        {"rate": run.settings[RATE], "seed": run.seed, "ended": run.outcome == "finished", **run.results}
        for run in runs
    )
    for group in group_runs(runs, [RATE]):
        rows = table[(table["rate"] == group.values[RATE])]
        assert len(rows) == len(group.runs) and rows["ended"].sum() == len(group.counted)
        for key in ("val_accuracy", "gap", "seconds"):
            ended = rows[rows["ended"]]
            known = pd.to_numeric(ended[key]).groupby(ended["seed"]).mean().dropna()
            interval = group.means[key]
            assert (interval is None) == known.empty
            if interval is not None:
                assert interval.n == len(known) and interval.mean == pytest.approx(
                    known.mean(), rel=1e-12, abs=1e-12
                )
            if len(known) > 1 and known.std() > 1e-3:  # above the spread of rounding
                low, high = stats.t.interval(0.95, len(known) - 1, known.mean(), stats.sem(known))
                limits = {"val_accuracy": (0, 1), "gap": (-1, 1)}.get(key, (-np.inf, np.inf))
                assert (interval.low, interval.high) == pytest.approx(
                    (max(low, limits[0]), min(high, limits[1])), rel=1e-6, abs=1e-6
                )


def numbers_of(comparison) -> dict[str, object]:
    """Every number that a comparison gives of a run or a group, by its name."""
    found = {}
    for item in (*comparison.runs, *comparison.groups):
        means = getattr(item, "means", None) or {key: item.results[key] for key in RESULTS}
        name = getattr(item, "key", None) or item.id
        found[name] = (means, getattr(item, "counted_in_words", None), comparison.difference_of(item))
    return found


@settings(max_examples=60)
@given(rows_of_all_kinds, st.sampled_from([SEEDS, (RATE,), ()]), st.data())
def test_no_number_depends_on_which_other_runs_are_shown(rows, group_by, data) -> None:
    runs = runs_of(rows)
    baseline = data.draw(st.sampled_from(runs))
    query = Query(group_by=group_by, baseline=baseline.id)
    among_all = numbers_of(compare_facts(runs, query.with_values(hidden="shown")))
    # Hidden runs are not listed, and the order and the page do not matter.
    folded = numbers_of(compare_facts(runs, query.with_values(sort="val_accuracy")))
    assert folded == {name: among_all[name] for name in folded}
    # A run or a group alone, with the baseline's beside it, has the numbers that it has among all.
    for group in group_runs(runs, group_by or ["id"]):
        base = next(each for each in group_runs(runs, group_by or ["id"]) if baseline in each.runs)
        few = list(dict.fromkeys((*group.runs, *base.runs)))
        alone = numbers_of(compare_facts(few, query.with_values(hidden="shown")))
        assert alone == {name: among_all[name] for name in alone}


def test_a_filter_on_a_result_chooses_groups_and_never_runs_of_them() -> None:
    """With means of 70, 60 and 58.5 %, no mean is better because a filter leaves out its worse runs."""
    accuracies = {0.01: (0.60, 0.80), 0.02: (0.50, 0.70), 0.03: (0.55, 0.62)}
    runs = [
        facts(10 * place + seed, {RATE: rate, "seed": seed}, val_accuracy=value, tags=("t",) * (seed == 0))
        for place, (rate, values) in enumerate(accuracies.items())
        for seed, value in enumerate(values)
    ]
    where = parse_conditions("val_accuracy >= 59%")
    found = compare_facts(runs, Query(where=where, group_by=SEEDS, baseline=runs[4].id))
    assert [round(group.means["val_accuracy"].mean, 9) for group in found.groups] == [0.6, 0.7]
    assert [group.n for group in found.groups] == [2, 2]
    # The runs of the groups are those that are listed; the baseline's group is whole and compared all the same.
    assert [run.number for run in found.runs] == [11, 10, 1, 0] and found.counted_in_words == "4 of 6 runs"
    assert found.baseline_group.means["val_accuracy"].mean == pytest.approx(0.585)
    assert found.difference_of(found.groups[1]).val_accuracy.change == pytest.approx(0.115)
    assert [run.number for run in compare_facts(runs, Query(where=where)).runs] == [21, 11, 1, 0]
    # What is no result chooses runs, of the baseline's group as of all others, whichever run is pinned.
    tagged = Query(where=parse_conditions("tags = t and val_accuracy < 60%"), group_by=SEEDS)
    for pinned in runs[:2]:
        found = compare_facts(runs, tagged.with_values(baseline=pinned.id))
        assert [group.means["val_accuracy"].mean for group in found.groups] == [0.55, 0.5]
        assert found.baseline_group.means["val_accuracy"] == Interval(0.6, None, None, 1)
    # A group without a result has none to fit.
    failed = facts(30, {RATE: 0.04}, state=RunState.FAILED)
    assert compare_facts([failed], Query(where=where, group_by=SEEDS)).groups == ()
    empty = parse_conditions("val_accuracy is empty")
    assert len(compare_facts([failed, *runs], Query(where=empty, group_by=SEEDS)).groups) == 1


def test_or_between_a_result_and_a_setting_judges_runs_by_their_groups_means() -> None:
    """With means of 70, 60 and 58.5 %: the first is whole; of the others the runs with the tag are left."""
    accuracies = {0.01: (0.60, 0.80), 0.02: (0.50, 0.70), 0.03: (0.55, 0.62)}
    runs = [
        facts(10 * place + seed, {RATE: rate, "seed": seed}, val_accuracy=value, tags=("t",) * (seed == 0))
        for place, (rate, values) in enumerate(accuracies.items())
        for seed, value in enumerate(values)
    ]
    asked = Query(where=parse_conditions("val_accuracy > 65% or tags = t"), group_by=SEEDS)
    found = compare_facts(runs, asked.with_values(baseline=runs[5].id))
    assert [group.means["val_accuracy"].mean for group in found.groups] == pytest.approx([0.55, 0.5, 0.7])
    assert [[run.number for run in group.runs] for group in found.groups] == [[20], [10], [0, 1]]
    assert [run.number for run in found.runs] == [20, 10, 1, 0] and found.counted_in_words == "4 of 6 runs"
    # The baseline's group is chosen in the same way as it is where it is listed.
    assert found.baseline_group == found.groups[0]
    # Each run alone: its own accuracy.
    alone = compare_facts(runs, asked.with_values(group_by=()))
    assert [run.number for run in alone.runs] == [20, 11, 10, 1, 0]
    # In one and the same clause `and` joins as it does between clauses.
    both = Query(where=parse_conditions("val_accuracy > 65% and seed = 0 or seed = 5"), group_by=SEEDS)
    assert [[run.number for run in group.runs] for group in compare_facts(runs, both).groups] == [[0]]


def test_the_baseline_s_hidden_runs_count_as_those_of_other_groups() -> None:
    runs = [facts(n, {RATE: 0.01, "seed": n}, val_accuracy=n / 10, hidden=n > 1) for n in (1, 2, 3)]
    for hidden, n in (("folded", 3), ("shown", 3), ("left_out", 1)):
        found = compare_facts(runs, Query(group_by=SEEDS, hidden=hidden, baseline=runs[2].id))
        assert found.baseline_group.n == n


def test_hidden_runs_are_counted_in_words_and_left_out_only_where_asked() -> None:
    runs = [facts(n, {"seed": n}, val_accuracy=n / 10, hidden=n == 3) for n in (1, 2, 3)]
    folded = compare_facts(runs, Query(group_by=SEEDS))
    assert [run.number for run in folded.runs] == [2, 1] and folded.groups[0].n == 3
    assert (
        folded.counted_in_words == "3 of 3 runs; 1 hidden not listed, in the numbers of groups all the same"
    )
    left_out = compare_facts(runs, Query(group_by=SEEDS, hidden="left_out"))
    assert left_out.groups[0].n == 2 and left_out.counted_in_words == "2 of 3 runs; 1 hidden left out"
    shown = compare_facts(runs, Query(hidden="shown"))
    assert len(shown.runs) == 3 and shown.counted_in_words == "3 of 3 runs"
    # A group of hidden runs alone is not listed either.
    assert compare_facts(runs[2:], Query(group_by=SEEDS)).groups == ()
