"""Lessons as a visitor opens them by a link."""

import json

import pytest

from core.epoch import EpochRow
from core.onboarding.example import EXAMPLE_ID, import_example
from core.onboarding.lessons import LESSONS
from core.runs import control
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.system.devices import list_devices
from pages.components.home import lesson_guess
from pages.components.kit.curve_pad import curve_of
from tests.pages.numbers.readings import chart_data
from tests.pages.visits import address, button, go_to, open_page, press, words


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


def links(page) -> list[str]:
    return [link.proto.label for link in page.get("page_link")]


@pytest.mark.parametrize("name", LESSONS)
def test_each_lesson_opens_and_trains_what_it_says(workspace, name: str) -> None:
    lesson = LESSONS[name]
    page = open_page("lesson.py", lesson=name)
    text = words(page)
    assert page.title[0].value == lesson.title
    assert all(paragraph in text for paragraph in lesson.texts)
    assert lesson.question in text
    answer = next(each for each in page.expander if each.label == "Think first, then open the answer")
    assert lesson.answer in answer.markdown[0].value.replace("\\", "")
    assert page.code[0].value == f"lesson?lesson={name}"
    page = press(page, lesson.action)
    runs = list(reversed(Store(workspace).list_runs()))
    assert [run.name for run in runs] == [each.name for each in lesson.runs]
    assert [run.config for run in runs] == [each.config for each in lesson.runs]
    asked = ",".join(run.id for run in runs)
    assert address(page, "run") == asked
    # A refresh keeps what was started, and starts nothing.
    page = open_page("lesson.py", lesson=name, run=asked)
    assert lesson.action not in [each.label for each in page.button]
    assert "Curves appear after" in words(page)
    assert len(Store(workspace).list_runs()) == len(runs)


def plain(label: str) -> str:
    """Without what keeps it literal."""
    return label.replace("\\", "").replace(":small[]", "")


def guess(page, name: str, value: int):
    next(each for each in page.slider if each.key == f"guess-{name}").set_value(value).run()
    assert not page.exception
    return page


def trained(store: Store, run, rows: list[tuple[float, float]], device: str = "cpu:0") -> None:
    """Epochs with (validation, clean training) accuracies."""
    store.claim(run.id, [device])
    store.record_started(run.id, 1, run.total_epochs, 63, 0)
    for epoch, (val, clean) in enumerate(rows, start=1):
        store.record_epoch(run.id, 1, EpochRow(epoch, val_accuracy=val, clean_train_accuracy=clean))


def test_the_guess_comes_first_and_lies_across_the_curve(workspace) -> None:
    store = Store(workspace)
    page = guess(open_page("lesson.py", lesson="overfitting"), "overfitting", 20)
    kept = store.lesson_guesses.find(address(page, "guess"))
    assert (kept.lesson, kept.visitor, kept.value, kept.curve, kept.run_ids) == (
        "overfitting", None, 20.0, None, (),
    )  # fmt: skip
    page = press(page, "Train the network")
    (run,) = store.list_runs()
    assert (address(page, "guess"), address(page, "run")) == (kept.id, run.id)
    assert store.lesson_guesses.find(kept.id).run_ids == (run.id,)
    assert "Your guess: **20 points**." in words(page)
    assert not [each for each in page.slider if each.key == "guess-overfitting"]
    trained(store, run, [(0.3, 0.31), (0.4, 0.5), (0.45, 0.8)])
    # A refresh is a new session: the address knows which guess it is.
    link = {"lesson": "overfitting", "run": run.id, "guess": kept.id}
    page = open_page("lesson.py", **link)
    assert "Your guess: **20 points**. After epoch 3: 10.0 points." in words(page)
    assert "Your own numbers appear here once the training has ended." in words(page)
    first, *_ = page.get("vega_lite_chart")
    drawn = chart_data(first)
    assert drawn["epoch"].tolist() == [1, 2, 3]
    assert drawn["value"].tolist() == pytest.approx([10, 10, 10])  # medians of 1, 10 and 35
    spec = json.loads(first.proto.spec)
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [1, run.total_epochs]
    assert spec["layer"][1]["encoding"]["y"]["datum"] == 20
    assert drawn["guess"].isna().all()
    store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    page = open_page("lesson.py", **link)
    answer = next(each for each in page.expander if each.label == "Think first, then open the answer")
    own = "on 80.0 % of its training pictures and on 45.0 % of new ones. Its gap is 10.0 points."
    assert f"Your network is right {own}" in answer.markdown[1].value.replace("\\", "")
    text = words(page)
    assert "In the end: **10.0 points**, 10.0 points from it." in text and "surprise" in text


def draw(monkeypatch, curve: list[float] | None) -> None:
    """What the pad gives from now on."""
    monkeypatch.setattr(lesson_guess, "curve_pad", lambda *args, **options: curve_of(curve))


@pytest.mark.parametrize(("sent", "expected"), [
    ([1, 2.5], (1.0, 2.5)), ([], ()), (None, None), ("12", None), ({"1": 2}, None), ([1, None], None), ([[1]], None),
    (7, None), ([1, "x"], None), ([10**400], None),
])  # fmt: skip
def test_what_a_browser_sends_becomes_numbers_or_nothing(sent, expected) -> None:
    assert curve_of(sent) == expected


def test_a_drawn_curve_is_kept_and_its_distance_said_in_the_end(workspace, monkeypatch) -> None:
    store = Store(workspace)
    # From 10 points in the first epoch to 58 in the last.
    curve = [10 + 2 * epoch for epoch in range(25)]
    page = open_page("lesson.py", lesson="overfitting")
    draw(monkeypatch, curve)
    (way,) = page.segmented_control
    way.set_value("Draw the curve").run()
    kept = store.lesson_guesses.find(address(page, "guess"))
    assert (kept.value, list(kept.curve)) == (58, curve)
    # A refresh before the start: the pad is there, with what was drawn, and nothing is kept twice.
    given = []
    monkeypatch.setattr(
        lesson_guess, "curve_pad", lambda *args, **options: given.append(options) or options["curve"]
    )
    page = open_page("lesson.py", lesson="overfitting", guess=kept.id)
    assert page.segmented_control[0].value == "Draw the curve"
    assert given[-1] == {"num_epochs": 25, "most": 60, "curve": kept.curve}
    page = press(page, "Train the network")
    (run,) = store.list_runs()
    assert address(page, "guess") == kept.id and store.lesson_guesses.find(kept.id).run_ids == (run.id,)
    first, *_ = page.get("vega_lite_chart")  # before the first epoch already
    assert chart_data(first)["guess"].tolist() == curve
    # Gaps of 10, 20 and 30 points, of which the median of three is 20 throughout; drawn were 10, 12 and 14.
    trained(store, run, [(0.3, 0.4), (0.4, 0.6), (0.5, 0.8)])
    link = {"lesson": "overfitting", "run": run.id, "guess": kept.id}
    page = open_page("lesson.py", **link)
    assert "Your curve ends at **58 points**. After epoch 3: 20.0 points." in words(page)
    assert not page.metric
    before = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING)
    page = open_page("lesson.py", **link)
    assert "In the end: **20.0 points**, 38.0 points from it." in words(page)
    (measure,) = [each for each in page.metric if each.label == "Mean distance from your curve"]
    # (10 + 8 + 6) / 3
    assert (measure.value, measure.delta) == ("8.0 points", "Largest surprise: epoch 1, +10.0 points")
    chart, *_ = page.get("vega_lite_chart")
    rows = chart_data(chart)
    assert rows["epoch"].tolist() == list(range(1, 26))
    assert rows["value"].dropna().tolist() == pytest.approx([20, 20, 20])
    assert rows.loc[rows["furthest"] == 1, "epoch"].tolist() == [1]
    assert json.loads(chart.proto.spec) == before  # so that the chart keeps its place while the curve grows


def test_what_was_drawn_can_be_cleared_and_the_slider_takes_its_place(workspace, monkeypatch) -> None:
    store = Store(workspace)
    page = open_page("lesson.py", lesson="wrong-labels")
    draw(monkeypatch, [50.0] * 25)
    page.segmented_control[0].set_value("Draw the curve").run()
    guess_id = address(page, "guess")
    draw(monkeypatch, None)
    page.run()
    assert store.lesson_guesses.find(guess_id).value is None
    page.segmented_control[0].set_value("Guess a number").run()
    page = guess(page, "wrong-labels", 70)
    kept = store.lesson_guesses.find(guess_id)
    assert (kept.value, kept.curve, address(page, "guess")) == (70, None, guess_id)


def test_what_no_pad_sends_is_refused_in_words(workspace, monkeypatch) -> None:
    page = open_page("lesson.py", lesson="overfitting")
    draw(monkeypatch, [1.0, 2.0])
    page.segmented_control[0].set_value("Draw the curve").run()
    page.run()
    assert "A drawn curve has a number from 0 to 60 for each of 25 epochs." in [
        each.value.replace("\\", "") for each in page.toast
    ]
    assert not page.exception


def test_a_guess_stays_for_the_visit_and_is_one_per_lesson(workspace) -> None:
    page = guess(open_page("lesson.py", lesson="augmentation"), "augmentation", 70)
    kept = address(page, "guess")
    page = go_to(page, "lesson.py", lesson="more-data")
    assert next(each for each in page.slider).value == 0
    assert not page.segmented_control  # a difference of two curves is not drawn
    page = go_to(page, "lesson.py", lesson="augmentation")
    assert next(each for each in page.slider).value == 70 and address(page, "guess") == kept


def test_a_lesson_begun_again_asks_again(workspace) -> None:
    page = guess(open_page("lesson.py", lesson="overfitting"), "overfitting", 20)
    first = address(page, "guess")
    page = press(page, "Train the network")
    page = go_to(page, "lesson.py", lesson="overfitting")
    assert next(each for each in page.slider).value == 0
    page = guess(page, "overfitting", 30)
    assert address(page, "guess") != first
    # Its answer is the same run, and “Train anyway” gives it one of its own.
    page = press(page, "Train the network")
    page = press(page, "Train anyway")
    store = Store(workspace)
    found = store.lesson_guesses.find(address(page, "guess"))
    assert found.value == 30 and found.run_ids == (address(page, "run"),) == (store.list_runs()[0].id,)
    assert "Your guess: **30 points**." in words(page)


@pytest.mark.parametrize("asked", ["-1", "20", "", "<b>", "99999999999", "\N{ARABIC-INDIC DIGIT THREE}"])
def test_a_guess_that_is_none_is_left_out(workspace, asked: str) -> None:
    page = press(open_page("lesson.py", lesson="overfitting", guess=asked), "Train the network")
    assert "Your guess:" not in words(page)


def test_what_a_lesson_trains_can_be_stopped(workspace) -> None:
    store = Store(workspace)
    page = press(open_page("lesson.py", lesson="more-data"), "Train both")
    many, few = store.list_runs()
    labels = {plain(each.label): each for each in page.button}
    assert f"Cancel “{few.name}”" in labels and f"Cancel “{many.name}”" in labels
    trained(store, few, [(0.3, 0.4)])
    trained(store, many, [(0.3, 0.4)], "cpu:1")
    page = go_to(page, "lesson.py", lesson="more-data", run=f"{few.id},{many.id}")
    next(each for each in page.button if plain(each.label) == f"Stop “{few.name}”").click().run()
    assert not page.exception
    assert [store.get_run(each.id).stop_requested for each in (few, many)] == [True, False]


def test_the_list_of_lessons_says_how_long_each_trains_where_that_is_known(workspace) -> None:
    store = Store(workspace)
    page = open_page("lesson.py")
    assert "of training here" not in words(page)
    assert [lesson.question in words(page) for lesson in LESSONS.values()] == [True] * len(LESSONS)
    run = store.queue_run(RunRequest(LESSONS["overfitting"].runs[0].config.with_values({"seed": 9})))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 25, 63, 0)
    for epoch in range(1, 6):
        store.record_epoch(run.id, 1, EpochRow(epoch, val_accuracy=0.5, seconds=6.0))
    devices = len(list_devices().devices)
    minutes = round(6.0 * LESSONS["overfitting"].runs[0].config.training.epochs / devices / 60)
    said = (
        f"about {minutes} minutes" if minutes > 1 else "about 1 minute" if minutes else "less than a minute"
    )
    assert f"Lesson 1 · {said} of training here" in words(open_page("lesson.py"))
    assert f"Lesson 1 of 5 · {said} of training here" in words(open_page("lesson.py", lesson="overfitting"))


def test_six_who_press_together_share_the_runs(workspace) -> None:
    lesson = LESSONS["more-data"]
    pages = [press(open_page("lesson.py", lesson="more-data"), lesson.action) for _ in range(6)]
    runs = Store(workspace).list_runs()
    assert len(runs) == len(lesson.runs) == 2
    assert {address(page, "run") for page in pages} == {",".join(run.id for run in reversed(runs))}
    told = ["Nothing new was started" in words(page) for page in pages]
    assert told == [False, True, True, True, True, True]
    page = press(pages[-1], "Train anyway")
    assert len(Store(workspace).list_runs()) == 4
    assert set(address(page, "run").split(",")).isdisjoint(run.id for run in runs)


def test_what_it_is_held_against_need_not_be_trained_twice(workspace, monkeypatch) -> None:
    monkeypatch.setenv("CONVDECK_EXAMPLE", "on")
    store = Store(workspace)
    import_example(workspace, store)
    page = press(open_page("lesson.py", lesson="augmentation"), "Train both")
    new = store.list_runs()[0]
    assert address(page, "run") == f"{EXAMPLE_ID},{new.id}"
    assert [run.id for run in store.list_runs()] == [new.id, EXAMPLE_ID]
    assert f"“{store.get_run(EXAMPLE_ID).name}” already has the settings" in words(page)
    assert "already has the settings" not in words(
        press(open_page("lesson.py", lesson="overfitting"), "Train the network")
    )


def test_a_run_that_was_changed_while_it_trained_is_nothing_to_be_held_against(workspace) -> None:
    """Its settings are the lesson's, and its curve is another."""
    store = Store(workspace)
    lesson = LESSONS["augmentation"]
    changed = store.queue_run(RunRequest(lesson.runs[0].config, "changed"))
    store.claim(changed.id, ["cpu:0"])
    store.record_started(changed.id, 1, lesson.runs[0].config.training.epochs, 63, 0)
    store.interventions.request(changed.id, "learning_rate", 0.0001)
    page = press(open_page("lesson.py", lesson="augmentation"), "Train both")
    assert changed.id not in address(page, "run")


def test_an_unknown_lesson_is_a_sentence_and_the_list(workspace) -> None:
    page = open_page("lesson.py", lesson="<b>no</b>")
    assert "There is no lesson" in page.warning[0].value and "<b>" not in page.warning[0].value
    assert links(page) == [*(lesson.title for lesson in LESSONS.values()), "All of ConvDeck"]


def test_runs_that_are_gone_are_a_sentence(workspace) -> None:
    page = open_page("lesson.py", lesson="overfitting", run="nosuchrunx")
    assert "There is no run with the id" in page.warning[0].value
    assert button(page, "Train the network")


def test_home_takes_a_lesson_s_link_too_and_lists_them(workspace) -> None:
    page = open_page("home.py", lesson="more-data")
    assert page.title[0].value == LESSONS["more-data"].title
    page = go_to(page, "home.py")
    assert set(links(page)) >= {lesson.title for lesson in LESSONS.values()}
