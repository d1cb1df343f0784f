"""Who comes to Home: back to an own story, for the first time where others have runs, and with own runs."""

from core.design.presets import PRESETS
from core.onboarding.example import EXAMPLE_ID
from core.store.records import Run, RunRequest
from core.store.states import RunState
from tests.pages.home.racing import begin, train
from tests.pages.visits import address, button, go_to, open_page, press, words


def ended(store, name: str) -> Run:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "shapes"}), name))
    begin(store, run)
    train(store, run, 1, 8)
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def test_the_story_is_still_there_after_a_look_at_runs(store, example) -> None:
    page = press(open_page("home.py"), "Watch it overfit")
    run = store.list_runs()[0]
    begin(store, run)
    train(store, run, 1, 12)
    # The navigation's link has no address of a story.
    page = go_to(go_to(page, "runs.py"), "home.py")
    assert address(page, "story") == run.id and "There it is" in words(page)
    page = press(page, "Now fix it")
    fork = store.list_runs()[0]
    page = go_to(go_to(page, "runs.py", run=fork.id), "home.py")
    assert address(page, "story") == f"{run.id},{fork.id}" and "It races the one that overfits" in words(page)
    page = press(page, "Start over")
    page = go_to(go_to(page, "runs.py"), "home.py")
    assert "story" not in page.query_params and button(page, "Watch it overfit")


def test_a_link_to_nothing_loses_no_story_and_a_deleted_one_is_said_once(store, example) -> None:
    run = store.queue_run(RunRequest(PRESETS["overfit"].config.with_values({"dataset.id": "shapes"})))
    page = open_page("home.py", story=run.id)
    page = go_to(page, "home.py", story="nosuchrunx")
    assert "There is no run with the id" in page.warning[0].value
    page = go_to(page, "home.py")
    assert address(page, "story") == run.id and not page.warning
    store.request_stop(run.id)
    store.trash.put(run.id)
    page = go_to(page, "home.py")
    assert "It may have been deleted" in page.warning[0].value and button(page, "Watch it overfit")
    assert not go_to(page, "home.py").warning


def test_where_others_have_runs_the_story_begins_too_with_them_below(store, example) -> None:
    run = ended(store, "*of another*")
    begin(store, store.queue_run(RunRequest(run.config, "under way")))
    page = open_page("home.py")
    text = words(page)
    assert "knew them by heart" in text and button(page, "Watch it overfit") and button(page, "Fix this one")
    best = f"{100 * (0.6 - 0.4 * 0.4**8):.1f} %"
    assert f"Runs here: 1 training, newest result “*of another*”, {best}, [see them all](#runs-here)." in text
    assert [each.value for each in page.header] == ["Runs here"]
    assert [each.value for each in page.subheader] == ["Under way", "Last results"]
    assert text.count("A picture it has never seen") == 1 and len(page.get("vega_lite_chart")) == 2
    page = press(page, "Watch it overfit")
    assert "It is training now" in words(page)
    assert "Runs here" in [fold.label for fold in page.expander] and not page.header


def test_without_the_example_the_newest_result_stands_for_it(store) -> None:
    ended(store, "my own")
    page = open_page("home.py")
    assert "The newest result, my own" in words(page) and "Overfitting since epoch" in words(page)
    assert button(page, "Watch it overfit")
    assert EXAMPLE_ID not in [run.id for run in store.list_runs()]
