"""The Studies page as a visitor uses it, without a browser."""

import pytest

from core.store.records import RunRequest
from core.store.states import RunState
from core.studies import start
from tests.core.studies.ended import FLIPPED, TINY, create, end, end_all, save_weights, spec
from tests.core.sweeps.trials import add_next, begin, end_trial
from tests.pages.in_class import looking
from tests.pages.visits import button, go_to, open_page, press, unfold, words

HOSTILE = "<script>alert(1)</script> ![](http://x/y.png) $x$ :red[a] *b*"


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    monkeypatch.setattr(start, "ensure_scheduler", lambda workspace: None)
    monkeypatch.setattr(start.control, "ensure_scheduler", lambda workspace: None)


def labels(page) -> set[str]:
    return {each.label for each in page.button}


def charts(page):
    return [element.proto for element in page.get("vega_lite_chart")]


def fill(page, label: str, value: object) -> None:
    """Set the number or text field with this label."""
    fields = [*page.number_input, *page.text_input]
    next(each for each in fields if each.label.startswith(label)).set_value(value).run()
    assert not page.exception


def test_a_first_visit_offers_signal_or_noise(workspace):
    page = open_page("studies.py")
    assert page.segmented_control(key="study-kind").value == "seeds"
    assert "Is one better than the other, or was it luck?" in words(page)
    assert "3 runs to train, one at a time. Their duration is unknown" in words(page).replace(
        "on 2 devices", "one at a time"
    )
    assert "No study has been started yet." in words(page)


def test_two_runs_from_a_link_and_one_click_starts_one_study(store):
    first, second = store.queue_run(RunRequest(TINY, HOSTILE)), store.queue_run(RunRequest(FLIPPED, "other"))
    page = open_page("studies.py", kind="seeds", runs=f"{first.id},{second.id}")
    assert not page.query_params
    assert "What differs: horizontal flip off → on." in words(page)
    assert "2 of 6 runs exist already." in words(page)
    press(page, "Start 4 runs")

    (study,) = store.studies.list_studies()
    assert study.num_runs == 6 and len(store.list_runs()) == 6
    assert page.query_params["study"] in (study.id, [study.id])
    assert "0 of 6 runs have finished" in page.get("progress")[0].proto.text
    assert "2 of its runs were reused, not trained again." in words(page)
    assert "No seed has finished for both" in words(page)
    for dangerous in ("![](", "$x$", ":red[", "*b*"):
        assert not any(
            dangerous in str(each.value) for each in (*page.markdown, *page.subheader, *page.caption)
        )


def test_trials_of_a_sweep_are_compared_with_seeds_that_it_has_not_seen(store, monkeypatch):
    monkeypatch.setattr("core.sweeps.start.ensure_scheduler", lambda workspace: None)
    sweep = begin(store)
    for accuracy in (0.5, 0.6):
        end_trial(store, add_next(store, sweep), accuracy)
    first, second = (trial.runs[0].run.id for trial in store.sweeps.trials(sweep.id))
    said = "These runs were chosen by a search, so the study begins with a seed that the search has not seen."
    page = open_page("studies.py", kind="seeds", runs=f"{first},{second}")
    assert said in [caption.value for caption in page.caption]
    assert "exist already" not in words(page)
    press(page, "Start 6 runs")
    assert said in words(page)
    (study,) = store.studies.list_studies()
    # The sweep has trained seed 0.
    assert {member.role["seed"] for member in store.studies.members(study.id)} == {1, 2, 3}


def test_numbers_that_are_changed_are_changed_in_both(store):
    first = store.queue_run(RunRequest(TINY, "one"))
    second = store.queue_run(RunRequest(FLIPPED.with_values({"training.epochs": 5}), "other"))
    page = open_page("studies.py", kind="seeds", runs=f"{first.id},{second.id}")
    fill(page, "Training pictures", 50)
    press(page, "Start 6 runs")
    (study,) = store.studies.list_studies()
    configs = [member.run.config for member in store.studies.members(study.id)]
    assert {config.dataset.num_train for config in configs} == {50}
    assert {config.training.epochs for config in configs} == {3, 5}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"study": "nothing"}, "There is no study"),
        ({"study": "<b>x</b>"}, "There is no study"),
        ({"kind": "seeds", "runs": "aaaaaaaaaa"}, "There is no run"),
        ({"kind": "nonsense"}, "Is one better"),
        ({"runs": ",,,"}, "Is one better"),
    ],
)
def test_a_link_that_leads_nowhere_says_so(workspace, query, said):
    assert said in words(open_page("studies.py", **query))


def test_every_kind_has_its_fields(store):
    run = store.queue_run(RunRequest(FLIPPED, "flipped"))
    page = open_page("studies.py", kind="ablation", runs=run.id)
    assert "Parts that are on: horizontal flip." in words(page)
    assert "1 run to train" in words(page)  # the full augmentation is there
    page.pills(key="study-modes").set_value([]).run()
    assert "Choose at least one of" in page.error[0].value

    go_to(page, "studies.py", kind="volume", runs=run.id)
    assert "How much would more pictures help?" in words(page)
    fill(page, "Training set sizes", "60, many")
    assert "must be whole numbers separated by commas; 'many' is not one" in page.error[0].value
    fill(page, "Training set sizes", "60; 6001")
    assert "Training set sizes: cannot hold 6,001" in words(page)
    fill(page, "Training set sizes", "60, 600")
    press(page, "Start 1 run")
    (study,) = store.studies.list_studies()
    assert [member.run.config.dataset.num_train for member in store.studies.members(study.id)] == [60, 600]

    go_to(page, "studies.py", kind="noise", runs=run.id)
    fill(page, "Wrong labels", "0, 29")
    press(page, "Start 1 run")
    noisy = store.studies.members(store.studies.list_studies()[0].id)
    assert [member.run.config.dataset.label_noise for member in noisy] == [0.0, 0.29]


def test_what_was_chosen_is_there_again_after_another_page(workspace):
    page = open_page("studies.py", kind="noise")
    go_to(page, "home.py")
    go_to(page, "studies.py")
    assert page.segmented_control(key="study-kind").value == "noise"


def test_the_answer_comes_first_and_then_the_charts(store):
    study = create(store, spec("seeds", TINY, FLIPPED))
    end_all(
        store,
        study,
        lambda role: (0.5 if "first" in role.conditions else 0.6) + 0.01 * role.seed,
        lambda role: 0.1,
    )
    page = open_page("studies.py", study=study.id)
    # Equal to the last picture of 1,500: rounding alone is ± 4.303 · √2 / (1,500 · √12) / √3 = 0.07 points.
    assert "config 1 is 10.0 points better (+9.9 to +10.1, 95 %): a clear difference." in words(page)
    assert "All 6 runs have finished." in words(page)
    assert "config 1 minus config 0. One dot per seed" in words(page)
    assert len(charts(page)) == 3
    assert [chart.alt for chart in charts(page)][1:] == [
        f"{measure}: difference between config 0 and config 1 in points"
        for measure in ("Best validation accuracy", "Gap at the end")
    ]
    assert "Queue" not in " ".join(labels(page)) and "Stop" not in " ".join(labels(page))
    assert "doi.org/10.1093/biomet/6.1.1" in words(page)


@pytest.mark.parametrize(("kind", "num_charts"), [("ablation", 4), ("volume", 2), ("noise", 1)])
def test_each_kind_is_drawn(store, kind, num_charts):
    asked = spec(kind, FLIPPED, **({"modes": ["without", "only"]} if kind == "ablation" else {}))
    study = create(store, asked)
    end_all(store, study, lambda role: 0.5, lambda role: 0.1)
    page = open_page("studies.py", study=study.id)
    assert not page.error
    assert len(charts(page)) == num_charts


def test_seeds_are_added_until_it_is_decided(store):
    """From the switch in the form to the offer of more seeds; the runs end without training."""
    first, second = store.queue_run(RunRequest(TINY, "one")), store.queue_run(RunRequest(FLIPPED, "other"))
    page = open_page("studies.py", kind="seeds", runs=f"{first.id},{second.id}")
    next(each for each in page.toggle if each.label == "Add seeds until decided").set_value(True).run()
    fill(page, "Seeds at most", 5)
    fill(page, "Smallest difference", 0.5)
    assert "Up to 10 runs if it takes all 5 seeds." in words(page)
    press(page, "Start 6 runs")
    (study,) = store.studies.list_studies()
    assert (study.max_seeds, study.adds_seeds) == (5, True)
    assert '"smallest_difference": 0.005' in study.spec

    end_all(
        store, study, lambda role: 0.5 + (role.seed % 2) / 10 * ("first" in role.conditions), lambda role: 0.1
    )
    page = open_page("studies.py", study=study.id)
    assert "Seeds are added until it is decided, 5 at most." in words(page)
    assert (
        "Not decided after 4 seeds of 5; more than 100 more seeds are needed to detect a difference of half a "
        "point." in words(page)
    )
    assert len(charts(page)) == 4
    store.studies.end_adding(study.id)
    page = open_page("studies.py", study=study.id)
    assert "No more seeds are added, because it was stopped." in words(page)
    usual = next(each for each in page.number_input if each.label == "Seeds at most").value
    fill(page, "Seeds at most", 4)
    assert "Must be from 5 to 100, not 4." in words(page) and button(page, "Continue").disabled
    fill(page, "Seeds at most", usual)
    press(page, "Continue")
    assert store.studies.get(study.id).adds_seeds


@pytest.mark.parametrize(
    ("field", "number", "said"),
    [
        ("Seeds at first", 1, "Seeds: must be from 2 to 20, not 1."),
        (
            "Seeds at most",
            101,
            "Seeds at most: must be from 4, which it has, to 100, not 101.",
        ),
        (
            "Smallest difference",
            -1.0,
            "Smallest difference that matters (points): must lie between 0 and 100, not -1.",
        ),
        ("Epochs", 0, "Epochs: must be from 1 to 100,000, not 0."),
    ],
)
def test_a_number_out_of_range_is_said_and_nothing_starts(store, field, number, said):
    first, second = store.queue_run(RunRequest(TINY, "one")), store.queue_run(RunRequest(FLIPPED, "other"))
    page = open_page("studies.py", kind="seeds", runs=f"{first.id},{second.id}")
    next(each for each in page.toggle if each.label == "Add seeds until decided").set_value(True).run()
    fill(page, field, number)
    assert said in words(page)
    assert not any(each.label.startswith("Start") for each in page.button)


def test_the_charts_stay_the_same_while_runs_end(store):
    study = create(store, spec("seeds", TINY, FLIPPED))
    members = store.studies.members(study.id)
    for member in members[:4]:
        end(store, member.run)
    page = open_page("studies.py", study=study.id)
    before = charts(page)
    end(store, members[4].run, (0.2, 0.3))
    end(store, members[5].run, (0.2, 0.4))
    page.run()
    for old, new in zip(before, charts(page), strict=True):
        assert (old.id, old.spec, old.alt) == (new.id, new.spec, new.alt)
        assert old.data.data != new.data.data


def test_what_is_missing_is_named_and_queued_again(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=2))
    members = store.studies.members(study.id)
    failed = {"state": RunState.FAILED, "error": f"Bad {HOSTILE}", "next_step": "Lower the learning rate."}
    end(store, members[0].run, **failed)
    store.trash.put(members[1].run.id)
    for member in members[2:]:
        end(store, member.run)
    page = open_page("studies.py", study=study.id)
    text = words(page)
    assert ":orange-badge[:material/data_array: 2 of 4]" in text  # in the list too: a run is missing
    assert "is not counted: Bad" in text and "Lower the learning rate." in text
    assert "“config 1, seed 0” was deleted and is missing here." in text
    assert "So far: 2 of 4 runs have finished." in text

    press(page, "Queue 2 missing runs again")
    states = [member.run.state for member in store.studies.members(study.id)]
    assert states == [RunState.WAITING, RunState.WAITING, RunState.FINISHED, RunState.FINISHED]
    assert "Stop all 2" in labels(page)
    press(page, "Stop all 2")
    assert store.studies.get(study.id).num_under_way == 0


def test_two_studies_that_share_all_runs_can_be_stopped(store):
    first, second = (create(store, spec(), reuse=True) for _ in range(2))
    page = press(open_page("studies.py", study=first.id), "Stop")
    assert "Stop" not in " ".join(labels(page)) and store.studies.get(first.id).num_under_way == 3
    assert "It was stopped. 3 runs continue, because a person, a sweep or another study wants them" in words(
        page
    )
    # It may want them again, and leave them to the other once more.
    press(page, "Resume")
    assert not store.studies.get(first.id).is_stopped and "It was stopped." not in words(page)
    press(page, "Stop")
    press(open_page("studies.py", study=second.id), "Stop all 3")
    assert store.studies.get(first.id).num_under_way == 0
    assert "It was stopped." in words(open_page("studies.py", study=first.id))


@pytest.mark.parametrize(("also", "left"), [(False, 3), (True, 0)])
def test_delete_keeps_the_runs_unless_asked(store, also, left):
    study = create(store, spec())
    end_all(store, study, lambda role: 0.5, lambda role: 0.1)
    page = open_page("studies.py", study=study.id)
    page.button(key="delete-study").click().run()
    page.checkbox(key="delete-with-runs").set_value(also)
    page.button(key="really-delete-study").click().run()
    assert not page.exception
    assert store.studies.list_studies() == [] and len(store.list_runs()) == left


def test_a_study_that_cannot_be_read_shows_its_runs(store):
    run = spec().bases[0].config
    study = store.studies.create("seeds", "Old", "{}", [])
    page = open_page("studies.py", study=study.id)
    assert "cannot be read" in page.error[0].value
    unfold(page, "Runs in this study")
    assert run and "All of its runs were deleted." in words(page)
    assert "All 0 runs" not in words(page)


def test_the_runs_page_leads_here(store):
    run = end(store, store.queue_run(RunRequest(TINY, "one")))
    page = open_page("runs.py", run=run.id)
    links = [element.proto for element in page.get("page_link")]
    assert any("Signal or noise?" in link.label and f"runs={run.id}" in link.query_string for link in links)


def test_a_preset_s_own_button_is_there(workspace):
    page = open_page("studies.py", kind="ablation")
    assert page.selectbox(key="study-ablated").value == "preset:article-augmented"
    assert button(page, "Start 5 runs")


def test_was_it_worth_it_compares_a_run_with_the_same_from_random_weights(workspace, store):
    source = end(store, store.queue_run(RunRequest(TINY, "source")))
    save_weights(workspace, source)
    started = TINY.with_values({"model.start_from": source.id, "model.frozen_blocks": 1})
    run = store.queue_run(RunRequest(started, "built on it"))
    page = open_page("runs.py", run=run.id)
    (link,) = [element.proto for element in page.get("page_link") if element.proto.label == "Worth it?"]
    assert any(element.proto.label == "Starts from “source”" for element in page.get("page_link"))
    assert link.query_string == f"kind=seeds&runs={run.id}&against=scratch"
    page = open_page("studies.py", kind="seeds", runs=run.id, against="scratch")
    assert not page.query_params
    assert "What differs: starting weights “source” → random, frozen blocks 1 → 0." in words(page)
    (caption,) = [each for each in page.caption if "What differs" in each.value]
    assert caption.proto.help.replace("\\", "") == f"“source” is the run {source.id}."
    # The run itself, and what it builds on: that has the same settings without a start.
    assert "2 of 6 runs exist already." in words(page)
    press(page, "Start 4 runs")
    configs = [each.run.config for each in store.studies.members(store.studies.list_studies()[0].id)]
    assert sorted((each.seed, each.model.start_from or "") for each in configs) == sorted(
        (seed, start) for seed in (0, 1, 2) for start in ("", source.id)
    )
    # A run that starts from random weights has nothing to be compared with.
    options = open_page("studies.py", kind="seeds", runs=source.id, against="scratch").selectbox(
        key="study-second"
    )
    assert options.value == "alone" and not any("was it worth it" in option for option in options.options)


def test_a_study_can_be_shared_by_a_visitor_too(store, anna):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=2))
    end_all(store, study, lambda role: 0.6, lambda role: 0.1)
    with looking(anna):
        page = open_page("studies.py", study=study.id)
    (share,) = page.get("download_button")
    assert share.proto.label == "Share as HTML" and "No weights" in share.proto.help
    assert "Stop" not in labels(page) and not any("Delete" in label for label in labels(page))
