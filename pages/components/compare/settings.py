"""The answer to a query, which settings differ, what groups are called: worked out once for the same runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.comparison.comparison import Comparison, compare_facts
from core.comparison.facts import RunFacts
from core.comparison.groups import Group
from core.comparison.quantities import (
    RESULTS,
    UNKNOWN,
    in_words,
    is_value_known,
    show_value,
    value_of,
    words_of,
)
from core.comparison.query import ALL_BUT_SEED, Query
from core.formatting import within_sentence
from core.store.store import Store
from pages.components.kit.cache import VersionedCache
from pages.components.kit.setting_columns import sources_here, varying_names

Item = RunFacts | Group

SEED = "seed"
# Groups are named by the settings that tell them apart, if these are few enough to be read.
MOST_IN_NAME = 3
DIFFERS = "differs"

_comparisons: VersionedCache[Comparison] = VersionedCache(32)
# What only decides how runs are drawn.
_DRAWN = (
    "measure",
    "align",
    "smoothing",
    "epoch",
    "colour",
    "x",
    "y",
    "log",
    "columns",
)


def compare_once(store: Store, facts: tuple[RunFacts, ...], query: Query) -> Comparison:
    """The answer to the query; made again when a run has changed, and not when it is only drawn in another way."""
    plain = Query()
    asked = replace(query, **{name: getattr(plain, name) for name in _DRAWN})
    found = _comparisons.get((store, asked), facts, lambda: compare_facts(facts, asked))
    return replace(found, query=query)


def shared_value(item: RunFacts | Group, name: str, where_they_differ: Any = None) -> Any:
    """What a run has under a name, or what all runs of a group share; a result of a group is its mean."""
    if not isinstance(item, Group):
        return value_of(item, name)
    if name in item.values:
        return item.values[name]
    if name in RESULTS:
        mean = item.mean_of(name)
        return None if mean is None else mean.mean
    values = {value_of(run, name) for run in item.runs}
    return values.pop() if len(values) == 1 else where_they_differ


def shared_words(item: RunFacts | Group, name: str) -> str:
    """The same in words; `differs` where the runs of a group have several values."""
    first = item.runs[0] if isinstance(item, Group) else item
    value = shared_value(item, name, DIFFERS)
    if value is None and not is_value_known(first, name):
        return UNKNOWN
    return DIFFERS if value == DIFFERS else show_value(name, value)


def group_names(groups: Sequence[Group], group_by: Sequence[str]) -> dict[str, str]:
    """What each group is called here, by its key: by the settings that tell the groups apart, else by its title."""
    names = {group.key: group.title for group in groups}
    if ALL_BUT_SEED in group_by and len(groups) > 1:
        firsts = [group.runs[0] for group in groups]
        paths = [path for path in varying_names(firsts) if path != SEED]
        if 0 < len(paths) <= MOST_IN_NAME:
            names = {group.key: _in_words(run, paths) for group, run in zip(groups, firsts, strict=True)}
    taken = Counter(names.values())
    return {
        group.key: f"{name} ({group.runs[0].id})" if taken[name] > 1 else name
        for group, name in zip(groups, names.values(), strict=True)
    }


def item_names(comparison: Comparison) -> dict[str, str]:
    """What each listed run is called, by its id, or each group, by its key."""
    if comparison.query.is_grouped:
        names = group_names(comparison.groups, comparison.query.group_by)
        sources = sources_here(group.runs[0].config for group in comparison.groups)
        return {key: sources.words(name) for key, name in names.items()}
    return {run.id: run.name for run in comparison.runs}


def key_of(item: RunFacts | Group) -> str:
    """The id of a run, the key of a group."""
    return item.key if isinstance(item, Group) else item.id


def _in_words(run: RunFacts, paths: Sequence[str]) -> str:
    """`learning rate 0.003, batch size 32`."""
    words = [in_words(path, words_of(run, path)) for path in paths]
    return ", ".join([words[0], *map(within_sentence, words[1:])])
