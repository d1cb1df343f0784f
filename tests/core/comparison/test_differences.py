"""What differs from a baseline, and what it did."""

import pytest
from scipy import stats

from core.comparison.comparison import compare_facts
from core.comparison.query import ALL_BUT_SEED, Query
from core.formatting import with_minus
from core.store.states import RunState
from tests.core.comparison.made import facts

RATE = "optimizer.learning_rate"
BASE = {seed: (0.60 + 0.02 * seed, 0.10) for seed in range(4)}
OTHER = {0: (0.70, 0.12), 1: (0.73, 0.14), 2: (0.745, 0.12), 5: (0.1, 0.9)}


def grouped(base, other, **query):
    runs = [facts(1 + seed, {"seed": seed}, val_accuracy=a, gap=g) for seed, (a, g) in base.items()]
    runs += [
        facts(100 + seed, {"seed": seed, RATE: 0.01}, val_accuracy=a, gap=g) for seed, (a, g) in other.items()
    ]
    found = compare_facts(runs, Query(baseline=runs[0].id, **query))
    by_rate = {group.runs[0].settings[RATE]: group for group in found.groups}
    return found, by_rate[0.01], by_rate[0.001]


@pytest.mark.parametrize("group_by", [(ALL_BUT_SEED,), (RATE,)])
def test_groups_are_compared_in_pairs_of_one_seed(group_by) -> None:
    found, other, base = grouped(BASE, OTHER, group_by=group_by)
    compared = found.difference_of(other)
    assert compared.paths == (RATE,)
    assert compared.words.lower() == "learning rate 0.001 → 0.01"
    first, second = ([table[seed][0] for seed in (0, 1, 2)] for table in (OTHER, BASE))
    interval = stats.ttest_rel(first, second).confidence_interval(0.95)
    change = compared.val_accuracy
    assert (change.low, change.high, change.n) == pytest.approx((interval.low, interval.high, 3))
    assert change.clear and change.sentence == "+10.5 points: better (+9.3 to +11.7 points over 3 seeds)."
    assert compared.gap.sentence == with_minus(
        "+2.7 points: no clear difference (-0.2 to +5.5 points over 3 seeds)."
    )
    itself = found.difference_of(base)
    assert (
        itself.is_baseline and itself.paths == () and itself.val_accuracy.sentence == "The baseline itself."
    )


def test_a_larger_gap_is_worse() -> None:
    found, other, _ = grouped(
        BASE, {seed: (0.7, 0.3 + 0.001 * seed) for seed in range(4)}, group_by=(ALL_BUT_SEED,)
    )
    assert found.difference_of(other).gap.sentence.startswith("+20.1 points: worse (")


def test_without_two_seeds_in_common_nothing_is_claimed() -> None:
    for seed, words in (
        (0, "Only one seed in common: train both with more of"), (7, "No seed in common: train both with"),
    ):  # fmt: skip
        found, other, _ = grouped(BASE, {seed: (0.9, 0.1)}, group_by=(ALL_BUT_SEED,))
        change = found.difference_of(other).val_accuracy
        assert not change.clear and change.low is None
        assert change.sentence == f"+27.0 points. {words} the same seeds to exclude chance."


def test_of_two_runs_chance_is_not_excluded() -> None:
    base = facts(1, val_accuracy=0.6, gap=0.1, digest="a")
    other = facts(
        2, {RATE: 0.01, "model.head": "global_average"}, val_accuracy=0.65, gap=0.05, digest="b",
        learning_rate_changed=True,
    )  # fmt: skip
    found = compare_facts([other, base], Query(baseline=base.id))
    compared = found.difference_of(other)
    assert compared.paths == ("model.head", RATE, "seed")
    assert compared.words == (
        "head flatten → global average, learning rate 0.001 → 0.01, seed 1 → 2, other data under the same name, "
        "learning rate changed by hand"
    )
    assert compared.val_accuracy.sentence == "+5.0 points. One run each: chance is not excluded."
    assert compared.gap.change == pytest.approx(-0.05)
    assert found.difference_of(base).words == "same settings"
    assert found.difference_of(facts(3)).val_accuracy.sentence == "One of them has no result."
    failed = facts(4, val_accuracy=0.3, gap=0.1, state=RunState.FAILED)
    sentence = with_minus("-30.0 points. One run each: chance is not excluded. This run failed.")
    assert found.difference_of(failed).val_accuracy.sentence == sentence
    running = facts(5, val_accuracy=0.6, state=RunState.RUNNING)
    pinned = compare_facts([running, base], Query(baseline=running.id))
    assert pinned.difference_of(running).val_accuracy.sentence == (
        "The baseline itself. The baseline is under way."
    )
    assert pinned.difference_of(base).val_accuracy.sentence.endswith(
        "not excluded. The baseline is under way."
    )


def test_a_baseline_that_does_not_fit_the_filter_is_compared_with_all_the_same() -> None:
    found, other, _ = grouped(BASE, OTHER, group_by=(ALL_BUT_SEED,))
    only = Query.from_query_string(
        f"where={RATE}+%3D+0.01&group_by=all-but-seed&baseline={found.baseline.id}"
    )[0]
    alone = compare_facts(found.matching, only)
    assert [group.key for group in alone.groups] == [other.key]
    assert alone.difference_of(alone.groups[0]) == found.difference_of(other)
    gone = compare_facts(found.matching, Query(baseline="zzzzzzzzzz"))
    assert gone.missing_baseline and gone.difference_of(found.runs[0]) is None


@pytest.mark.parametrize(
    "change, said",
    [
        (0.0004, "0.0 points"),
        (-0.0004, "0.0 points"),
        (0.0006, "+0.1 points"),
        (-0.0006, with_minus("-0.1 points")),
    ],
)
def test_a_difference_that_is_shown_as_zero_has_no_sign(change: float, said: str) -> None:
    found, other, _ = grouped({0: (0.6, 0.1)}, {0: (0.6 + change, 0.1)}, group_by=(ALL_BUT_SEED,))
    assert found.difference_of(other).val_accuracy.sentence.startswith(f"{said}. ")
