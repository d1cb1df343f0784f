"""Which values come next: Optuna's samplers, fed from what the store holds of a sweep.

The sampler is not stored. It is made again by asking it once more for each trial there is, with the results that were
known when that trial was chosen: so its random state is the same as if the process had never ended.

Optuna's samplers may choose again what they have chosen before. That would train nothing new, so such a choice is
no trial of the sweep: Optuna is told at once what came of it, and asked again.

Optuna is imported only here, and late: it takes 0.3 s, and the server never needs it.
"""

import hashlib
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from core.sweeps.dimension import Dimension
from core.sweeps.space import Space, key_of, text_of

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

Ended = Literal["complete", "pruned", "failed"]

# After this many choices in a row that were made before, or this many in all, any that was not made yet is taken.
MAX_REPEATS = 50
MAX_REPEATS_IN_ALL = 500
# This many random choices are looked at for one that was not made yet.
MAX_SAMPLES = 1000


@dataclass(frozen=True)
class PastTrial:
    """A trial as the search sees it.

    `ended` is None while it is under way. `results` are its objectives, in the order of the search's directions, once
    it is complete. `curve` is what it was pruned by, epoch by epoch. `known` are the numbers of the trials whose end
    was known when it was chosen; `is_chosen` is false for those that the search did not choose: found, or by hand.
    """

    number: int
    choices: Mapping[str, Any]
    ended: Ended | None = None
    results: tuple[float, ...] = ()
    curve: tuple[float | None, ...] = ()
    known: frozenset[int] = frozenset()
    is_chosen: bool = True


class Search:
    """Chooses values for one trial after another. Give it the same trials and it continues as if it had never ended."""

    def __init__(
        self,
        space: Space,
        method: str,
        seed: int,
        directions: Sequence[str] = ("maximize",),
    ) -> None:
        """`directions`: maximize or minimize, for each objective."""
        self._space = space
        self._method = method
        self._seed = seed
        self._directions = list(directions)
        self._study: Any = None
        self._asked: list[Mapping[str, Any]] = []  # the choices of each trial
        self._numbers: list[int] = []  # the number of each trial in the study, which has the repeats too
        self._tried: dict[str, list[int]] = {}  # the trials that have these choices
        self._told: dict[int, tuple[Ended | None, tuple[float, ...]]] = {}
        self._num_repeats = 0
        # Whether the stored trials are what this sampler would choose again; if not, each has a seed of its own.
        self._is_exact = True
        self._start_again(is_exact=True)

    def next(self, trials: Sequence[PastTrial]) -> dict[str, Any] | None:
        """The choices of trial number `len(trials)`, which no other has; None where all have been tried.

        `trials` are all that the sweep has, by number. After an error make a new Search.
        """
        before = trials[: len(self._asked)]
        if len(before) < len(self._asked) or any(
            not same_choices(asked, trial.choices) for asked, trial in zip(self._asked, before, strict=True)
        ):
            self._start_again(is_exact=True)
        elif any(_end_of(trials[number]) != told for number, told in self._told.items()):
            # Such as a run that failed, which a person has resumed: as if all had been known from the beginning.
            self._start_again(is_exact=True)
        self._follow(trials)
        self._tell(trials, {each.number for each in trials if each.ended is not None})
        if not self._is_exact:
            self._study.sampler = self._sampler(self._seed_of(len(trials)))
        repeats = self._num_repeats
        chosen = self._choose(trials)
        if not self._is_exact and self._num_repeats > repeats:
            self._start_again(is_exact=False)  # the store does not have them, so this must not rest on them
        elif chosen is not None:
            self._note(chosen)
        return chosen

    def _follow(self, trials: Sequence[PastTrial]) -> None:
        """Bring the study to where these trials are: a few more than before, or from the beginning."""
        for trial in trials[len(self._asked) :]:
            self._tell(trials, trial.known)
            if not (trial.is_chosen and self._is_exact):
                self._add(trial)
            else:
                chosen = self._choose(trials)
                if chosen is None or not same_choices(chosen, trial.choices):
                    logger.info(
                        "Trial %d was %s, and would be %s now (another version of Optuna, or results that have "
                        "changed): from here on each trial has a seed of its own.",
                        trial.number,
                        json.dumps(dict(trial.choices)),
                        json.dumps(chosen),
                    )
                    self._start_again(is_exact=False)
                    self._follow(trials)
                    return
            self._note(trial.choices)

    def _note(self, choices: Mapping[str, Any]) -> None:
        """The newest trial of the study is the next one of the sweep."""
        self._tried.setdefault(key_of(choices), []).append(len(self._asked))
        self._asked.append(choices)
        self._numbers.append(len(self._study.get_trials(deepcopy=False)) - 1)

    def _start_again(self, *, is_exact: bool) -> None:
        optuna = load_optuna()
        self._asked, self._numbers, self._tried, self._told = [], [], {}, {}
        self._num_repeats, self._is_exact = 0, is_exact
        self._study = optuna.create_study(
            directions=self._directions, sampler=self._sampler(self._seed), pruner=optuna.pruners.NopPruner()
        )

    def _sampler(self, seed: int) -> Any:
        samplers = load_optuna().samplers
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some are experimental
            match self._method:
                case "grid":
                    return samplers.BruteForceSampler(seed=seed)
                case "random":
                    return samplers.RandomSampler(seed=seed)
                case "tpe":
                    return samplers.TPESampler(seed=seed)
                case "cmaes":
                    return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
                case "qmc":
                    # Without scrambling its seed does nothing. The sequence is one and the same for all trials.
                    return samplers.QMCSampler(
                        seed=self._seed,
                        scramble=True,
                        independent_sampler=samplers.RandomSampler(seed=seed),
                        warn_independent_sampling=False,
                    )
        raise ValueError(f"{self._method!r} is no method of core.sweeps.spec.")

    def _seed_of(self, number: int) -> int:
        """A seed for one trial, where the sampler's own random state is not to be had again."""
        digest = hashlib.sha256(f"{self._seed} {number}".encode()).digest()
        return int.from_bytes(digest[:4], "big")

    def _choose(self, trials: Sequence[PastTrial]) -> dict[str, Any] | None:
        """Choices that no trial so far has, the newest of the study; None where all have been tried."""
        count = self._space.num_combinations
        if count is not None and len(self._tried) >= count and self._first_untried() is None:
            return None
        for _ in range(MAX_REPEATS):
            chosen = self._ask()
            same = self._tried.get(key_of(chosen))
            if same is None:
                return chosen
            # What is known of the first that is complete, or else of any.
            known = sorted(
                (number for number in same if number in self._told),
                key=lambda each: (self._told[each][0] != "complete", each),
            )
            number = len(self._study.get_trials(deepcopy=False)) - 1
            self._end(number, trials[known[0]] if known else None)
            self._num_repeats += 1
            if self._num_repeats > MAX_REPEATS_IN_ALL:
                break
        random = Random(self._seed_of(len(self._asked)))
        samples = (self._space.sample(random) for _ in range(MAX_SAMPLES))
        untried = next((each for each in samples if key_of(each) not in self._tried), None)
        untried = untried or self._first_untried() or chosen
        self._study.add_trial(
            to_optuna(self._space, PastTrial(0, untried), load_optuna().trial.TrialState.RUNNING)
        )
        return untried

    def _first_untried(self) -> dict[str, Any] | None:
        if self._space.num_combinations is None:
            return None
        return next((each for each in self._space.combinations() if key_of(each) not in self._tried), None)

    def _ask(self) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = self._study.ask()
            chosen: dict[str, Any] = {}
            while (dimension := self._space.next_dimension(chosen)) is not None:
                chosen[dimension.path] = _suggest(trial, dimension)
        return chosen

    def _add(self, trial: PastTrial) -> None:
        """A trial that this sampler did not choose, or would not choose again."""
        optuna = load_optuna()
        running = to_optuna(self._space, trial, optuna.trial.TrialState.RUNNING)
        self._study.add_trial(running)
        if trial.is_chosen:
            # CMA-ES and QMC note on a trial, and in the study, where they are.
            sampler = self._study.sampler = self._sampler(self._seed_of(trial.number))
            frozen = self._study.get_trials(deepcopy=False)[-1]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                within = sampler.infer_relative_search_space(self._study, frozen)
                sampler.sample_relative(self._study, frozen, within)

    def _tell(self, trials: Sequence[PastTrial], known: set[int] | frozenset[int]) -> None:
        for number in sorted(set(known) - self._told.keys()):
            if number >= len(self._asked):
                continue
            trial = trials[number]
            self._told[number] = _end_of(trial)
            if trial.ended is not None:  # one that a person has resumed since is under way again
                self._end(self._numbers[number], trial)

    def _end(self, number: int, trial: PastTrial | None) -> None:
        """A trial of the study ends as this one did, or without a result."""
        states = load_optuna().trial.TrialState
        ended = None if trial is None else trial.ended
        try:
            if trial is not None and ended == "complete":
                self._study.tell(number, list(trial.results))
            elif trial is not None and ended == "pruned" and len(self._directions) == 1:
                storage = self._study._storage
                trial_id = storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
                for epoch, value in enumerate(trial.curve, start=1):
                    if value is not None:
                        storage.set_trial_intermediate_value(trial_id, epoch, value)
                self._study.tell(number, state=states.PRUNED)
            else:
                # With several objectives Optuna knows no pruned trials.
                self._study.tell(number, state=states.FAIL)
        except RuntimeError as error:
            # An exhausted grid asks a loop to stop that is not Optuna's here; the result is recorded all the same.
            if "stop" not in str(error):
                raise


def _end_of(trial: PastTrial) -> tuple[Ended | None, tuple[float, ...]]:
    return trial.ended, tuple(trial.results)


def load_optuna() -> Any:
    """Optuna, which says nothing on its own: what matters of it, ConvDeck says."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def to_optuna(space: Space, trial: PastTrial, state: Any) -> Any:
    """A trial as Optuna keeps it, in `state`. Values outside the space, which people may try by hand, are left out."""
    optuna = load_optuna()
    params, distributions = {}, {}
    for dimension in space.dimensions:
        if dimension.path in trial.choices:
            distribution = distribution_of(dimension)
            value = trial.choices[dimension.path]
            value = value if dimension.values is None else text_of(value)
            try:
                inside = distribution._contains(distribution.to_internal_repr(value))
            except ValueError:
                inside = False
            if inside:
                params[dimension.path], distributions[dimension.path] = value, distribution
    return optuna.trial.create_trial(
        state=state,
        params=params,
        distributions=distributions,
        values=list(trial.results) if state is optuna.trial.TrialState.COMPLETE else None,
    )


def distribution_of(dimension: Dimension) -> Any:
    """Where Optuna searches it. Choices are texts, because Optuna takes no lists."""
    distributions = load_optuna().distributions
    if dimension.values is not None:
        return distributions.CategoricalDistribution([text_of(value) for value in dimension.values])
    if dimension.whole:
        step = int(dimension.step or 1)
        return distributions.IntDistribution(int(dimension.low), int(dimension.high), dimension.log, step)
    return distributions.FloatDistribution(dimension.low, dimension.high, dimension.log, dimension.step)


def _suggest(trial: "optuna.trial.Trial", dimension: Dimension) -> Any:
    path, low, high, step = dimension.path, dimension.low, dimension.high, dimension.step
    if dimension.values is not None:
        texts = [text_of(value) for value in dimension.values]
        return dimension.values[texts.index(trial.suggest_categorical(path, texts))]
    if dimension.whole:
        return trial.suggest_int(path, int(low), int(high), step=int(step or 1), log=dimension.log)
    return dimension.settle(trial.suggest_float(path, low, high, step=step, log=dimension.log))


def same_choices(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two choices are one: 1 and 1.0 are the same value, 1 and true are not."""
    return key_of(one) == key_of(other)
