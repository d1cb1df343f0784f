"""Curves as an SVG picture, drawn by hand: no library, no fonts, no colours of its own but class names."""

from collections.abc import Sequence
from html import escape

from core.analysis.curves import curves_frame, downsample
from core.notebook.facts import RunFacts

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 22
MOST_POINTS = 200
MOST_RUNS = 8  # as many as there are colours


def render_svg(runs: Sequence[RunFacts]) -> str:
    """Validation accuracy (solid, with a ring at the best epoch) and clean training accuracy (dashed) by epoch.

    Empty where no run has a curve. Colours are the classes `run-0` to `run-7`, to be set where it is shown.
    """
    drawn = [run for run in runs if run.has_curves][:MOST_RUNS]
    if not drawn:
        return ""
    curves = [_points(run) for run in drawn]
    values = [value for points in curves for _, *both in points for value in both if value is not None]
    low, high = min(values), max(values)
    if high - low < 0.02:  # a flat curve is drawn flat, not as noise from bottom to top
        low, high = low - 0.01, high + 0.01
    last = max(2, *(points[-1][0] for points in curves))
    plane = _Plane(last, low, high)
    parts = [plane.axes()]
    for index, (run, points) in enumerate(zip(drawn, curves, strict=True)):
        parts.append(plane.line([(e, clean) for e, _, clean in points], f"run-{index} clean"))
        parts.append(plane.line([(e, val) for e, val, _ in points], f"run-{index}"))
        if run.best_epoch is not None and run.best_val_accuracy is not None:
            parts.append(plane.ring(run.best_epoch, run.best_val_accuracy, f"run-{index}"))
    names = ", ".join(run.name for run in drawn)
    label = escape(f"Validation and clean training accuracy by epoch: {names}", quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _points(run: RunFacts) -> list[tuple[int, float | None, float | None]]:
    """(epoch, validation, clean training) of at most MOST_POINTS epochs, the best one among them."""
    assert run.curves is not None
    frame = downsample(curves_frame(run.curves), most=MOST_POINTS, keep=run.best_epoch)
    rows = zip(frame["epoch"], frame["val_accuracy"], frame["clean_train_accuracy"], strict=True)
    return [(int(epoch), _known(val), _known(clean)) for epoch, val, clean in rows]


def _known(value: float) -> float | None:
    return None if value != value else float(value)


class _Plane:
    """From epochs and accuracies to the picture's units."""

    def __init__(self, last_epoch: int, low: float, high: float) -> None:
        self._last, self._low, self._high = last_epoch, low, high

    def _x(self, epoch: float) -> float:
        return LEFT + (epoch - 1) / (self._last - 1) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        return TOP + (self._high - value) / (self._high - self._low) * (HEIGHT - TOP - BOTTOM)

    def axes(self) -> str:
        floor = HEIGHT - BOTTOM
        lines = []
        for value in (self._high, (self._high + self._low) / 2, self._low):
            y = self._y(value)
            lines.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
            lines.append(
                f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{100 * value:.0f} %</text>'
            )
        lines.append(f'<text x="{LEFT}" y="{floor + 15}">epoch 1</text>')
        lines.append(f'<text x="{WIDTH - RIGHT}" y="{floor + 15}" text-anchor="end">{self._last}</text>')
        return "".join(lines)

    def line(self, points: Sequence[tuple[int, float | None]], classes: str) -> str:
        """Broken where a value is missing; an epoch on its own is a dot."""
        path, pen_down = [], False
        for epoch, value in points:
            if value is None:
                pen_down = False
                continue
            path.append(f"{'L' if pen_down else 'M'}{self._x(epoch):.1f} {self._y(value):.1f}")
            if not pen_down:
                path.append("h0")
            pen_down = True
        return f'<path class="{classes}" d="{"".join(path)}"/>' if path else ""

    def ring(self, epoch: int, value: float, classes: str) -> str:
        return f'<circle class="{classes}" cx="{self._x(epoch):.1f}" cy="{self._y(value):.1f}" r="4"/>'
