"""What of a sweep's result may be luck: beside random order, the winner's curse, and how steady the importance is.

That even the best is at the level of guessing is said here too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from core.analysis.search_luck import SearchCurve, search_curve
from core.analysis.significance import rounding_error, standard_error
from core.analysis.winners_curse import Noise, WinnersCurse, noise_of_pictures, noise_of_seeds, winners_curse
from core.formatting import count_of, percent
from core.store.states import RunState
from core.store.trials import Trial
from core.sweeps.objective import DEFAULT, Measuring, Objective
from core.sweeps.space import key_of

Values = tuple[float, ...]


@dataclass(frozen=True)
class Honesty:
    """`curve` is the search beside a random order of the same trials, over the numbers in `searched`. `curse` says how
    much of the best result is luck, with the probability of each trial to be the best, over those in `numbers`. Of
    trials with the same choices the first counts. `count_sentence` says in words why the two count other trials, or
    others than have finished; None where they do not.

    None where too few trials have finished, or nothing is known of chance.
    """

    searched: tuple[int, ...]
    curve: SearchCurve | None
    numbers: tuple[int, ...]
    curse: WinnersCurse | None
    count_sentence: str | None

    def to_dict(self, stability: Mapping[str, Any] | None) -> dict[str, Any]:
        """Plain values for JSON, with what the searcher says of the importance."""
        return {
            "random_order": None if self.curve is None else _curve(self.curve, self.searched),
            "winners_curse": None if self.curse is None else self._curse(self.curse),
            "importance": stability,
            "count_sentence": self.count_sentence,
        }

    def _curse(self, curse: WinnersCurse) -> dict[str, Any]:
        return {
            "trial": self.numbers[curse.best],
            "value": curse.value,
            "expected": curse.expected,
            "optimism": curse.optimism,
            "chance_to_be_best": curse.chance,
            "chances": [
                {"trial": number, "chance": chance}
                for number, chance in zip(self.numbers, curse.chances, strict=True)
            ],
            "noise": asdict(curse.noise),
            "sentence": curse.sentence,
            "chance_sentence": curse.chance_sentence,
        }


def _curve(curve: SearchCurve, numbers: Sequence[int]) -> dict[str, Any]:
    return {
        "trials": list(numbers),
        "found": list(curve.found),
        "expected": list(curve.expected),
        "low": list(curve.low),
        "high": list(curve.high),
        "best_at": curve.best_at,
        "expected_best_at": curve.expected_best_at,
        "sentence": curve.sentence,
    }


def judge_luck(
    objective: Objective,
    trials: Sequence[Trial],
    reached: Mapping[int, Sequence[float]],
    num_seeds: int,
    measuring: Measuring,
) -> Honesty | None:
    """What may be luck; None with several objectives, which have no one best trial."""
    if objective.is_pareto:
        return None
    maximise = objective.directions[0] == "maximize"
    numbers = different(trials, sorted(reached))
    values = tuple(reached[number][0] for number in numbers)
    # Those that a person chose or that were there are no part of the order in which the search found them.
    searched = tuple(number for number in numbers if trials[number].origin == "search")
    curve = search_curve(
        [reached[number][0] for number in searched],
        maximise=maximise,
        in_points=objective.is_in_points,
        names=[f"trial {number}" for number in searched],
    )
    noise = _noise(objective, trials, values, measuring, maximise)
    curse = None
    if noise is not None:
        curse = _curse(values, noise, num_seeds, maximise, objective.is_in_points)
    return Honesty(searched, curve, numbers, curse, _count_sentence(trials, numbers, len(reached)))


def guessing(trial: Trial) -> str | None:
    """A warning if even the best trial is hardly better than guessing: at most two standard errors above 1 / classes.

    None if it is better, or if the level of guessing is not known, as with uneven classes.
    """
    runs = [each.run for each in trial.search_runs]
    best = max((run.best_val_accuracy or 0.0 for run in runs), default=0.0)
    names = next((run.class_names for run in runs if run.class_names), None)
    pictures = next((run.data_num_validation for run in runs if run.data_num_validation), None)
    if not names or not pictures or any(run.uneven_classes for run in runs):
        return None
    level = 1 / len(names)
    if best > level + 2 * standard_error(level, pictures):
        return None
    return (
        f"Even the best trial is at the level of guessing ({percent(level, 0)} with {len(names)} classes), so this "
        "says nothing of the settings yet. Train for more epochs or with more pictures."
    )


def _count_sentence(trials: Sequence[Trial], numbers: Sequence[int], num_finished: int) -> str | None:
    """Why sentences about the search, and about all trials, count other trials."""
    origins: list[str] = [trials[number].origin for number in numbers]
    others = [
        f"{count} {'was' if count == 1 else 'were'} {words}"
        for origin, words in (("hand", "added by hand"), ("found", "found among earlier runs"))
        if (count := origins.count(origin))
    ]
    told = []
    if others:
        told = [
            f"{count_of(len(numbers), 'trial')} {'is' if len(numbers) == 1 else 'are'} compared.",
            f"The search chose {origins.count('search')} of them; {' and '.join(others)}.",
        ]
    if repeated := num_finished - len(numbers):
        repeat = "more repeats" if repeated == 1 else "more repeat"
        told.append(
            f"{repeated} {repeat} the values of another trial and {'is' if repeated == 1 else 'are'} left out."
        )
    return " ".join(told) or None


def different(trials: Sequence[Trial], numbers: Sequence[int]) -> tuple[int, ...]:
    """Of trials with the same choices, which are the same runs, the first in this order."""
    found: dict[str, int] = {}
    for number in numbers:
        found.setdefault(key_of(trials[number].choices), number)
    return tuple(found.values())


@lru_cache(maxsize=32)
def _curse(values: Values, noise: Noise, seeds: int, maximise: bool, in_points: bool) -> WinnersCurse | None:
    # 0.1 s with 100 trials, and a live page asks each second.
    return winners_curse(values, noise, seeds=seeds, maximise=maximise, in_points=in_points)


def _noise(
    objective: Objective, trials: Sequence[Trial], values: Values, measuring: Measuring, maximise: bool
) -> Noise | None:
    """From the seeds of each choice, once; else from the number of validation pictures.

    Of trials that were confirmed, from the confirmation alone: those trials were chosen for the luck of their other
    seeds, which lie above what they are worth.
    """
    groups: dict[str, list[float]] = {}
    confirmed, pictures = set[str](), set()
    for trial in trials:
        key = key_of(trial.choices)
        found = {"search": list[float](), "confirm": list[float]()}
        for each in trial.runs:
            if each.run.state is RunState.FINISHED:
                pictures.add(each.run.data_num_validation)
                if (values_of_run := objective.values(measuring.of_run(each))) is not None:
                    found[each.purpose].append(values_of_run[0])
        if len(found["confirm"]) > 1 and key not in confirmed:
            confirmed.add(key)
            groups[key] = found["confirm"]
        elif len(found["search"]) > len(groups.get(key, ())) and key not in confirmed:
            groups[key] = found["search"]
    is_accuracy = objective.measures == (DEFAULT,) and not objective.is_weighted
    (num_pictures,) = pictures if len(pictures) == 1 else (None,)
    rounding = rounding_error(num_pictures) if is_accuracy else None
    noise = noise_of_seeds(list(groups.values()), rounding)
    if noise is None and is_accuracy and num_pictures and values:
        noise = noise_of_pictures(max(values) if maximise else min(values), num_pictures)
    return noise
