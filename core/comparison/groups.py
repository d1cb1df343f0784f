"""Runs with equal settings as one: means with n and intervals, what did not finish, and the median run.

A group holds every run that it is asked about, whichever of them are drawn, so that no number of it depends on that.
Its means are over the runs that finished: others have not measured what they were asked for. These are counted.
A seed that was trained again with the same settings on the same data is no second draw of chance: its copies are one
value, their mean.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from statistics import fmean
from typing import Any, TypeGuard

from core.analysis.significance import (
    ACCURACY,
    GAP,
    Interval,
    Limits,
    mean_and_interval,
    rounding_error,
)
from core.comparison.facts import FAILED, FINISHED, OUTCOMES, SEED, RunFacts
from core.comparison.quantities import (
    RESULTS,
    in_words,
    is_value_known,
    number_of,
    title_of,
    value_of,
    varying_settings,
    words_of,
)
from core.comparison.query import ALL_BUT_SEED
from core.formatting import count_of, listed

UNLIMITED: Limits = (-math.inf, math.inf)
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Group:
    """`runs` are all of it, oldest first. `values` are those that it was made by, by path; empty for all but the seed.

    `key` names it: it is the same whichever of its runs are there.
    """

    key: str
    values: Mapping[str, Any]
    runs: tuple[RunFacts, ...] = field(repr=False)

    @property
    def n(self) -> int:
        """How many values its means are over: one of each seed, or where other settings differ too, of each of both."""
        return len(copies(self.counted))

    @cached_property
    def counted(self) -> tuple[RunFacts, ...]:
        """The runs that its means are over: those that finished."""
        return tuple(run for run in self.runs if run.counts)

    @cached_property
    def outcomes(self) -> dict[str, int]:
        """How many runs ended how, by OUTCOMES, 0 included."""
        counts = dict.fromkeys(OUTCOMES, 0)
        for run in self.runs:
            counts[run.outcome] += 1
        return counts

    @property
    def num_failed(self) -> int:
        return self.outcomes[FAILED]

    @property
    def num_hidden(self) -> int:
        return sum(run.hidden for run in self.runs)

    @property
    def means(self) -> dict[str, Interval | None]:
        """Of each result, over the runs that finished; None where none of them has it."""
        return {key: self.mean_of(key) for key in RESULTS}

    def mean_of(self, name: str) -> Interval | None:
        """The mean of any number that a run has, a setting too."""
        if name not in self._means:
            values = [number_of(run, name) for run in self.counted]
            self._means[name] = interval_of(name, self.counted, values)
        return self._means[name]

    @cached_property
    def _means(self) -> dict[str, Interval | None]:
        return {}

    @cached_property
    def median_run(self) -> RunFacts | None:
        """The run in the middle by validation accuracy; of two in the middle the lower, of equals the older.

        Of a seed that was trained several times, the middle run.
        """

        def middle(runs: Iterable[RunFacts]) -> RunFacts:
            ranked = sorted(runs, key=lambda run: (run.results["val_accuracy"], run.number))
            return ranked[(len(ranked) - 1) // 2]

        of_seeds = [middle(self.counted[place] for place in places) for places in copies(self.counted)]
        return middle(of_seeds) if of_seeds else None

    @cached_property
    def mixed(self) -> dict[str, int]:
        """Settings beside the seed that are not the same in all its runs, with the number of values each has.

        Only groups by single settings have any: their means are over runs that differ in more than chance.
        """
        return {path: count for path, count in varying_settings(self.runs).items() if path != SEED}

    @property
    def title(self) -> str:
        """What its runs share: `Learning rate 0.001, Kernel sizes 3×3 in all blocks`; else its oldest run's name."""
        if not self.values:
            return self.runs[0].name
        return ", ".join(in_words(path, words_of(self.runs[0], path)) for path in self.values)

    @property
    def counted_in_words(self) -> str:
        """`n = 5`, and what is not in it: `n = 5, 1 failed, 2 under way`; with copies `n = 3 seeds, 9 runs`."""
        counted, n = len(self.counted), self.n
        words = [f"n = {n}"]
        if n < counted:
            what = "settings and seeds" if self.mixed else "seed" if n == 1 else "seeds"
            words = [f"n = {n} {what}", count_of(counted, "run")]
        others = [
            f"{count} {outcome}" for outcome, count in self.outcomes.items() if count and outcome != FINISHED
        ]
        if unmeasured := self.outcomes[FINISHED] - counted:
            others.append(f"{count_of(unmeasured, 'run')} without a result")
        return ", ".join([*words, *others])

    @property
    def differs_in(self) -> str | None:
        """`Batch size (3 values) and Optimizer (2 values)`: of `mixed`; None where nothing is."""
        names = [f"{title_of(path)} ({count} values)" for path, count in self.mixed.items()]
        return listed(names, 3) if names else None

    @property
    def mixed_in_words(self) -> str | None:
        """The same as a sentence: `Its runs also differ in Batch size (3 values).`"""
        return None if self.differs_in is None else f"Its runs also differ in {self.differs_in}."


def interval_of(key: str, runs: Sequence[RunFacts], values: Iterable[float | None]) -> Interval | None:
    """The mean of what is known of `values`, one of each run, with its interval; None where nothing is known.

    Copies are averaged first, so n is not the number of runs where a seed was trained twice.
    """
    given = list(values)
    known = [
        fmean(of_copies)
        for places in copies(runs)
        if (of_copies := [value for place in places if is_known(value := given[place])])
    ]
    if len(known) < 2:
        return Interval(known[0], None, None, 1) if known else None
    return mean_and_interval(known, CONFIDENCE, rounding=rounding_of(key, runs), limits=limits_of(key))


def is_known(value: float | None) -> TypeGuard[float]:
    """Whether it is a finite number."""
    return value is not None and math.isfinite(value)


def copies(runs: Sequence[RunFacts]) -> list[list[int]]:
    """The places of runs with equal settings, the seed too, on equal data: each list is of one draw of chance."""
    if len({run.seed for run in runs}) == len(runs):
        return [[place] for place in range(len(runs))]
    found: dict[Any, list[int]] = {}
    for place, run in enumerate(runs):
        found.setdefault((run.seed, key_of(run, (ALL_BUT_SEED,))), []).append(place)
    return list(found.values())


def limits_of(key: str) -> Limits:
    """Between which numbers a result or a curve lies."""
    return ACCURACY if key.endswith("accuracy") else GAP if key == "gap" else UNLIMITED


def rounding_of(key: str, runs: Sequence[RunFacts]) -> float | None:
    """The least spread that is believed of a result or a curve: that of rounding, for accuracies; 0 for others."""
    if limits_of(key) == UNLIMITED:
        return 0.0
    counts = [run.num_validation for run in runs]
    fewest = None if None in counts or not counts else min(count for count in counts if count)
    return rounding_error(fewest)


def group_runs(facts: Iterable[RunFacts], group_by: Sequence[str]) -> list[Group]:
    """Groups of runs that are equal in what is grouped by, the newest group first.

    With ALL_BUT_SEED runs are equal when every setting but the seed is, their data is the same, and no learning rate
    was changed by hand.
    """
    return list(_grouped(tuple(facts), tuple(group_by)))


# As long as no run changes, the same groups are asked for at every drawing; they keep their means.
@lru_cache(maxsize=8)
def _grouped(facts: tuple[RunFacts, ...], group_by: tuple[str, ...]) -> tuple[Group, ...]:
    found: dict[Any, list[RunFacts]] = {}
    for each in facts:
        found.setdefault(key_of(each, group_by), []).append(each)
    groups = []
    for shared, runs in found.items():
        oldest_first = tuple(sorted(runs, key=lambda run: run.number))
        values = {} if ALL_BUT_SEED in group_by else {path: value_of(runs[0], path) for path in group_by}
        groups.append(Group(_name_of(shared), values, oldest_first))
    return tuple(sorted(groups, key=lambda group: -group.runs[-1].number))


def key_of(facts: RunFacts, group_by: Sequence[str]) -> Any:
    """Equal for the runs of one group."""
    if ALL_BUT_SEED not in group_by:
        values = tuple(value_of(facts, path) for path in group_by)
        # What is not known is not what is empty on purpose: all pictures.
        return values if all(is_value_known(facts, path) for path in group_by) else (None, *values)
    if facts.config is None:
        return facts.id  # nothing is known of what it shares with others
    return _settings_but_seed(facts.run.config_json, facts.run.total_epochs), facts.beyond_settings


def _name_of(shared: Any) -> str:
    return hashlib.blake2b(repr(shared).encode(), digest_size=6).hexdigest()


@lru_cache(maxsize=8192)
def _settings_but_seed(config_json: str, total_epochs: int) -> str:
    values = json.loads(config_json)
    values.pop(SEED, None)
    values.get("training", {})["epochs"] = total_epochs
    return json.dumps(values, sort_keys=True)
