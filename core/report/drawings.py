"""Pictures of a report: charts as SVG and pixels as PNG in the file itself, without a library or fonts."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np

from core.formatting import count_of, percent
from core.inspection.answers import SplitAnswers
from core.inspection.calibration import Bin, shown_range
from core.inspection.picture_map import PictureMap
from core.system.frames import Pixels

SIDE, EDGE = 300, 36
MAP_WIDTH, MAP_HEIGHT = 720, 480
MOST_COLORED = 16  # classes of the map
COLORS = 10  # classes c0 to c9 of the style, in the order of the pages; more classes are squares


def picture_source(pixels: Pixels) -> str:
    """uint8 (height, width, 1 or 3) as the `src` of an `img`."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def reliability_svg(before: Sequence[Bin], after: Sequence[Bin]) -> str:
    """Accuracy over confidence of each bin: as it answers in the first colour, with the temperature in the second."""
    low, high = shown_range((*before, *after))

    def x(value: float) -> float:
        return EDGE + (value - low) / (high - low) * (SIDE - EDGE - 8)

    def y(value: float) -> float:
        return 8 + (high - value) / (high - low) * (SIDE - EDGE - 8)

    parts = [f'<path class="grid dashed" d="M{x(low):.1f} {y(low):.1f}L{x(high):.1f} {y(high):.1f}"/>']
    for color, bins in enumerate((before, after)):
        line = "L".join(f"{x(each.confidence):.1f} {y(each.accuracy):.1f}" for each in bins)
        parts.append(f'<path class="line s{color}" d="M{line}"/>')
        for each in bins:
            parts.append(
                f'<path class="line s{color}" d="M{x(each.confidence):.1f} {y(each.low):.1f}V{y(each.high):.1f}"/>'
                f'<circle class="f{color}" cx="{x(each.confidence):.1f}" cy="{y(each.accuracy):.1f}" r="3.5"><title>'
                f"{count_of(each.count, 'picture')}: {percent(each.confidence)} sure, {percent(each.accuracy)} right"
                "</title></circle>"
            )
    for value in (low, high):
        parts.append(
            f'<text x="{x(value):.1f}" y="{SIDE - 18}" text-anchor="{"end" if value == high else "start"}">'
            f"{percent(value, 0)}</text>"
        )
        parts.append(
            f'<text x="{EDGE - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{percent(value, 0)}</text>'
        )
    parts.append(f'<text x="{(SIDE + EDGE) / 2}" y="{SIDE - 3}" text-anchor="middle">how sure it is</text>')
    label = "How often it is right over how sure it is"
    return f'<svg viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def map_svg(places: PictureMap, shown: SplitAnswers) -> str:
    """The t-SNE map, a point per picture in the colour of its class; hollow where the answer is wrong."""
    xs, ys = places.tsne.T
    width, height = max(float(np.ptp(xs)), 1e-9), max(float(np.ptp(ys)), 1e-9)
    scale = min((MAP_WIDTH - 20) / width, (MAP_HEIGHT - 20) / height)
    parts = []
    for at, (x, y) in enumerate(zip((xs - xs.min()) * scale, (ys.max() - ys) * scale, strict=True)):
        label, right = int(shown.labels[at]), bool(shown.right[at])
        truth, answer = shown.class_names[label], shown.class_names[int(shown.predicted[at])]
        said = truth if right else f"{truth}, taken for {answer}"
        if len(shown.class_names) > MOST_COLORED:
            label = 1 if right else 0  # colours that repeat would say that classes belong together
        kind = f"f{label % COLORS}" if right else f"line s{label % COLORS}"
        shape = f'circle cx="{x + 10:.1f}" cy="{y + 10:.1f}" r="3"'
        if label // COLORS % 2:
            shape = f'rect x="{x + 7.5:.1f}" y="{y + 7.5:.1f}" width="5" height="5"'
        parts.append(f'<{shape} class="{kind}"><title>{escape(said)}</title></{shape.partition(" ")[0]}>')
    return (
        f'<svg viewBox="0 0 {MAP_WIDTH} {min(MAP_HEIGHT, height * scale + 20):.0f}" role="img" aria-label="A map of '
        f'{len(places):,} test pictures">{"".join(parts)}</svg>'
    )
