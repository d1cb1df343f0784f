"""The importance of settings is Optuna's own, to the digit, and shows by resampling how far it can be trusted."""

import itertools
from dataclasses import replace

import numpy as np
import optuna
import pytest

from core.analysis.search_luck import chance_of_more
from core.design.presets import PRESETS
from core.sweeps.importance import importances, resampled_importances, shuffled_strongest, strongest
from core.sweeps.search import PastTrial, Search
from core.sweeps.space import parse_space
from tests.core.sweeps.test_search import MIXED, accuracy, ask_mixed

SPACE = parse_space(MIXED, PRESETS["tiny"].config)


def searched(num_trials: int) -> list[PastTrial]:
    """Trials of a random search, of which every sixth failed."""
    search, trials = Search(SPACE, "random", 3), list[PastTrial]()
    for number in range(num_trials):
        chosen = search.next(trials)
        assert chosen is not None
        failed = number % 6 == 5
        results = () if failed else (accuracy(chosen),)
        trials.append(PastTrial(number, chosen, "failed" if failed else "complete", results))
    return trials


@pytest.mark.filterwarnings("ignore")
def test_it_is_what_optuna_says_of_the_same_trials() -> None:
    """Optuna's own study: its search, its results and its default evaluator; nothing of it comes from the records."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=3))
    trials = searched(40)
    for number in range(40):
        trial = study.ask()
        while (chosen := ask_mixed(trial)) in [each.choices for each in trials[:number]]:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)  # what is repeated is not tried again
            trial = study.ask()
        assert chosen == trials[number].choices
        if number % 6 == 5:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, accuracy(chosen))
    expected = optuna.importance.get_param_importances(study)
    found = importances(SPACE, trials)
    assert found == expected  # to the last digit
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1)


def test_resampling_is_the_same_each_time_and_begins_with_few_trials() -> None:
    trials = searched(14)
    once = list(itertools.islice(resampled_importances(SPACE, trials, seed=5), 20))
    again = list(itertools.islice(resampled_importances(SPACE, trials, seed=5), 20))
    assert once == again
    assert len({str(each) for each in once}) > 10
    assert all(sum(each.values()) == pytest.approx(1) for each in once)
    assert importances(SPACE, trials[:3]) == {}
    assert list(resampled_importances(SPACE, trials[:3])) == []


def test_the_same_choices_a_second_time_are_no_second_sample() -> None:
    trials = searched(12)
    twice = [*trials, *(replace(trials[at], number=12 + index) for index, at in enumerate((3, 3, 7)))]
    assert importances(SPACE, twice) == importances(SPACE, trials)
    once, again = (list(itertools.islice(resampled_importances(SPACE, each), 5)) for each in (trials, twice))
    assert once == again
    assert strongest(SPACE, twice) == strongest(SPACE, trials)
    assert importances(SPACE, [*trials[:3], replace(trials[2], number=3)]) == {}  # of three


def test_results_that_are_noise_are_told_from_those_that_a_setting_makes() -> None:
    """Below 10 %, chance is called chance in about one search of ten, the effect of a learning rate nearly always."""
    random, rate = np.random.default_rng(0), "optimizer.learning_rate"
    space = parse_space(
        {rate: {"low": 1e-4, "high": 1e-1, "log": True}, "training.batch_size": {"values": [16, 32, 64]}},
        PRESETS["tiny"].config,
    )

    def chance_of(results: list[float], choices: list[dict[str, float]], seed: int) -> float:
        trials = [
            PastTrial(number, chosen, "complete", (result,))
            for number, (chosen, result) in enumerate(zip(choices, results, strict=True))
        ]
        shuffled = itertools.islice(shuffled_strongest(space, trials, seed=seed), 19)
        chance = chance_of_more(strongest(space, trials), list(shuffled))
        assert chance is not None
        return chance

    noise, effect = 0, 0
    for seed in range(12):
        choices = [
            {
                rate: float(10 ** random.uniform(-4, -1)),
                "training.batch_size": int(random.choice([16, 32, 64])),
            }
            for _ in range(40)
        ]
        noise += chance_of(random.normal(size=40).tolist(), choices, seed) <= 0.1
        best_in_the_middle = [-((np.log10(chosen[rate]) + 2.5) ** 2) for chosen in choices]
        effect += chance_of(best_in_the_middle, choices, seed) <= 0.1
    assert noise <= 4  # of 12 at 10 %: 5 or more in one of 230 (binomial)
    assert effect >= 10
