"""A search that is fed from the store chooses what Optuna chooses on its own, whatever ended and began again.

But for what Optuna repeats: it is told what came of that the first time, and asked again.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
import pytest

from core.design.presets import PRESETS
from core.sweeps import search as search_module
from core.sweeps.search import PastTrial, Search
from core.sweeps.space import Space, parse_space

NUM_TRIALS = 26  # TPE begins after 10, a generation of CMA-ES has 6 or 7

BASE = PRESETS["tiny"].config
NUMBERS = {
    "optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
    "training.batch_size": {"low": 8, "high": 64, "step": 8},
    "model.blocks[0].dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
}
MIXED = {
    "model.blocks[*].kernel_sizes": {"values": [[1], [3], [1, 3, 5]]},
    "optimizer.name": {"values": ["adam", "sgd"]},
    "optimizer.momentum": {"low": 0.0, "high": 0.9, "step": 0.3, "when": {"optimizer.name": "sgd"}},
    "training.epochs": {"low": 1, "high": 4},
}


def ask_numbers(trial: optuna.Trial) -> dict[str, Any]:
    """What a person would write for NUMBERS with Optuna."""
    return {
        "optimizer.learning_rate": trial.suggest_float("optimizer.learning_rate", 1e-4, 1e-1, log=True),
        "training.batch_size": trial.suggest_int("training.batch_size", 8, 64, step=8),
        "model.blocks[0].dropout": round(
            trial.suggest_float("model.blocks[0].dropout", 0.0, 0.5, step=0.1), 9
        ),
    }


def ask_mixed(trial: optuna.Trial) -> dict[str, Any]:
    """The same for MIXED. Lists cannot be choices of Optuna's."""
    kernels = {"1": [1], "3": [3], "1 3 5": [1, 3, 5]}
    chosen: dict[str, Any] = {
        "model.blocks[*].kernel_sizes": kernels[
            trial.suggest_categorical("model.blocks[*].kernel_sizes", list(kernels))
        ],
        "optimizer.name": trial.suggest_categorical("optimizer.name", ["adam", "sgd"]),
    }
    if chosen["optimizer.name"] == "sgd":
        momentum = trial.suggest_float("optimizer.momentum", 0.0, 0.9, step=0.3)
        chosen["optimizer.momentum"] = round(momentum, 9)  # 0.6, not 0.6000000000000001
    chosen["training.epochs"] = trial.suggest_int("training.epochs", 1, 4)
    return chosen


def accuracy(chosen: Mapping[str, Any]) -> float:
    """A made-up result that depends on every setting."""
    value = 0.5
    for path, each in chosen.items():
        number = float(len(str(each))) if not isinstance(each, int | float) else float(each)
        value += 0.1 * math.sin(3 * number + len(path))
    return value


def sampler_of(method: str, seed: int) -> optuna.samplers.BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "grid": lambda: optuna.samplers.BruteForceSampler(seed=seed),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
            "tpe": lambda: optuna.samplers.TPESampler(seed=seed),
            "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=seed),
            "qmc": lambda: optuna.samplers.QMCSampler(seed=seed, scramble=True),
        }[method]()


def outcome(number: int, chosen: Mapping[str, Any]) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    """How a trial ends: (state, results, curve). Every seventh is pruned after 2 epochs, every eleventh fails."""
    value = accuracy(chosen)
    if number % 7 == 4:
        return "pruned", (), (value / 2, value / 1.5)
    if number % 11 == 8:
        return "failed", (), ()
    return "complete", (value,), ()


def optuna_alone(
    method: str, seed: int, ask: Callable[[optuna.Trial], dict[str, Any]], concurrency: int
) -> list[dict[str, Any]]:
    """Optuna's own loop of ask and tell: `concurrency` trials at once, of which the second oldest ends first.

    A repeat ends at once as the first one did, or failed where that one is still under way.
    """
    study = optuna.create_study(direction="maximize", sampler=sampler_of(method, seed))
    chosen: list[dict[str, Any]] = []
    running: list[tuple[int, optuna.Trial]] = []
    while len(chosen) < NUM_TRIALS:
        while len(running) < concurrency:
            trial = study.ask()
            values = ask(trial)
            if values not in chosen:
                running.append((len(chosen), trial))
                chosen.append(values)
            elif (first := chosen.index(values)) in dict(running):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                tell(study, trial, *outcome(first, values))
        number, trial = running.pop(min(1, len(running) - 1))
        tell(study, trial, *outcome(number, chosen[number]))
    return chosen[:NUM_TRIALS]


def tell(
    study: optuna.Study, trial: optuna.Trial, state: str, values: Sequence[float], curve: Sequence[float]
) -> None:
    if state == "complete":
        study.tell(trial, list(values))
    elif state == "pruned":
        for epoch, value in enumerate(curve, start=1):
            trial.report(value, epoch)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)


def from_records(
    method: str, seed: int, space: Space, concurrency: int, *, killed: bool
) -> list[dict[str, Any]]:
    """The same by records alone; with `killed` the search is made again before every trial."""
    search = Search(space, method, seed)
    trials: list[PastTrial] = []
    running: list[int] = []
    while len(trials) < NUM_TRIALS:
        while len(running) < concurrency:
            search = Search(space, method, seed) if killed else search
            known = frozenset(each.number for each in trials if each.ended is not None)
            chosen = search.next(trials)
            assert chosen is not None
            running.append(len(trials))
            trials.append(PastTrial(len(trials), chosen, known=known))
        number = running.pop(min(1, len(running) - 1))
        state, results, curve = outcome(number, trials[number].choices)
        trials[number] = replace(trials[number], ended=state, results=results, curve=curve)  # type: ignore[arg-type]
        assert search._is_exact
    return [dict(each.choices) for each in trials][:NUM_TRIALS]


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("method", ["grid", "random", "tpe", "cmaes", "qmc"])
def test_the_sequence_is_optunas_also_after_a_kill_before_each_trial(method: str, concurrency: int) -> None:
    asked, ask = (NUMBERS, ask_numbers) if method in ("cmaes", "qmc") else (MIXED, ask_mixed)
    space = parse_space(asked, BASE)
    expected = optuna_alone(method, 7, ask, concurrency)
    assert len({str(each) for each in expected}) == NUM_TRIALS
    assert from_records(method, 7, space, concurrency, killed=False) == expected
    assert from_records(method, 7, space, concurrency, killed=True) == expected
    assert from_records(method, 8, space, concurrency, killed=False) != expected


def test_a_grid_has_every_combination_once_beside_those_that_were_there() -> None:
    space = parse_space(MIXED, BASE)
    points = [dict(each) for each in space.combinations()]
    assert len(points) == 3 * (1 + 4) * 4
    trials = [
        PastTrial(0, points[17], "complete", (0.5,), is_chosen=False),
        PastTrial(1, points[3], "complete", (0.6,), is_chosen=False),
    ]
    search = Search(space, "grid", 1)
    while (chosen := search.next(trials)) is not None:
        known = frozenset(each.number for each in trials if each.ended is not None)
        trials.append(
            PastTrial(len(trials), chosen, "failed" if len(trials) % 3 else "complete", (0.4,), (), known)
        )
    assert len(trials) == len(points)
    assert sorted(map(str, points)) == sorted(str(dict(each.choices)) for each in trials)


KERNELS = {"values": [[1], [3], [5], [7], [1, 3, 5]]}


def choose(
    space: Space, method: str, seed: int, most: int, *, killed: bool = False, failing: int = 0
) -> list[PastTrial]:
    """Trials one after another until the search has no more, every `failing`-th of which fails."""
    search, trials = Search(space, method, seed), list[PastTrial]()
    while len(trials) < most:
        search = Search(space, method, seed) if killed else search
        chosen = search.next(trials)
        if chosen is None:
            break
        number, known = len(trials), frozenset(range(len(trials)))
        failed = bool(failing) and number % failing == 1
        results = () if failed else (accuracy(chosen),)
        trials.append(PastTrial(number, chosen, "failed" if failed else "complete", results, (), known))
        assert search._is_exact
    return trials


@pytest.mark.parametrize("method", ["random", "tpe", "qmc", "grid"])
def test_a_finite_space_is_tried_as_a_whole_and_nothing_twice(method: str) -> None:
    """Optuna alone tries 3 or 4 of 5 kernel sizes in five trials, and 13 to 16 of 25 pairs in twenty."""
    one = parse_space({"model.blocks[*].kernel_sizes": KERNELS}, BASE)
    two = parse_space({f"model.blocks[{block}].kernel_sizes": KERNELS for block in (0, 1)}, BASE)
    for seed in range(2):
        for space, count in ((one, 5), (two, 25)):
            trials = choose(space, method, seed, most=40, failing=3)
            assert len(trials) == count == len({str(each.choices) for each in trials})
    assert choose(two, method, 1, most=12, killed=True, failing=3) == trials[:12]


@pytest.mark.parametrize("method", ["random", "tpe", "qmc"])
def test_after_many_repeats_any_other_is_taken(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "MAX_REPEATS", 2)
    monkeypatch.setattr(search_module, "MAX_SAMPLES", 3)
    monkeypatch.setattr(search_module, "MAX_REPEATS_IN_ALL", 12)
    space = parse_space({f"model.blocks[{block}].kernel_sizes": KERNELS for block in (0, 1)}, BASE)
    trials = choose(space, method, 5, most=40)
    assert len(trials) == 25 == len({str(each.choices) for each in trials})
    assert choose(space, method, 5, most=40, killed=True) == trials
    monkeypatch.setattr(search_module, "MAX_SAMPLES", 100)
    # An endless space may have a branch that is but one point.
    asked = {
        "optimizer.name": {"values": ["adam", "sgd"]},
        "optimizer.momentum": {"low": 0.0, "high": 0.9, "when": {"optimizer.name": "sgd"}},
    }
    trials = choose(parse_space(asked, BASE), method, 5, most=20)
    assert [each.choices["optimizer.name"] for each in trials].count("adam") == 1 and len(trials) == 20


def test_a_result_that_changes_is_known_as_if_it_had_been_so_from_the_beginning() -> None:
    """A run that failed, which a person resumes: a search that lives on chooses what a new one would choose."""
    space = parse_space(NUMBERS, BASE)
    trials = choose(space, "tpe", 7, most=14)
    trials[11] = replace(trials[11], ended="failed", results=())
    living = Search(space, "tpe", 7)
    living.next(trials)
    for changed in (
        replace(trials[11], ended=None),
        replace(trials[11], ended="complete", results=(0.9,)),
        replace(trials[11], ended="complete", results=(0.1,)),
        trials[11],
    ):
        trials[11] = changed
        new = Search(space, "tpe", 7)
        assert living.next(trials) == new.next(trials)
        assert living._is_exact == new._is_exact
        states = [each.state.name for each in living._study.trials[:14]]
        complete = {None: "RUNNING", "complete": "COMPLETE", "failed": "FAIL"}[changed.ended]
        assert states == ["COMPLETE"] * 11 + [complete] + ["COMPLETE"] * 2


def test_trials_by_hand_are_as_added_trials_are_to_optuna() -> None:
    """Also one with a value outside the space, of which Optuna learns nothing."""
    space = parse_space(NUMBERS, BASE)
    by_hand = {"optimizer.learning_rate": 0.002, "training.batch_size": 16, "model.blocks[0].dropout": 0.3}
    study = optuna.create_study(direction="maximize", sampler=sampler_of("tpe", 5))
    trials: list[PastTrial] = []
    search = Search(space, "tpe", 5)
    for number in range(20):
        known = frozenset(range(number))
        if number in (3, 12):
            chosen = dict(by_hand) if number == 3 else {**by_hand, "optimizer.learning_rate": 0.9}
            inside = {path: value for path, value in chosen.items() if value != 0.9}
            bounds = optuna.distributions
            distributions: dict[str, optuna.distributions.BaseDistribution] = {
                "optimizer.learning_rate": bounds.FloatDistribution(1e-4, 1e-1, log=True),
                "training.batch_size": bounds.IntDistribution(8, 64, step=8),
                "model.blocks[0].dropout": bounds.FloatDistribution(0.0, 0.5, step=0.1),
            }
            study.add_trial(
                optuna.trial.create_trial(
                    params=inside,
                    distributions={path: distributions[path] for path in inside},
                    value=accuracy(chosen),
                )
            )
        else:
            trial = study.ask()
            expected = ask_numbers(trial)
            study.tell(trial, accuracy(expected))
            chosen = search.next(trials) or {}
            assert chosen == expected
        is_chosen = number not in (3, 12)
        trials.append(PastTrial(number, chosen, "complete", (accuracy(chosen),), (), known, is_chosen))


@pytest.mark.parametrize("method", ["grid", "random", "tpe", "cmaes", "qmc"])
def test_where_the_choices_cannot_be_made_again_the_search_goes_on(method: str) -> None:
    """As after another version of Optuna: trials stay as they were, and the next is still decided by the seed."""
    asked = MIXED if method in ("grid", "tpe") else NUMBERS
    space = parse_space(asked, BASE)
    other: list[PastTrial] = []
    search = Search(space, method, 99)
    for number in range(12):
        chosen = search.next(other)
        assert chosen is not None
        known = frozenset(range(number))
        other.append(PastTrial(number, chosen, "complete", (accuracy(chosen),), (), known))
    going_on = Search(space, method, 1)  # with another seed it would not have chosen these
    trials = list(other)
    for number in range(12, 20):
        again = Search(space, method, 1)
        chosen = going_on.next(trials)
        assert chosen is not None and chosen == again.next(trials)
        assert not going_on._is_exact and not again._is_exact
        trials.append(
            PastTrial(number, chosen, "complete", (accuracy(chosen),), (), frozenset(range(number)))
        )
    assert len({str(each.choices) for each in trials}) == 20


def test_two_objectives_have_no_pruned_trials() -> None:
    space = parse_space(NUMBERS, BASE)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler_of("tpe", 3))
    search = Search(space, "tpe", 3, ("maximize", "minimize"))
    failed = optuna.trial.TrialState.FAIL
    trials: list[PastTrial] = []
    for number in range(24):
        trial = study.ask()
        expected = ask_numbers(trial)
        chosen = search.next(trials)
        assert chosen == expected
        results = (accuracy(chosen), float(len(str(chosen))))
        if number % 5 == 2:
            study.tell(trial, state=failed)
            past = PastTrial(number, chosen, "pruned", (), (0.5,), frozenset(range(number)))
        else:
            study.tell(trial, results)
            past = PastTrial(number, chosen, "complete", results, (), frozenset(range(number)))
        trials.append(past)
