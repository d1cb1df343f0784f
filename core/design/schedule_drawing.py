"""A learning-rate schedule as an SVG line: no library, no fonts, and the colours of where it is shown."""

from collections.abc import Sequence
from html import escape

from core.design.schedule import Point
from core.formatting import rate_in_words

WIDTH, HEIGHT = 440, 96
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 20


def schedule_svg(points: Sequence[Point], words: str) -> str:
    """The rate over the epochs, from 0 up to the highest. `words` say the same to those who do not see it.

    Colours are of the classes `grid` and `line`.
    """
    epochs, highest = points[-1][0], max(rate for _, rate in points)
    floor = HEIGHT - BOTTOM

    def x(epoch: float) -> float:
        return LEFT + epoch / epochs * (WIDTH - LEFT - RIGHT)

    def y(rate: float) -> float:
        return TOP + (1 - rate / highest) * (floor - TOP)

    parts = []
    for rate in (highest, highest / 2, 0.0):
        parts.append(f'<path class="grid" d="M{LEFT} {y(rate):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y(rate) + 4:.1f}" text-anchor="end">{rate_in_words(rate)}</text>'
        )
    line = "L".join(f"{x(epoch):.1f} {y(rate):.1f}" for epoch, rate in points)
    parts.append(f'<path class="line" d="M{line}"/>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 5}">start</text>')
    ends = "1 epoch" if epochs == 1 else f"{epochs:,.0f} epochs"
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 5}" text-anchor="end">{ends}</text>')
    label = escape(f"Learning rate over the epochs. {words}", quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )
