"""The Compare page as a visitor uses it, without a browser."""

import json
import math
import sqlite3
from statistics import fmean

import pytest
from scipy import stats

from core.config import ExperimentConfig
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RecordedRun, RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.core.comparison.made import stored
from tests.hostile import NAMES
from tests.pages.compare.seen import figure, legend, set_field, table
from tests.pages.compare.stocked import BATCHES, EPOCHS, FAILED_RUN, FLIPS, RATES, SEEDS, accuracy, best
from tests.pages.visits import button, open_page, press, words

PAGE = "compare.py"
ALIKE = {"group_by": "all-but-seed"}


def test_without_a_run_it_leads_to_design(workspace):
    page = open_page(PAGE)
    assert "No run has been started yet." in words(page)
    assert not page.dataframe


def test_one_run_is_shown_alone(workspace):
    with Store(workspace) as store:
        store.queue_run(RunRequest(ExperimentConfig(), "the only one"))
    page = open_page(PAGE)
    assert table(page)["name"].tolist() == ["the only one"]
    assert "Without a curve: the only one (no epoch has ended)." in words(page)
    assert "1 run is under way" in words(page)


def test_forty_runs_in_groups_have_mean_interval_and_n_in_the_legend(store):
    page = open_page(PAGE)
    assert "40 of 40 runs." in words(page)
    assert "Curves of runs 1 to 24 of 40, in the order of the table." in words(page)
    set_field(page, "segmented_control", "grouping", "alike")
    assert page.query_params["group_by"] in ("all-but-seed", ["all-but-seed"])
    assert "40 of 40 runs in 8 groups." in words(page)
    shown = legend(page)
    assert len(shown) == 8
    values = [best(RATES[1], BATCHES[0], True, seed) for seed in SEEDS]
    mean, half = fmean(values), stats.t.ppf(0.975, 4) * stats.sem(values)
    expected = f"{100 * mean:.1f} % ({100 * (mean - half):.1f} to {100 * (mean + half):.1f} %), n = 5"
    (ours,) = [line for line in shown if line.endswith(expected)]
    assert ours.startswith("Horizontal flip on, learning rate 0.003, batch size 32: ")
    assert sum("n = 4, 1 failed" in line for line in shown) == 1
    row = table(page).set_index("name").loc["Horizontal flip on, learning rate 0.003, batch size 32"]
    assert row[["val_accuracy", "low", "high"]].tolist() == pytest.approx(
        [100 * mean, 100 * (mean - half), 100 * (mean + half)]
    )
    configured = next(each.proto.columns for each in page.dataframe if "low" in each.value)
    assert '"95 % from"' in configured and '"95 % to"' in configured


def test_the_epoch_line_moves_through_curves_legend_and_table(store):
    page = open_page(PAGE, text="rate 0.003 batch 32 flip", **ALIKE)
    page.slider(key="compare-epoch").set_value(3).run()
    values = [accuracy(RATES[1], BATCHES[0], True, seed, 3) for seed in SEEDS]
    assert table(page)["at epoch"].tolist() == pytest.approx([100 * fmean(values)])
    (line,) = legend(page)
    assert f": {100 * fmean(values):.1f} % (" in line and line.endswith("at epoch 3, n = 5")
    drawn = figure(page)
    assert [shape["x0"] for shape in drawn["layout"]["shapes"]] == [3]
    (dot,) = [trace for trace in drawn["data"] if trace.get("marker", {}).get("symbol") == "circle"]
    assert dot["x"] == [3.0] and dot["y"] == pytest.approx([fmean(values)])


@pytest.fixture
def uneven(workspace) -> dict[str, list[float]]:
    """Five seeds, three of which ended after epoch 4; of two, nothing is known of the clean training. The means of
    both curves are best in the tail.
    """
    values: dict[str, list[float]] = {"val_accuracy": [], "clean_train_accuracy": []}
    with Store(workspace) as store:
        for seed in range(5):
            validation = [0.3 + 0.05 * epoch + 0.01 * seed for epoch in range(1, 9 if seed > 2 else 5)]
            clean = [value + 0.2 if seed != 3 else None for value in validation]
            rows = [
                {"val_accuracy": value, "clean_train_accuracy": other, "seconds": 1.0}
                for value, other in zip(validation, clean, strict=True)
            ]
            stored(store, {"seed": seed, "training.epochs": 8}, rows, name=f"alike {seed}")
            values["val_accuracy"].append(validation[-1])
            if clean[-1] is not None:
                values["clean_train_accuracy"].append(clean[-1])
    return values


def test_n_is_that_of_the_value_it_stands_beside(uneven):
    last = uneven["val_accuracy"][-2:]
    half = stats.t.ppf(0.975, 1) * stats.sem(last)
    mean = fmean(last)
    page = open_page(PAGE, epoch="8", **ALIKE)
    span = f"({100 * (mean - half):.1f} to {100 * (mean + half):.1f} %)"
    (line,) = legend(page)
    assert line.endswith(f": {100 * mean:.1f} % {span} at epoch 8, n = 2 of 5")
    assert table(page)[["n", "at epoch", "n at epoch"]].values.tolist() == [[5, pytest.approx(100 * mean), 2]]
    (line,) = legend(open_page(PAGE, epoch="4", **ALIKE))
    assert line.endswith("at epoch 4, n = 5")
    assert table(open_page(PAGE, epoch="9", **ALIKE))["n at epoch"].tolist() == [0]
    # Of the clean training only one of the two that got so far is known.
    (line,) = legend(open_page(PAGE, epoch="8", measure="clean_train_accuracy", **ALIKE))
    assert line.endswith(f": {100 * uneven['clean_train_accuracy'][-1]:.1f} % at epoch 8, n = 1 of 5")
    (line,) = legend(open_page(PAGE, measure="clean_train_accuracy", **ALIKE))
    assert line.endswith(f": best {100 * uneven['clean_train_accuracy'][-1]:.1f} %, n = 1 of 5")


def test_a_best_value_of_fewer_runs_says_so(uneven):
    page = open_page(PAGE, **ALIKE)
    (line,) = legend(page)
    assert line.endswith("n = 5") and f": {100 * fmean(uneven['val_accuracy']):.1f} % (" in line
    assert (
        "The best epoch of a mean (ring) is one that not all runs have: alike 0 (epoch 8: 2 of 5 seeds)."
        in words(page)
    )
    (drawn,) = [trace for trace in figure(page)["data"] if trace.get("customdata")]
    assert drawn["customdata"] == [5, 5, 5, 5, 2, 2, 2, 2] and "n = %{customdata}" in drawn["hovertemplate"]
    assert "not all runs have" not in words(open_page(PAGE))


def test_smoothing_moves_no_interval_of_the_legend(uneven):
    plain, smoothed = (
        legend(open_page(PAGE, measure="clean_train_accuracy", smoothing=smoothing, **ALIKE))
        for smoothing in ("0", "0.9")
    )
    assert plain == smoothed


def test_a_number_does_not_depend_on_which_other_runs_are_shown(store):
    everything = table(open_page(PAGE, **ALIKE)).set_index("median")
    some = table(open_page(PAGE, text="flip", **ALIKE)).set_index("median")
    assert 0 < len(some) < len(everything)
    for median, row in some.iterrows():
        assert (
            everything.loc[median, ["n", "val_accuracy", "low", "high", "gap"]].tolist()
            == row[["n", "val_accuracy", "low", "high", "gap"]].tolist()
        )


def test_what_differs_from_a_pinned_baseline(store, runs):
    pinned = next(run for run in runs if run.name == "rate 0.0003 batch 32 #0")
    page = open_page(PAGE, baseline=pinned.id, show="differences", **ALIKE)
    text = words(page)
    assert "What differs: learning rate 0.0003 → 0.003" in text
    changes = [
        best(RATES[1], BATCHES[0], False, seed) - best(RATES[0], BATCHES[0], False, seed) for seed in SEEDS
    ]
    half = stats.t.ppf(0.975, 4) * stats.sem(changes)
    mean = fmean(changes)
    span = f"({100 * (mean - half):+.1f} to {100 * (mean + half):+.1f} points over 5 seeds)"
    assert f"Accuracy: +{100 * mean:.1f} points: better {span}" in text
    single = open_page(PAGE, baseline=pinned.id)
    row = table(single).set_index("name").loc["rate 0.003 batch 32 #0"]
    assert row["val_accuracy change"] == pytest.approx(100 * changes[0])


def test_a_baseline_that_was_deleted_is_said(store, runs):
    store.trash.put(runs[0].id)
    page = open_page(PAGE, baseline=runs[0].id)
    assert "The run that was pinned as the baseline is not here." in words(page)
    press(page, "Unpin it")
    assert "baseline" not in page.query_params


def test_groups_by_a_setting_say_in_what_else_their_runs_differ(store):
    rows = table(open_page(PAGE, group_by="training.batch_size"))
    assert len(rows) == len(BATCHES)
    for words_ in rows["mixed"]:
        assert "Learning rate (2 values)" in words_ and "flip (2 values)" in words_ and "Seed" not in words_
    assert "mixed" not in table(open_page(PAGE, **ALIKE))


def test_parallel_coordinates_have_the_failed_run(store):
    page = open_page(PAGE, show="parallel")
    assert "40 runs, coloured by validation accuracy. 1 run failed (red)." in words(page)
    drawn = figure(page)
    marked = [note["text"] for note in drawn["layout"]["annotations"]]
    assert marked.count("failed") == 2  # accuracy and gap
    assert {"0.0003", "0.003", "32", "128", "on", "off"} <= set(marked)


def test_parallel_coordinates_of_blocks_with_different_lists(store):
    blocks = [{"kernel_sizes": [3]}, {"kernel_sizes": [3, 5], "padding": "same"}]
    config = PRESETS["tiny"].config.with_values({"model.blocks": blocks})
    store.queue_run(RunRequest(config, "two sizes"))
    page = open_page(PAGE, show="parallel", columns="model.blocks[*].kernel_sizes")
    marked = [note["text"] for note in figure(page)["layout"]["annotations"]]
    assert {"3×3", "3×3, 3×3 and 5×5"} <= {text.replace("<br>", " ") for text in marked}


def test_scatter_has_every_run_and_the_front(store):
    page = open_page(PAGE, show="scatter", x="seconds", y="val_accuracy")
    dots = [trace for trace in figure(page)["data"] if trace.get("hovertemplate")]
    assert sum(len(trace["x"]) for trace in dots) == 40
    (front,) = [trace for trace in figure(page)["data"] if "Pareto" in (trace.get("name") or "")]
    known = [
        best(rate, batch, flip, seed)
        for rate in RATES for batch in BATCHES for flip in FLIPS for seed in SEEDS
        if (rate, batch, flip, seed) != FAILED_RUN
    ]  # fmt: skip
    assert front["y"] == pytest.approx([max(known)]) and front["x"] == [1.5 * EPOCHS]


def test_a_group_is_coloured_by_its_own_value(store):
    """By the mean of a result; by a setting only where all its runs have the same."""
    page = open_page(PAGE, show="scatter", x="gap", colour="val_accuracy", **ALIKE)
    known = {
        (rate, batch, flip): fmean(
            best(rate, batch, flip, seed) for seed in SEEDS if (rate, batch, flip, seed) != FAILED_RUN
        )
        for rate in RATES for batch in BATCHES for flip in FLIPS
    }  # fmt: skip
    assert {line for line in legend(page) if line.startswith("Validation accuracy")} == {
        f"Validation accuracy {100 * mean:.1f} %" for mean in known.values()
    }
    page = open_page(
        PAGE, show="scatter", x="gap", colour="optimizer.learning_rate", group_by="training.batch_size"
    )
    assert "Learning rate differs" in legend(page)
    page = open_page(PAGE, colour="optimizer.learning_rate", **ALIKE)
    assert all(line.lower().count("learning rate") == 1 for line in legend(page)), legend(page)
    page = open_page(PAGE, colour="seed", text="rate 0.003 batch 32 flip", **ALIKE)
    assert ", seed differs: " in legend(page)[0]


def test_what_a_log_axis_cannot_show_is_said(workspace):
    with Store(workspace) as store:
        for seed, rates in enumerate(((0.1, 0.05, 0.0), (0.1, 0.0, 0.0))):
            rows = [
                {"val_accuracy": 0.5, "clean_train_accuracy": 0.4 + 0.2 * seed, "learning_rate": rate}
                for rate in rates
            ]
            stored(store, {"seed": seed, "training.epochs": 3}, rows, name=f"seed {seed}")
    sentence = "Not drawn, because a log axis has no place for 0 or less: "
    page = open_page(PAGE, measure="learning_rate", log="y")
    assert f"{sentence}3 points of the curves." in words(page)
    page = open_page(PAGE, measure="learning_rate", log="y", **ALIKE)
    assert f"{sentence}1 point of the curves." in words(page)
    assert sentence not in words(open_page(PAGE, measure="learning_rate"))
    # Of one run the gap is below 0.
    page = open_page(PAGE, show="scatter", x="gap", y="val_accuracy", log="x")
    assert f"1 run. {sentence}seed 0." in words(page)
    dots = [trace for trace in figure(page)["data"] if trace.get("hovertemplate")]
    assert [trace["x"] for trace in dots] == [[pytest.approx(0.1)]]


def test_groups_whose_runs_differ_in_more_than_the_seed_say_so(store):
    page = open_page(PAGE, group_by="training.batch_size", text="rate 0.003")
    assert all(line.endswith(", mixed: Horizontal flip (2 values)") for line in legend(page)), legend(page)
    assert table(page)["mixed"].tolist() == ["Horizontal flip (2 values)"] * 2
    assert "mixed" not in table(open_page(PAGE, **ALIKE))


def test_how_many_comparisons_look_clear_by_chance(store, runs):
    page = open_page(PAGE, show="differences", baseline=runs[0].id, **ALIKE)
    assert (
        "Each comparison is judged alone. Of these 14 (accuracy and gap of 7 groups), about 0.7 would look clear by "
        "chance" in words(page)
    )
    assert "judged alone" not in words(open_page(PAGE, show="differences", baseline=runs[0].id))


def test_names_and_settings_that_are_hostile_or_unreadable(store, runs, workspace, tick):
    for run, name in zip(runs, NAMES, strict=False):
        store.rename_run(run.id, name)
        store.marks.add_tags([run.id], [name.replace(",", ";")[:40]])
    damage(workspace, runs[-1].id)
    page = open_page(PAGE, sort="created")
    tick(page, 4)
    (removed,) = [each for each in page.get("button_group") if each.label == "Remove"]
    assert any("\\" in option.content for option in removed.proto.options)
    tick(page)
    for query in (
        {},
        ALIKE,
        {"show": "parallel"},
        {"show": "scatter", **ALIKE},
        {"show": "differences", "baseline": runs[0].id},
    ):
        page = open_page(PAGE, **query)
        assert not page.exception
        for dangerous in ("![p](", "$x^2$", ":red[danger]", "**bold**"):
            assert not any(dangerous in str(each.value) for each in (*page.markdown, *page.caption))
    page = open_page(PAGE, baseline=runs[0].id, show="differences", text=runs[-1].id)
    assert "The settings of one of them cannot be read." in words(page)


def damage(workspace, run_id: str) -> None:
    """Settings that this version cannot read."""
    with sqlite3.connect(workspace.database) as connection:
        connection.execute("UPDATE runs SET config = '{\"model\": 3}' WHERE id = ?", (run_id,))
    connection.close()


def test_a_run_under_way_is_drawn_as_of_now(store, runs):
    again = store.queue_run(RunRequest(runs[0].config, "trains now"))
    store.claim(again.id, ["cpu:0"])
    page = open_page(PAGE, **ALIKE)
    assert "1 run is under way; shown as of" in words(page)
    assert button(page, "Refresh")
    assert any("n = 5, 1 under way" in line for line in legend(page))
    store.transition(again.id, RunState.FAILED, expected=RunState.STARTING)
    press(page, "Refresh")
    assert "under way" not in words(page)
    assert math.isclose(sum("n = 5, 1 failed" in line for line in legend(page)), 1)


def test_starting_weights_have_the_name_of_their_run_and_its_id_in_a_tooltip(workspace):
    with Store(workspace) as store:
        source = store.queue_run(RunRequest(ExperimentConfig(), "the *first* one"))
        started = ExperimentConfig().with_values({"model.start_from": source.id})
        run = store.queue_run(RunRequest(started, "built on it"))
    page = open_page(PAGE, baseline=source.id)
    shown = table(page).set_index("id")["model.start_from"]
    assert (shown[run.id], shown[source.id]) == ("“the *first* one”", "random")
    (columns,) = [each.proto.columns for each in page.dataframe if "model.start_from" in each.value]
    help = json.loads(columns)["model.start_from"]["help"].replace("\\", "")
    assert help == f"“the *first* one” is the run {source.id}."


def test_settings_that_are_not_known_are_not_drawn_as_all_pictures(store):
    (recorded,) = store.whole_runs.add_recorded(
        [RecordedRun("from elsewhere", "Keras", (EpochRow(1, val_accuracy=0.3),), (), None, None)]
    )
    page = open_page(PAGE, show="parallel", columns="dataset.num_train")
    texts = {
        text for trace in figure(page)["data"] for text in trace.get("text") or () if recorded.name in text
    }
    assert "from elsewhere<br>Training pictures: not known" in texts
    assert not any("pictures: all" in text for text in texts)
    frame = next(each.value for each in page.dataframe if "dataset.num_train" in each.value.columns)
    assert frame.set_index("id")["dataset.num_train"][recorded.id] == "–"
    page = open_page(PAGE, group_by="dataset.num_train", show="parallel")
    names = next(list(each.value["name"]) for each in page.dataframe if "name" in each.value.columns)
    assert "Training pictures –" in names and any("Training pictures" in n and "–" not in n for n in names)
