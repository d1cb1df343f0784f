"""Curves to be drawn, by hand and against SciPy."""

import numpy as np
import pytest
from scipy import stats

from core.comparison.comparison import at_epoch, compare
from core.comparison.facts import read_facts
from core.comparison.groups import group_runs
from core.comparison.lines import group_lines, run_lines, smooth
from core.comparison.query import ALL_BUT_SEED, Query
from core.epoch import EpochRow
from core.store.states import RunState
from tests.core.comparison.made import accuracies, stored


def line_of(store, run_id: str, *how):
    run = next(each for each in read_facts(store) if each.id == run_id)
    return run_lines(store, [run], *how)[0]


@pytest.mark.parametrize(
    ("align", "x"),
    [
        ("epoch", [1, 2, 3]),
        ("seconds", [2, 4, 6]),
        # 600 pictures, one and a half times per epoch, in batches of 100.
        ("pictures", [900, 1800, 2700]),
        ("step", [9, 18, 27]),
    ],
)
def test_curves_are_aligned(store, align, x) -> None:
    values = {"training.steps_per_epoch_multiple": 1.5, "training.batch_size": 100}
    run_id = stored(store, values, accuracies(0.2, 0.6, 0.4))
    line = line_of(store, run_id, "val_accuracy", align)
    assert line.x.tolist() == x and line.y.tolist() == [0.2, 0.6, 0.4] and line.best == 1


def test_smoothing_is_tensorboard_s_and_leaves_the_best_value(store) -> None:
    # By hand with 0.5: 1, (0.5·0 + … ): s1 = 0.5, s2 = 0.25, s3 = 0.625 over 0.5, 0.75, 0.875.
    assert smooth(np.array([1.0, 0.0, 1.0]), 0.5) == pytest.approx([1.0, 1 / 3, 5 / 7])
    assert smooth(np.array([1.0, np.nan, 1.0]), 0.9) == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
    run_id = stored(store, epochs=accuracies(0.2, 0.9, 0.3))
    line = line_of(store, run_id, "val_accuracy", "epoch", 0.9)
    assert line.raw.tolist() == [0.2, 0.9, 0.3] and line.best == 1
    assert line.y[line.best] < 0.9


def test_the_lowest_loss_is_the_best_and_a_rate_has_none(store) -> None:
    rows = [{"val_loss": loss, "learning_rate": 0.1} for loss in (2.0, 1.0, 1.5)]
    run_id = stored(store, epochs=rows)
    assert line_of(store, run_id, "val_loss").best == 1
    assert line_of(store, run_id, "learning_rate").best is None
    assert line_of(store, run_id, "val_accuracy").y.size == 0


def test_thinning_never_loses_the_best_epoch(store) -> None:
    values = [0.5 + 0.001 * (n % 7) for n in range(500)]
    values[333] = 0.9
    run_id = stored(store, {"training.epochs": 500}, accuracies(*values))
    found = line_of(store, run_id, "val_accuracy", "epoch", 0.0, 40)
    assert len(found.x) == 40 and found.epochs[0] == 1 and found.epochs[-1] == 500
    assert found.epochs[found.best] == 334 and found.y[found.best] == 0.9


def test_a_group_has_its_mean_with_n_at_each_epoch(store) -> None:
    curves = [(0.2, 0.4, 0.6), (0.4, 0.5), (0.3, 0.6, 0.9, 0.8)]
    for seed, values in enumerate(curves):
        stored(store, {"seed": seed}, accuracies(*values, seconds=1.0 + seed))
    stored(store, {"seed": 9}, accuracies(0.0, 0.0), state=RunState.FAILED)  # counted, but in no mean
    (group,) = group_runs(read_facts(store), (ALL_BUT_SEED,))
    (line,) = group_lines(store, [group], "val_accuracy", "seconds")
    assert line.n.tolist() == [3, 3, 2, 1]
    assert line.y == pytest.approx([0.3, 0.5, 0.75, 0.8]) and line.best == 3
    # The mean lengths of the epochs add up: 2 s, 2 s, of two runs 1 s and 3 s, of one 3 s.
    assert line.x == pytest.approx([2, 4, 6, 9])
    assert (line.least.tolist(), line.most.tolist()) == ([0.2, 0.4, 0.6, 0.8], [0.4, 0.6, 0.9, 0.8])
    for position, values in ((0, (0.2, 0.4, 0.3)), (2, (0.6, 0.9))):
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
        # No band leaves what an accuracy can be, as no interval of the table does.
        assert (line.low[position], line.high[position]) == pytest.approx((max(low, 0), min(high, 1)))
    assert np.isnan(line.low[3])
    # The group's line does not depend on which other groups are drawn.
    other = stored(store, {"optimizer.learning_rate": 0.5}, accuracies(0.1, 0.9, 0.1))
    groups = group_runs(read_facts(store), (ALL_BUT_SEED,))
    again = {each.key: each for each in group_lines(store, groups, "val_accuracy", "seconds")}[group.key]
    assert again.y.tolist() == line.y.tolist() and again.low[0] == line.low[0]
    assert other in {run.id for each in groups for run in each.runs}


def test_a_curve_counts_each_seed_once(store) -> None:
    for seed, value in enumerate((0.70, 0.72, 0.74)):
        for _ in range(3 if seed < 2 else 1):
            stored(store, {"seed": seed}, accuracies(value))
    (line,) = group_lines(store, group_runs(read_facts(store), (ALL_BUT_SEED,)), "val_accuracy")
    low, high = stats.t.interval(0.95, 2, 0.72, stats.sem([0.70, 0.72, 0.74]))
    assert line.n.tolist() == [3] and line.y == pytest.approx([0.72])
    assert (line.low[0], line.high[0]) == pytest.approx((low, high))
    assert (line.least[0], line.most[0]) == (0.70, 0.74)


def test_intervals_at_an_epoch_end_where_accuracies_do(store) -> None:
    for seed, value in enumerate((0.8, 0.9, 1.0)):
        row = {"val_accuracy": 0.5, "clean_train_accuracy": value, "val_loss": value}
        stored(store, {"seed": seed}, [row])
    comparison = compare(store, Query(group_by=(ALL_BUT_SEED,)))
    (values,) = at_epoch(store, comparison, 1).values()
    (group,) = comparison.groups
    (line,) = group_lines(store, [group], "clean_train_accuracy")
    low, high = stats.t.interval(0.95, 2, 0.9, stats.sem([0.8, 0.9, 1.0]))
    assert high > 1
    cut = values["clean_train_accuracy"]
    assert (cut.low, cut.high) == (line.low[0], line.high[0]) == (pytest.approx(low), 1)
    assert (values["val_loss"].low, values["val_loss"].high) == pytest.approx((low, high))


def test_a_running_run_s_curve_grows(store) -> None:
    run_id = stored(store, epochs=accuracies(0.1), state=RunState.RUNNING)
    assert line_of(store, run_id, "val_accuracy").y.tolist() == [0.1]
    store.record_epoch(run_id, 1, EpochRow(2, val_accuracy=0.3))
    assert line_of(store, run_id, "val_accuracy").y.tolist() == [0.1, 0.3]


def test_where_there_is_nothing_to_draw_it_says_why(store) -> None:
    waiting = stored(store, state=RunState.WAITING)
    assert line_of(store, waiting, "val_accuracy").why_empty == "No epoch has ended."
    gone = stored(store, {"dataset.id": "gone", "dataset.num_train": None}, accuracies(0.5))
    with store._database.writing() as connection:
        connection.execute(
            "UPDATE runs SET dataset_digest = NULL, data_num_train = NULL WHERE id = ?", (gone,)
        )
    assert line_of(store, gone, "val_accuracy").y.tolist() == [0.5]
    why = "How many pictures it was trained on is not known any more."
    assert line_of(store, gone, "val_accuracy", "step").why_empty == why
