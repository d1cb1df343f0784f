"""A sweep's page without a browser: how it stands, the best, what was luck, charts, trials, and what can be done."""

import json

import pytest

from core.store.states import SweepState
from core.sweeps.report import read_report
from pages.components.charts.plotly_marks import GRAY
from pages.components.kit.redraw import draw_ticking
from pages.components.sweeps import listing
from pages.components.sweeps.readings import beside_random, history_steps, read_trials, trial_rows
from pages.components.sweeps.view import seconds_left
from tests.core.studies.ended import end
from tests.hostile import NAMES
from tests.pages.sweeps import searched
from tests.pages.visits import address, button, open_page, words

INSIGHTS = {
    "importance": {"optimizer.learning_rate": 0.7, "optimizer.name": 0.3},
    "stability": {
        "ranks": [
            {"path": "optimizer.learning_rate", "importance": 0.7, "low": 0.5, "high": 0.9, "holds": 0.8},
            {"path": "optimizer.name", "importance": 0.3, "low": None, "high": None, "holds": None},
        ],
        "top_holds": 0.8,
        "sentence": "Based on 14 trials. The order may change.",
    },
}  # fmt: skip


def plotly(page) -> list[dict]:
    return [json.loads(element.proto.spec) for element in page.get("plotly_chart")]


def links(page) -> dict[str, str]:
    return {element.proto.label: element.proto.query_string for element in page.get("page_link")}


def test_a_finished_search_says_its_best_and_what_was_luck(workspace, store):
    sweep = searched.ended(workspace, store, 20)
    store.sweeps.record_insights(sweep.id, INSIGHTS)
    page = open_page("sweeps.py", sweep=sweep.id)
    text = words(page).replace("\u00a0", " ")

    accuracies = {
        number: searched.likely(searched.drawn(number), number)
        for number in range(20)
        if number % 13 != 5 and number % 9 != 2
    }
    best = max(accuracies, key=accuracies.__getitem__)
    assert f"#### Best: trial {best} with {100 * accuracies[best]:.1f} %" in text
    assert "20 of 20 trials have ended: 16 finished, 2 pruned, 2 failed." in text
    report = read_report(workspace, store, sweep.id)
    assert report.honesty is not None and report.honesty.curve is not None
    assert report.honesty.curve.sentence in text
    assert "Based on 14 trials. The order may change." in text
    run = store.sweeps.trials(sweep.id)[best].search_runs[0].run
    assert links(page)["Open in Design"] == f"from={run.id}" and links(page)["Open run"] == f"run={run.id}"
    assert "Pause" not in {each.label for each in page.button}

    importance, parallel = plotly(page)
    assert importance["data"][0]["x"] == [0.3, 0.7]
    assert [
        each["text"] for each in parallel["layout"]["annotations"] if each["text"] in ("failed", "pruned")
    ]
    (history,) = page.get("vega_lite_chart")
    assert (
        "in the order in which they were chosen" in history.proto.alt
        and "in random order" in history.proto.alt
    )
    assert page.dataframe[0].value.shape[0] == 20


def test_every_number_of_the_history_and_the_table_is_the_store_s(workspace, store):
    sweep = searched.ended(workspace, store, 20)
    report = read_report(workspace, store, sweep.id)
    readings = read_trials(report)
    steps = history_steps(report)
    best, random = beside_random(steps, report.honesty)
    runs = {trial.number: trial.search_runs[0].run for trial in store.sweeps.trials(sweep.id)}
    so_far = None
    for step, shown in zip(steps, best, strict=True):
        known = None if step.trial % 13 == 5 or step.trial % 9 == 2 else runs[step.trial].best_val_accuracy
        assert step.value == known
        so_far = known if so_far is None else so_far if known is None else max(so_far, known)
        assert shown == so_far
    # After all trials, random order has found the best too.
    assert [each for each in random if each][-1] == pytest.approx((so_far, so_far, so_far))
    table = trial_rows(report, readings.goals)
    assert table["Trial"].tolist() == list(range(19, -1, -1))
    assert table.set_index("Trial").loc[0, "Validation accuracy"] == pytest.approx(
        100 * runs[0].best_val_accuracy
    )
    row = table.set_index("Trial").loc[5]
    assert (row["State"], row["Why"], row["Epochs"]) == ("Failed", "The loss became NaN.", "1 of 1")
    assert table.set_index("Trial").loc[2, "Why"].startswith("Pruned after epoch 1.")
    sgd = next(number for number in range(20) if searched.drawn(number)["optimizer.name"] == "adam")
    assert table.set_index("Trial").loc[sgd, "Momentum"] == "–"


def test_views_of_all_trials(workspace, store):
    sweep = searched.ended(workspace, store, 12)
    page = open_page("sweeps.py", sweep=sweep.id)
    view = page.segmented_control(key=f"sweep-view-{sweep.id}")
    view.set_value("each").run()
    assert len(plotly(page)) == 4  # one per setting
    page.segmented_control(key=f"sweep-view-{sweep.id}").set_value("two").run()
    (surface,) = plotly(page)
    assert surface["layout"]["xaxis"]["title"]["text"] == "Learning rate"
    page.selectbox(key=f"sweep-map-up-{sweep.id}").select("Learning rate").run()
    assert "Choose two different settings." in words(page)


def test_a_trial_is_looked_at_with_its_runs_and_why_it_failed(workspace, store):
    sweep = searched.ended(workspace, store, 8)
    page = open_page("sweeps.py", sweep=sweep.id)
    page.selectbox(key=f"sweep-trial-{sweep.id}").set_value(5).run()
    assert "The loss became NaN." in words(page)
    assert "A sweep: trial 5: seed 0" in words(page)


def test_two_goals_have_a_front_and_no_single_best(workspace, store):
    asked = {"objective": ["val_accuracy", "parameters"]}
    sweep = searched.ended(workspace, store, 15, **asked)
    page = open_page("sweeps.py", sweep=sweep.id)
    assert "Most accurate of the front: trial" in words(page)
    assert "Some trials may be on the front by luck, which is not estimated for several goals." in words(page)
    assert not page.get("vega_lite_chart")
    front = plotly(page)[0]
    report = read_report(workspace, store, sweep.id)
    line = next(each for each in front["data"] if "front" in (each.get("name") or ""))
    assert sorted(line["y"]) == sorted(report.reached[number][0] for number in report.front)


def test_runs_say_which_sweep_they_belong_to(workspace, store):
    sweep = searched.ended(workspace, store, 3)
    run = store.sweeps.trials(sweep.id)[1].search_runs[0].run
    page = open_page("runs.py", run=run.id)
    assert links(page)["Trial 1 of the sweep “A sweep”"] == f"sweep={sweep.id}"


def test_what_is_gone_damaged_or_hostile_is_shown(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=6), NAMES[0])
    searched.search(workspace, store, sweep, 4)
    trials = store.sweeps.trials(sweep.id)
    store.trash.put(trials[0].search_runs[0].run.id)
    with store._database.writing() as connection:
        connection.execute("UPDATE runs SET config = '{' WHERE id = ?", (trials[1].search_runs[0].run.id,))
    page = open_page("sweeps.py", sweep=sweep.id)
    assert not page.error
    assert "Its runs were deleted." in page.dataframe[-1].value["Why"].tolist()
    for dangerous in ("![](", "$x$", ":red[a]", "<b>"):
        assert not any(dangerous in str(each.value) for each in (*page.markdown, *page.subheader))
    old = store.sweeps.create("Old", "{}", 3)
    page = open_page("sweeps.py", sweep=old.id)
    assert "cannot be read" in page.error[0].value
    assert button(page, "Delete")


def test_a_failed_sweep_says_why_and_what_to_do(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=6))
    searched.fail(store, searched.add(workspace, store, sweep, searched.drawn(0), None), "Bad")
    store.sweeps.change_state(
        sweep.id,
        SweepState.FAILED,
        expected=SweepState.RUNNING,
        error="3 trials failed.",
        next_step="Lower it.",
    )
    page = open_page("sweeps.py", sweep=sweep.id)
    assert "**3 trials failed.**  \nLower it." in words(page)
    assert button(page, "Resume")
    # An axis without a result would say nothing.
    assert "No trial has a result yet." in words(page) and not page.get("vega_lite_chart")


@pytest.mark.parametrize("asked", ["nothing", "<b>x</b>"])
def test_a_link_that_leads_nowhere_says_so(workspace, asked):
    page = open_page("sweeps.py", sweep=asked)
    assert "There is no sweep" in words(page)
    assert address(page, "sweep") == asked


def test_time_left_is_the_typical_trial_times_those_that_are_left(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=10))
    for number in range(4):
        searched.add(workspace, store, sweep, searched.drawn(number), [0.5])
    report = read_report(workspace, store, sweep.id)
    seconds = store.sweeps.training_seconds(sweep.id)
    # Each has two epochs of 2 seconds; six are left, two at a time.
    assert seconds_left(report, seconds, 2) == pytest.approx(4 * 6 / 2)
    waiting = searched.add(workspace, store, sweep, searched.drawn(9), None)
    assert seconds_left(read_report(workspace, store, sweep.id), seconds, 1) == pytest.approx(24)
    assert " left." in open_page("sweeps.py", sweep=sweep.id).get("progress")[0].proto.text
    end(store, waiting.search_runs[0].run)
    assert seconds_left(report, {}, 1) is None


def test_charts_are_the_same_until_another_trial_ends(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=9))
    searched.search(workspace, store, sweep, 4)
    page = open_page("sweeps.py", sweep=sweep.id)
    before = [element.proto.id for element in page.get("plotly_chart")]
    history = page.get("vega_lite_chart")[0].proto
    page.run()
    assert [element.proto.id for element in page.get("plotly_chart")] == before
    searched.add(workspace, store, sweep, searched.drawn(4), [0.66])
    page.run()
    assert [element.proto.id for element in page.get("plotly_chart")] != before
    after = page.get("vega_lite_chart")[0].proto
    assert (history.id, history.spec, history.alt) == (after.id, after.spec, after.alt)
    assert history.data.data != after.data.data


def test_importance_that_may_be_chance_is_gray_and_said_first(workspace, store):
    sweep = searched.ended(workspace, store, 6)
    sentence = "Based on 6 trials. This may be chance."
    stability = {**INSIGHTS["stability"], "chance": 0.4, "sentence": sentence}
    store.sweeps.record_insights(sweep.id, {**INSIGHTS, "stability": stability})
    page = open_page("sweeps.py", sweep=sweep.id)
    assert f":orange[:material/casino: {sentence}]" in words(page)
    assert plotly(page)[0]["data"][0]["marker"]["color"] == GRAY


def test_nothing_is_left_of_the_last_trial_and_what_comes_above_moves_no_chart(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=2))
    searched.add(workspace, store, sweep, searched.drawn(0), [0.5])
    before = open_page("sweeps.py", sweep=sweep.id)
    searched.add(workspace, store, sweep, searched.drawn(1), [0.6])
    after = open_page("sweeps.py", sweep=sweep.id)
    # The searcher has not said yet that the sweep is finished.
    assert after.get("progress")[0].proto.text == "2 of 2 trials have ended: 2 finished."
    # Confirming two trials is offered now, above the charts, which stay in their place.
    assert "Confirm the top 2" in {each.label for each in after.button}
    assert place_of(before, "vega_lite_chart") == place_of(after, "vega_lite_chart") is not None
    assert place_of(before, "dataframe") == place_of(after, "dataframe") is not None


def test_the_list_follows_the_sweeps_that_run(workspace, store, monkeypatch):
    sweep = searched.create(workspace, store, searched.file(trials=6), "Under way")
    searched.ended(workspace, store, 2)
    ticks = []

    def ticking(draw, *arguments, every):
        ticks.append((arguments[1:], every))
        draw_ticking(draw, *arguments, every=every)

    monkeypatch.setattr(listing, "draw_ticking", ticking)
    page = open_page("sweeps.py")
    assert ticks == [((sweep.id,), 2.0)]  # the other one has ended and needs no timer
    assert "0 of 6 trials have begun" in words(page) and "2 of 2 trials," in words(page)
    searched.search(workspace, store, sweep, 3)
    page.run()
    assert "3 of 6 trials have begun" in words(page)
    store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING)
    ticks.clear()
    page.run()
    assert "3 of 6 trials," in words(page) and not ticks


def place_of(page, kind: str) -> list[int] | None:
    """Where the first element of a kind stands: its place in each block around it."""

    def search(block) -> list[int] | None:
        for place, each in block.children.items():
            if each.type == kind:
                return [place]
            if inside := search(each) if hasattr(each, "children") else None:
                return [place, *inside]
        return None

    return search(page.main)
