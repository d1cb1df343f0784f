"""Columns for any setting or result in a table of runs: which there are, values that sort, and their heads."""

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from core.comparison.facts import RunFacts
from core.comparison.quantities import (
    NAMES,
    RESULTS,
    UNKNOWN,
    is_value_known,
    setting_names,
    show_value,
    title_of,
    varying_settings,
)
from core.config import ExperimentConfig
from core.runs.source_names import SourceNames, source_ids, source_names
from pages.components.kit import session
from pages.components.kit.cache import VersionedCache

# What a table of runs has without being asked, or what is no column of numbers or words.
OWN = ("name", "state", "tags", "created", "id")
START = "model.start_from"
FIRST_RESULTS = ("val_loss", "balanced_accuracy", "train_accuracy", "flops", "seconds_per_epoch")

_varying: VersionedCache[tuple[str, ...]] = VersionedCache(64)
_names: VersionedCache[tuple[str, ...]] = VersionedCache(64)


def varying_names(runs: Sequence[RunFacts]) -> tuple[str, ...]:
    """The paths that have more than one value among the runs, in the order of the config."""
    return _varying.get(_key(runs), None, lambda: tuple(varying_settings(runs)))


def all_names(runs: Sequence[RunFacts]) -> tuple[str, ...]:
    """The paths of all settings of the runs."""
    return _names.get(_key(runs), None, lambda: tuple(setting_names(runs)))


def _key(runs: Sequence[RunFacts]) -> tuple[tuple[str, int], ...]:
    """What the settings of the runs follow from."""
    return tuple((run.run.config_json, run.run.total_epochs) for run in runs)


def offered_names(
    runs: Sequence[RunFacts], chosen: Sequence[str], results: Sequence[str] = FIRST_RESULTS
) -> list[str]:
    """What a column can be chosen for: what is chosen, settings that differ, results and the rest, each once."""
    others = [name for name in NAMES if name not in OWN]
    return list(dict.fromkeys([*chosen, *varying_names(runs), *results, *others, *all_names(runs)]))


def sources_here(configs: Iterable[ExperimentConfig | None]) -> SourceNames:
    """What the runs are called whose weights these configs start from."""
    ids = source_ids(configs)
    return source_names(session.services().store, ids) if ids else SourceNames()


def shown_values(name: str, values: Sequence[Any]) -> list[str]:
    """Each value in words; starting weights by the name of their run. Many runs have few values: each is put into words
    once.
    """
    ids = tuple(dict.fromkeys(value for value in values if value)) if name == START else ()
    sources = source_names(session.services().store, ids) if ids else SourceNames()
    known: dict[Any, str] = {}
    for value in values:
        if value not in known:
            known[value] = sources.words(show_value(name, value))
    return [known[value] for value in values]


def scaled(key: str, value: float | None) -> float | None:
    """A result in the unit of its axis: accuracies in percent."""
    return None if value is None else value * RESULTS[key].scale


def column_values(name: str, values: Sequence[Any], runs: Sequence[RunFacts | None] = ()) -> list[Any]:
    """Numbers as they are, so that they sort; everything else in words. Of `runs`, whose values these are, those whose
    settings are not known have a dash.
    """
    if name in RESULTS:
        return [scaled(name, value) for value in values]
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return list(values)
    shown = shown_values(name, values)
    for place, run in enumerate(runs):
        if run is not None and not is_value_known(run, name):
            shown[place] = UNKNOWN
    return shown


def column_of(name: str, *, is_number: bool, help: str | None = None) -> Any:
    """The head and format of such a column, for `st.dataframe(column_config=…)`."""
    column, title = st.column_config, title_of(name)
    if not is_number:
        return column.TextColumn(title, help=help)
    return column.NumberColumn(
        title, format="%.1f" if name in RESULTS and RESULTS[name].unit == "%" else None
    )
