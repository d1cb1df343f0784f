"""The answer to a query: which runs are listed, in which groups, and how each differs from the baseline.

Where runs are grouped, conditions on settings, names and tags choose runs, and conditions on results choose groups by
their means: a mean over runs that were chosen by what they reached would say what was asked for. Where `or` joins both,
each run is judged by its own settings and by the means of its group.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from core.analysis.significance import Interval
from core.comparison.conditions import Clause, conditions_in, fit_all
from core.comparison.differences import Compared, compare_groups, compare_runs
from core.comparison.facts import RunFacts, find, read_facts
from core.comparison.groups import Group, group_runs, interval_of, key_of
from core.comparison.quantities import RESULTS, value_of
from core.comparison.query import Query
from core.epoch import CURVE_KEYS
from core.formatting import count_of
from core.store.search import fits
from core.store.store import Store


@dataclass(frozen=True)
class Comparison:
    """`matching` are all runs that fit the query, or that are in groups that fit it, hidden ones included unless they
    are left out; `runs` are those of them that are listed, in the order that was asked for, as are `groups`. `total`
    counts the runs of the workspace.

    `baseline_group` holds the runs that any other group would; only where that is none, because the filter leaves out
    what was pinned, it is of all runs like it. `missing_baseline` says that the run that was pinned is gone.
    """

    query: Query
    total: int
    matching: tuple[RunFacts, ...] = field(repr=False)
    runs: tuple[RunFacts, ...] = field(repr=False)
    num_hidden: int
    groups: tuple[Group, ...] = field(repr=False)
    baseline: RunFacts | None
    baseline_group: Group | None
    missing_baseline: bool = False

    def difference_of(self, item: RunFacts | Group) -> Compared | None:
        """How a run, or where runs are grouped a group, differs from the baseline; None without a baseline."""
        if isinstance(item, Group):
            return None if self.baseline_group is None else compare_groups(self.baseline_group, item)
        return None if self.baseline is None else compare_runs(self.baseline, item)

    @property
    def counted_in_words(self) -> str:
        """`40 of 1,000 runs`, and how many of them are hidden: in the numbers of groups, but not listed."""
        words = f"{len(self.matching):,} of {count_of(self.total, 'run')}"
        if not self.num_hidden:
            return words
        if self.query.hidden == "left_out":
            return f"{words}; {self.num_hidden:,} hidden left out"
        numbers = ", in the numbers of groups all the same" if self.query.is_grouped else ""
        return f"{words}; {self.num_hidden:,} hidden not listed{numbers}"


def compare(store: Store, query: Query) -> Comparison:
    """Look at the runs in this way."""
    return compare_facts(read_facts(store), query)


def compare_facts(facts: Sequence[RunFacts], query: Query) -> Comparison:
    """The same of runs that have been read."""
    of_groups = [
        clause
        for clause in query.where
        if query.is_grouped and any(each.name in RESULTS for each in conditions_in([clause]))
    ]
    of_runs = [each for each in query.where if each not in of_groups]
    fitting = [each for each in facts if _fits(of_runs, query.text, each)]
    matching = [each for each in fitting if not each.hidden] if query.hidden == "left_out" else fitting
    num_hidden = sum(each.hidden for each in fitting)
    baseline = find(facts, query.baseline)
    groups: list[Group] = []
    baseline_group = None
    if query.is_grouped:
        every_group = group_runs(matching, query.group_by)
        if baseline is not None:
            baseline_group = _baseline_group(baseline, every_group, facts, query, of_groups)
        if of_groups:
            every_group = [kept for each in every_group if (kept := _fitting(of_groups, each))]
            chosen = {run.id for group in every_group for run in group.runs}
            matching = [each for each in matching if each.id in chosen]
            if query.hidden != "left_out":
                num_hidden = sum(each.hidden for each in matching)
        groups = [each for each in every_group if query.hidden == "shown" or each.num_hidden < len(each.runs)]
    listed = matching if query.hidden == "shown" else [each for each in matching if not each.hidden]
    return Comparison(
        query,
        len(facts),
        tuple(matching),
        tuple(sort_runs(listed, query)),
        0 if query.hidden == "shown" else num_hidden,
        tuple(sort_groups(groups, query)),
        baseline,
        baseline_group,
        query.baseline is not None and baseline is None,
    )


def at_epoch(
    store: Store, comparison: Comparison, epoch: int, keys: Sequence[str] = CURVE_KEYS[1:]
) -> dict[str, dict[str, Interval]]:
    """What each listed run (by id), or group (by key), measured in one epoch: under `keys`, with n and interval.

    A run that has no such epoch has no values there; nothing is carried over from an earlier one.
    """
    measured = store.results.at_epoch(epoch)
    members: dict[str, tuple[RunFacts, ...]] = (
        {group.key: group.counted for group in comparison.groups}
        if comparison.query.is_grouped
        else {run.id: (run,) for run in comparison.runs}
    )
    found: dict[str, dict[str, Interval]] = {}
    for name, runs in members.items():
        present = [run for run in runs if run.number in measured]
        values = {
            key: interval_of(key, present, [measured[run.number][key] for run in present]) for key in keys
        }
        found[name] = {key: interval for key, interval in values.items() if interval is not None}
    return found


def sort_runs(runs: Sequence[RunFacts], query: Query) -> list[RunFacts]:
    """In the order of the query; those without a value last, equal ones the newest first."""
    newest_first = sorted(runs, key=lambda run: -run.number)
    return _sorted(newest_first, [value_of(run, query.sort_name) for run in newest_first], query)


def sort_groups(groups: Sequence[Group], query: Query) -> list[Group]:
    """By the mean of a result, by the value of what they were made by, otherwise by what their newest run has."""
    values = [_of_group(group, query.sort_name) for group in groups]
    return _sorted(list(groups), values, query)


def _of_group(group: Group, name: str) -> Any:
    if name in group.values:
        return group.values[name]
    if name in RESULTS:
        interval = group.mean_of(name)
        return None if interval is None else interval.mean
    return value_of(group.runs[-1], name)


def _sorted(items: list[Any], values: list[Any], query: Query) -> list[Any]:
    known = [
        (_ordered(value), item) for value, item in zip(values, items, strict=True) if value not in (None, ())
    ]
    unknown = [item for value, item in zip(values, items, strict=True) if value in (None, ())]
    known.sort(key=lambda pair: pair[0], reverse=query.is_descending)
    return [item for _, item in known] + unknown


def _ordered(value: Any) -> tuple[int, Any]:
    """Numbers before text before lists, so that any two values can be compared."""
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, tuple):
        return 2, tuple(map(str, value))
    return 1, str(value).casefold()


def _fits(clauses: Sequence[Clause], text: str, facts: RunFacts) -> bool:
    if clauses and not fit_all(clauses, facts):
        return False
    if not text.strip():
        return True
    run = facts.run
    return fits(text, run.id, f"{run.name} {' '.join(facts.tags)}", run.dataset, run.preset)


def _fitting(clauses: Sequence[Clause], group: Group) -> Group | None:
    """The group with its runs that fit, judged by its means before any was left out; None without one."""
    runs = tuple(
        run for run in group.runs if all(clause.holds(partial(_read, group, run)) for clause in clauses)
    )
    if len(runs) == len(group.runs):
        return group
    return replace(group, runs=runs) if runs else None


def _read(group: Group, run: RunFacts, name: str) -> Any:
    if name not in RESULTS:
        return value_of(run, name)
    mean = group.mean_of(name)
    return None if mean is None else mean.mean


def _baseline_group(
    baseline: RunFacts,
    groups: Sequence[Group],
    facts: Sequence[RunFacts],
    query: Query,
    of_groups: Sequence[Clause],
) -> Group | None:
    """The group of runs like the baseline; of all of them where the query leaves out every one."""
    key = key_of(baseline, query.group_by)
    of_runs_too = [
        clause for clause in of_groups if any(each.name not in RESULTS for each in conditions_in([clause]))
    ]
    for group in groups:
        if key_of(group.runs[0], query.group_by) == key:
            return _fitting(of_runs_too, group) or group
    alike = [each for each in facts if key_of(each, query.group_by) == key]
    return next(iter(group_runs(alike, query.group_by)), None)
