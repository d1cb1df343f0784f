"""The curve of a learning-rate range test as SVG: no library, no fonts, and the colours of where it is shown."""

import math
from html import escape

from core.design.rate_range import RateRange
from core.formatting import rate_in_words

WIDTH, HEIGHT = 440, 150
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 22, 20
# Of the first loss: what lies above is where training has diverged, and is cut off.
HIGHEST = 1.3


def rate_range_svg(found: RateRange) -> str:
    """The smoothed loss over the rate, on a logarithmic scale, with the suggestion. Colours are of the classes `grid`
    and `line`.
    """
    low, high = min(found.smoothed), HIGHEST * max(found.smoothed[0], min(found.smoothed))
    spread = high - low or 1.0
    first, last = (math.log10(rate) for rate in (found.rates[0], found.rates[-1]))
    floor = HEIGHT - BOTTOM

    def x(rate: float) -> float:
        return LEFT + (math.log10(rate) - first) / ((last - first) or 1.0) * (WIDTH - LEFT - RIGHT)

    def y(loss: float) -> float:
        return TOP + (high - min(loss, high)) / spread * (floor - TOP)

    parts = []
    for loss in (low, found.smoothed[0]):
        parts.append(f'<path class="grid" d="M{LEFT} {y(loss):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:.3g}</text>')
    for power in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1):
        parts.append(
            f'<text x="{x(10.0**power):.1f}" y="{HEIGHT - 5}" text-anchor="middle">{rate_in_words(10.0**power)}</text>'
        )
    line = "L".join(
        f"{x(rate):.1f} {y(loss):.1f}" for rate, loss in zip(found.rates, found.smoothed, strict=True)
    )
    parts.append(f'<path class="line" d="M{line}"/>')
    if found.suggestion is not None:
        at = x(max(found.suggestion, found.rates[0]))
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP - 6}V{floor}"/>')
        parts.append(
            f'<text x="{at:.1f}" y="{TOP - 10}" text-anchor="middle">{rate_in_words(found.suggestion)}</text>'
        )
    label = escape(f"Smoothed loss against the learning rate. {found.sentence}", quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )
