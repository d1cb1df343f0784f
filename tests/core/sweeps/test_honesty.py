"""What may be luck counts each choice once, and the seeds of a confirmation apart."""

import statistics
from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.store.store import Store
from core.store.trials import NewTrialRun
from core.sweeps.configs import trial_runs
from core.sweeps.honesty import Honesty, guessing
from core.sweeps.report import read_report
from core.sweeps.spec import read_spec
from tests.core.sweeps.trials import add_next, begin, end_trial

REACHED = ((0.50, 0.54), (0.60, 0.62), (0.58, 0.64))


@pytest.fixture
def store(workspace, no_scheduler):
    with Store(workspace) as store:
        yield store


def judged(store: Store, sweep_id: str) -> Honesty:
    found = read_report(store.workspace, store, sweep_id).honesty
    assert found is not None and found.curse is not None
    return found


def test_a_choice_that_was_trained_twice_counts_once(store):
    sweep = begin(store, seeds=2)
    for accuracies in REACHED:
        end_trial(store, add_next(store, sweep), accuracies)
    once = judged(store, sweep.id)
    pooled = statistics.mean(map(statistics.variance, REACHED)) ** 0.5
    assert once.curse.noise.deviation == pytest.approx(pooled) and once.curse.noise.freedom == 3
    spec, trials = read_spec(sweep.spec), store.sweeps.trials(sweep.id)
    runs = trial_runs(store.workspace, spec, sweep.name, 3, trials[2].choices)
    again = [NewTrialRun(each.seed, replace(each.request)) for each in runs]
    store.sweeps.add_trial(sweep.id, 3, trials[2].choices, again, reuse=False)
    end_trial(store, store.sweeps.trials(sweep.id)[3], REACHED[2])
    again = judged(store, sweep.id)
    assert replace(again, count_sentence=None) == once
    assert again.count_sentence == "1 more repeats the values of another trial and is left out."
    assert once.numbers == once.searched == (0, 1, 2)


def test_a_trial_by_hand_is_counted_and_said(store):
    """Four trials have a result, of which the search chose three: sentences that count both say why."""
    sweep = begin(store, seeds=2)
    for accuracies in REACHED:
        end_trial(store, add_next(store, sweep), accuracies)
    spec = read_spec(sweep.spec)
    by_hand = {"model.blocks[0].filters": 32}
    runs = trial_runs(store.workspace, spec, sweep.name, 3, by_hand)
    end_trial(store, store.sweeps.add_trial(sweep.id, 3, by_hand, runs, origin="hand"), (0.7, 0.72))
    found = judged(store, sweep.id)
    assert (len(found.numbers), found.searched) == (4, (0, 1, 2))
    assert found.count_sentence == ("4 trials are compared. The search chose 3 of them; 1 was added by hand.")
    assert "really the best of the 4 trials" in found.curse.chance_sentence
    # Trials 1 and 2 are equal, with 61 % on average: the earlier is the best, and only trial 0 came before.
    assert "1 of the search's 3 results came before the best one (trial 1)." in found.curve.sentence
    shown = read_report(store.workspace, store, sweep.id).to_dict()
    assert shown["best"]["number"] == 3 and shown["trials"][3]["number"] == 3
    assert shown["honesty"]["count_sentence"] == found.count_sentence


def test_the_noise_of_what_was_confirmed_is_that_of_its_fresh_seeds(store):
    """The best were chosen for the luck of their first seeds: beside fresh ones, that would be noise as well."""
    sweep = begin(store, seeds=2)
    for accuracies in REACHED:
        end_trial(store, add_next(store, sweep), accuracies)
    spec, best = read_spec(sweep.spec), store.sweeps.trials(sweep.id)[2]
    fresh, confirmed = spec.seeds_after(2, 3), (0.51, 0.53, 0.52)
    for count in (1, 3):  # one fresh seed alone says nothing of noise
        runs = trial_runs(store.workspace, spec, sweep.name, 2, best.choices, fresh[:count])
        store.sweeps.add_runs(sweep.id, [(2, each) for each in runs], "confirm")
        end_trial(store, store.sweeps.trials(sweep.id)[2], confirmed[:count], purpose="confirm")
        groups = [*REACHED[:2], REACHED[2] if count == 1 else confirmed]
        squares = sum(statistics.variance(each) * (len(each) - 1) for each in groups)
        freedom = sum(len(each) - 1 for each in groups)
        noise = judged(store, sweep.id).curse.noise
        assert (noise.deviation, noise.freedom) == (pytest.approx((squares / freedom) ** 0.5), freedom)


@pytest.mark.parametrize(("best", "is_said"), [(0.11, True), (0.12, False)])
def test_a_best_at_the_level_of_guessing_is_called_so(best, is_said):
    """Ten classes, 1,500 pictures: 10 % and twice √(0.1 · 0.9 / 1,500) is 11.5 %."""
    run = SimpleNamespace(
        best_val_accuracy=best,
        class_names=tuple("abcdefghij"),
        data_num_validation=1500,
        uneven_classes=False,
    )
    said = guessing(SimpleNamespace(search_runs=(SimpleNamespace(run=run),)))
    assert (said is not None) == is_said
    if said:
        assert "the level of guessing (10 % with 10 classes)" in said
    run.uneven_classes = True
    assert guessing(SimpleNamespace(search_runs=(SimpleNamespace(run=run),))) is None
