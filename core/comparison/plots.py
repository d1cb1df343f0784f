"""The data of a scatter plot with its Pareto front, and which axes are logarithmic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.pareto import pareto_front
from core.comparison.facts import RunFacts
from core.comparison.groups import Group
from core.comparison.quantities import number_of, quantity

# Numbers above 0 of which the largest is this many times the smallest are drawn on a logarithmic axis.
LOG_FROM = 20


def needs_log_axis(values: Iterable[Any]) -> bool:
    """Whether numbers are best read on a logarithmic axis; None is no number, and anything else needs none."""
    known = [value for value in values if value is not None]
    if not known or not all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    ):
        return False
    return bool(min(known) > 0 and max(known) >= LOG_FROM * min(known))


@dataclass(frozen=True)
class Point:
    """A run, or a group at the means of its runs. `x_span` and `y_span` are the intervals of a group, or None."""

    key: str
    title: str
    x: float
    y: float
    n: int = 1
    x_span: tuple[float, float] | None = None
    y_span: tuple[float, float] | None = None


@dataclass(frozen=True)
class Scatter:
    """`front` holds the positions of the points on the Pareto front, the best `x` first; empty where a quantity has no
    better direction. `left_out` are the names of what lacks one of both values.
    """

    x: str
    y: str
    points: tuple[Point, ...]
    front: tuple[int, ...]
    left_out: tuple[str, ...]


def scatter(items: Sequence[RunFacts] | Sequence[Group], x: str, y: str) -> Scatter:
    """Runs or groups over two quantities. Runs that have not finished are points, but never on the front.

    Raises UserError for a quantity that is no number.
    """
    quantities = quantity(x), quantity(y)
    points: list[Point] = []
    ended: list[int] = []
    left_out: list[str] = []
    for item in items:
        point = _group_point(item, x, y) if isinstance(item, Group) else _run_point(item, x, y)
        if point is None:
            left_out.append(item.title if isinstance(item, Group) else item.name)
            continue
        if isinstance(item, Group) or item.counts:
            ended.append(len(points))
        points.append(point)
    directions = [each.direction for each in quantities]
    front: tuple[int, ...] = ()
    if all(directions):
        values = [(points[position].x, points[position].y) for position in ended]
        on_front = pareto_front(values, [direction > 0 for direction in directions])
        best_first = sorted(on_front, key=lambda position: -directions[0] * values[position][0])
        front = tuple(ended[position] for position in best_first)
    return Scatter(x, y, tuple(points), front, tuple(left_out))


def _run_point(run: RunFacts, x: str, y: str) -> Point | None:
    across, up = number_of(run, x), number_of(run, y)
    return None if across is None or up is None else Point(run.id, run.name, across, up)


def _group_point(group: Group, x: str, y: str) -> Point | None:
    across, up = group.mean_of(x), group.mean_of(y)
    if across is None or up is None:
        return None
    spans = [
        None if each.low is None or each.high is None else (each.low, each.high) for each in (across, up)
    ]
    return Point(group.key, group.title, across.mean, up.mean, group.n, spans[0], spans[1])
