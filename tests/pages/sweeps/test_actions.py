"""What can be done to a sweep on its page: buttons, more trials, a trial by hand, renaming, deleting, confirming."""

import pytest

from core.store.states import RunState, SweepState
from core.sweeps import start
from core.sweeps.dimension import parse_dimension
from core.sweeps.report import read_report
from pages.components.sweeps.by_hand import begins_with
from tests.core.studies.ended import end
from tests.pages.sweeps import searched
from tests.pages.visits import open_page, press, words


def open_popovers(page, store, sweep_id):
    """As clicks on “More trials”, “Trials at once” and “Trial by hand” do: what is in them is drawn from then on."""
    sweep = store.sweeps.get(sweep_id)
    by_hand = sum(trial.origin == "hand" for trial in store.sweeps.trials(sweep_id))
    for key in (
        f"more-{sweep_id}-{sweep.planned}-{sweep.state}",
        f"at-once-{sweep_id}-{sweep.concurrency}",
        f"by-hand-{sweep_id}-{by_hand}",
    ):
        page.session_state[key] = True
    page.run()


def test_buttons_follow_the_state(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=9))
    waiting = searched.add(workspace, store, sweep, searched.drawn(0), None)
    page = open_page("sweeps.py", sweep=sweep.id)
    press(page, "Pause")
    assert store.sweeps.get(sweep.id).state is SweepState.PAUSED and ":orange-badge" in words(page)
    press(page, "Resume")
    assert store.sweeps.get(sweep.id).state is SweepState.RUNNING
    open_popovers(page, store, sweep.id)
    next(each for each in page.number_input if each.label == "How many more").set_value(21).run()
    assert "9 + 21 = 30 trials in all." in words(page)
    next(each for each in page.button if each.key.startswith("set-trials")).click().run()
    assert store.sweeps.get(sweep.id).planned == 30
    next(each for each in page.number_input if each.label == "Trials at once").set_value(3)
    next(each for each in page.button if each.key.startswith("set-concurrency")).click().run()
    assert store.sweeps.get(sweep.id).concurrency == 3
    next(each for each in page.selectbox if each.key.endswith("optimizer.name")).select("sgd")
    press(page, "Add the trial")
    by_hand = store.sweeps.trials(sweep.id)[1]
    assert by_hand.origin == "hand" and by_hand.choices["optimizer.name"] == "sgd"
    press(page, "Stop")
    assert store.sweeps.get(sweep.id).state is SweepState.STOPPED
    assert store.get_run(waiting.search_runs[0].run.id).state.is_finished
    press(page, "Copy as new sweep")
    assert "sweep" not in page.query_params
    assert page.session_state["sweep-form"].paths[0] == "optimizer.learning_rate"


def test_what_is_out_of_range_is_said_in_its_place_and_changes_nothing(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=9))
    searched.add(workspace, store, sweep, searched.drawn(0), [0.5])
    page = open_page("sweeps.py", sweep=sweep.id)
    open_popovers(page, store, sweep.id)
    rate = next(each for each in page.number_input if each.label == "Learning rate (0.0001 to 0.1)")
    assert not (
        rate.proto.has_min or rate.proto.has_max
    )  # the browser would keep the old value, with a red frame alone
    rate.set_value(5.0)
    press(page, "Add the trial")
    assert "Must be from 0.0001 to 0.1, not 5.0. Nothing was added." in words(page)
    assert store.sweeps.get(sweep.id).num_trials == 1
    # What was typed stays, and so does the rest of the form.
    assert next(each for each in page.number_input if each.label.startswith("Learning rate (")).value == 5.0
    next(each for each in page.number_input if each.label.startswith("Learning rate (")).set_value(None)
    press(page, "Add the trial")
    assert "Type a number from 0.0001 to 0.1. Nothing was added." in words(page)

    next(each for each in page.number_input if each.label == "How many more").set_value(900).run()
    next(each for each in page.button if each.key.startswith("set-trials")).click().run()
    assert "Must be from 1 to 500, not 909. That is the number in all; nothing was changed." in words(page)
    next(each for each in page.number_input if each.label == "Trials at once").set_value(65)
    next(each for each in page.button if each.key.startswith("set-concurrency")).click().run()
    assert "Must be from 1 to 64, not 65. Nothing was changed." in words(page)
    left = store.sweeps.get(sweep.id)
    assert (left.planned, left.concurrency, left.num_trials) == (9, None, 1)


def test_a_trial_by_hand_that_is_there_already_is_refused_in_words(workspace, store):
    space = {"training.batch_size": {"low": 8, "high": 900}}
    sweep = searched.create(workspace, store, searched.file(space, trials=9))
    searched.add(workspace, store, sweep, {"training.batch_size": 32}, [0.5])
    page = open_page("sweeps.py", sweep=sweep.id)
    open_popovers(page, store, sweep.id)
    # It begins with the best, which is there already.
    assert next(each for each in page.number_input if each.label == "Batch size (8 to 900)").value == 32
    press(page, "Add the trial")
    assert "Trial 0 of “A sweep” has these values already. Nothing was added." in words(page)


def test_a_trial_by_hand_begins_with_what_a_person_would_write(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=9))
    choices = {
        "optimizer.learning_rate": 0.0012345678901234567, "model.blocks[*].kernel_sizes": [3], "optimizer.name": "adam",
    }  # fmt: skip
    searched.add(workspace, store, sweep, choices, [0.5])
    page = open_page("sweeps.py", sweep=sweep.id)
    open_popovers(page, store, sweep.id)
    rate = next(each for each in page.number_input if each.label.startswith("Learning rate ("))
    assert (rate.value, rate.proto.format) == (0.001235, "%g")
    assert "It begins with the values of trial 0, rounded." in words(page)
    press(page, "Add the trial")
    # What was shown is what is trained.
    assert store.sweeps.trials(sweep.id)[1].choices["optimizer.learning_rate"] == 0.001235


@pytest.mark.parametrize(
    ("asked", "value", "field"),
    [
        ({"low": 0.001, "high": 0.1}, 0.0012345678901234567, 0.001235),
        ({"low": 0.001, "high": 0.1}, 0.0015, 0.0015),
        # Never out of the range that the values were drawn from.
        ({"low": 0.00123456, "high": 0.1}, 0.0012345678901234567, 0.001235),
        ({"low": 0.0012345678, "high": 0.0012349999}, 0.0012348999999999, 0.0012349999),
        ({"low": 0.001, "high": 0.0012349}, 0.00123489999999999, 0.0012349),
    ],
)
def test_rounding_stays_within_the_range(asked, value, field):
    assert begins_with(parse_dimension("optimizer.learning_rate", asked), value) == field


def test_a_sweep_is_renamed_and_its_runs_keep_their_names(workspace, store):
    sweep = searched.ended(workspace, store, 1)
    (run,) = store.list_runs()
    page = open_page("sweeps.py", sweep=sweep.id)
    field = next(each for each in page.text_input if each.label == "Name")
    assert field.value == "A sweep"
    field.set_value("  Which kernel?  ")
    press(page, "Save name")
    assert store.sweeps.get(sweep.id).name == "Which kernel?" and page.subheader[0].value == "Which kernel?"
    assert store.list_runs()[0].name == run.name
    next(each for each in page.text_input if each.label == "Name").set_value(" ")
    press(page, "Save name")
    assert "cannot be empty" in words(page) + " ".join(each.value for each in page.get("toast"))
    assert store.sweeps.get(sweep.id).name == "Which kernel?"


@pytest.mark.parametrize(("also", "left"), [(False, 3), (True, 0)])
def test_delete_keeps_the_runs_unless_asked(workspace, store, also, left):
    sweep = searched.ended(workspace, store, 3)
    page = open_page("sweeps.py", sweep=sweep.id)
    page.button(key="delete-sweep").click().run()
    page.checkbox(key="delete-sweep-with-runs").set_value(also)
    page.button(key="really-delete-sweep").click().run()
    assert not page.exception
    assert store.sweeps.list_sweeps() == [] and len(store.list_runs()) == left
    assert "No sweep has been started yet." in words(page)


def test_the_top_three_are_confirmed_with_fresh_seeds(workspace, store):
    sweep = searched.ended(workspace, store, 12)
    page = open_page("sweeps.py", sweep=sweep.id)
    next(each for each in page.number_input if each.label == "Fresh seeds").set_value(3).run()
    press(page, "Confirm the top 3")
    report = read_report(workspace, store, sweep.id)
    top = report.ranking[:3]
    assert sum(len(trial.confirm_runs) for trial in report.trials) == 9
    assert words(page).count("0 of 9 runs with fresh seeds have ended.") == 1
    assert page.get("progress")[-1].proto.text == ""
    values = {top[0]: (0.70, 0.71, 0.705), top[1]: (0.60, 0.61, 0.605), top[2]: (0.50, 0.51, 0.505)}
    searched.confirm(store, report.trials, values)
    page = open_page("sweeps.py", sweep=sweep.id)
    answer = read_report(workspace, store, sweep.id).confirmation
    assert answer is not None and answer.winner == top[0]
    assert answer.sentence in words(page).replace("\u00a0", " ")
    assert f"#### After the confirmation: trial {answer.take}" in words(page)
    text = words(page).replace("\u00a0", " ")
    # (70 + 71 + 70.5) / 3
    assert "With 3 fresh seeds: 70.5 % on average (in the search: " in text
    assert "With other seeds" not in text and "really the best" not in text
    table = page.dataframe[0].value
    # The best mean first, with its values as the table of all trials has them.
    assert table["Mean"].tolist() == pytest.approx([70.5, 60.5, 50.5])
    assert table["Trial"].tolist() == list(top)
    every = page.dataframe[1].value.set_index("Trial")
    assert table["Learning rate"].tolist() == [every.loc[number, "Learning rate"] for number in top]
    # One that is better still has none of these seeds.
    rate = {"optimizer.learning_rate": 0.0234, "model.blocks[*].kernel_sizes": [3], "optimizer.name": "adam"}
    (added,) = start.add_trial(workspace, sweep.id, rate).search_runs
    end(store, added.run, (0.5, 0.99), 1.0)
    page = open_page("sweeps.py", sweep=sweep.id)
    next(each for each in page.number_input if each.label == "Fresh seeds in all").set_value(3).run()
    assert "3 runs to train." in words(page)


def test_a_confirmation_that_was_ended_early_can_be_resumed(workspace, store):
    sweep = searched.ended(workspace, store, 12)
    start.confirm_sweep(workspace, sweep.id, 2)
    runs = [each.run for trial in store.sweeps.trials(sweep.id) for each in trial.confirm_runs]
    assert "Resume" not in {each.label for each in open_page("sweeps.py", sweep=sweep.id).button}
    for run in runs:
        store.request_stop(run.id)
    page = open_page("sweeps.py", sweep=sweep.id)
    press(page, "Resume")
    assert {store.get_run(run.id).state for run in runs} == {RunState.WAITING}
