"""A comparison as JSON, for the command line and REST alike. What is not known or not finite is null."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from core.analysis.significance import Interval
from core.comparison.comparison import Comparison, at_epoch
from core.comparison.differences import Compared
from core.comparison.facts import RunFacts
from core.comparison.groups import Group
from core.comparison.lines import Line, group_lines, run_lines
from core.comparison.plots import scatter
from core.comparison.quantities import ALL_OF
from core.comparison.query import Query
from core.comparison.slips import slips_in
from core.runs.documents import finite_or_none
from core.store.store import Store

# Curves are for drawing: more of them at a time is for the export.
MOST_CURVES = 200


def comparison_document(store: Store, comparison: Comparison) -> dict[str, Any]:
    """What is listed, in its order, with differences from the baseline, values of an epoch, and the Pareto front."""
    query = comparison.query
    items: Sequence[RunFacts] | Sequence[Group] = comparison.groups if query.is_grouped else comparison.runs
    plotted = scatter(items, query.x, query.y)
    document: dict[str, Any] = {
        "query": query.to_query_string(),
        "total": comparison.total,
        "matching": len(comparison.matching),
        "hidden": comparison.num_hidden,
        "baseline": None if comparison.baseline is None else comparison.baseline.id,
        "front": {
            "x": query.x,
            "y": query.y,
            "items": [plotted.points[position].key for position in plotted.front],
        },
        "hints": hints(query),
    }
    if query.is_grouped:
        document["groups"] = [
            group_document(group) | {"difference": _difference(comparison.difference_of(group))}
            for group in comparison.groups
        ]
    else:
        document["runs"] = [
            run_document(run) | {"difference": _difference(comparison.difference_of(run))}
            for run in comparison.runs
        ]
    if query.epoch is not None:
        measured = at_epoch(store, comparison, query.epoch)
        document["epoch"] = {
            "epoch": query.epoch,
            "items": {
                name: {key: _interval(interval) for key, interval in values.items()}
                for name, values in measured.items()
            },
        }
    return document


def run_document(run: RunFacts) -> dict[str, Any]:
    """A run with its settings by path and its results."""
    return {
        "id": run.id,
        "name": run.name,
        "state": run.run.state.value,
        "outcome": run.outcome,
        "dataset": run.run.dataset,
        "created_at": run.run.created_at,
        "config_id": run.run.config_id,
        "tags": list(run.tags),
        "hidden": run.hidden,
        "learning_rate_changed": run.learning_rate_changed,
        "results": {key: finite_or_none(value) for key, value in run.results.items()},
        "settings": dict(run.settings),
    }


def group_document(group: Group) -> dict[str, Any]:
    """A group with its runs by id, and the mean of each result with its interval and n.

    `counted` is the number of runs that the means are over: more than `n` where a seed was trained again.
    """
    return {
        "key": group.key,
        "title": group.title,
        "values": {path: _value(value) for path, value in group.values.items()},
        "n": group.n,
        "counted": len(group.counted),
        "runs": [run.id for run in group.runs],
        "outcomes": group.outcomes,
        "hidden": group.num_hidden,
        "means": {key: _interval(interval) for key, interval in group.means.items()},
        "median_run": None if group.median_run is None else group.median_run.id,
        "mixed": group.mixed,
    }


def _value(value: Any) -> Any:
    """A list as a list; what differs between blocks as `{"each": [VALUE, …]}`, in their order."""
    if not isinstance(value, tuple):
        return value
    if value and value[0] == ALL_OF:
        return {"each": [_value(each) for each in value[1:]]}
    return list(value)


def curves_document(store: Store, comparison: Comparison) -> dict[str, Any]:
    """The curves of what is listed, at most MOST_CURVES; `left_out` says how many others there are."""
    query = comparison.query
    how = (query.measure, query.align, query.smoothing)
    if query.is_grouped:
        groups = comparison.groups[:MOST_CURVES]
        titles, left_out = [group.title for group in groups], len(comparison.groups) - len(groups)
        lines = group_lines(store, groups, *how)
    else:
        runs = comparison.runs[:MOST_CURVES]
        titles, left_out = [run.name for run in runs], len(comparison.runs) - len(runs)
        lines = run_lines(store, runs, *how)
    return {
        "measure": query.measure,
        "align": query.align,
        "smoothing": query.smoothing,
        "curves": [
            {"key": line.key, "title": title, **_line(line, query.is_grouped)}
            for line, title in zip(lines, titles, strict=True)
        ],
        "left_out": left_out,
        "hints": hints(query),
    }


def hints(query: Query) -> list[str]:
    """What was asked for and can hardly have been meant: a sentence each."""
    return [slip.sentence for slip in slips_in(query.where)]


def _line(line: Line, is_group: bool) -> dict[str, Any]:
    names = ("epochs", "x", "y", "low", "high", "least", "most", "n") if is_group else ("epochs", "x", "y")
    return {name: _numbers(getattr(line, name)) for name in names} | {
        "best": line.best,
        "why_empty": line.why_empty,
    }


def _numbers(values: np.ndarray[Any, Any]) -> list[float | None]:
    return [finite_or_none(value) for value in values.tolist()]


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {key: finite_or_none(value) for key, value in asdict(interval).items()}


def _difference(compared: Compared | None) -> dict[str, Any] | None:
    return None if compared is None else asdict(compared) | {"paths": list(compared.paths)}
