"""Shapes: ten classes of small pictures drawn on the spot, so that everything works without a network.

Each picture has one shape of its class, of random colour, size, place and angle, mirrored or not, on a textured
background with a stroke or dot, with noise. Drawn at twice the size and scaled down, so edges are smooth.

Mirroring a picture or turning it a little gives another that could have been drawn, so augmenting by it is sound.
"""

import copy
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.datasets.catalogue import SHAPES_CLASSES

if TYPE_CHECKING:
    from PIL import ImageDraw

SIDE = 32
SCALE = 2
MOST_TURNED = 30  # degrees either way, so that turning pictures a little more tells the network something
LEAST_CONTRAST = 70  # of 255, between a shape's brightness and its background's
PORTION = 500  # pictures
_SEED = 7

Point = tuple[float, float]


def draw_shapes(num: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """`num` pictures, uint8 (num, 32, 32, 3), and their classes, int64 (num,), as many of each class as can be."""
    from PIL import ImageDraw  # late: it loads fonts, 2.5 MB, and few servers draw

    generator = np.random.default_rng([_SEED, seed])
    labels = generator.permutation(np.arange(num) % len(SHAPES_CLASSES))
    size = SIDE * SCALE
    backgrounds = _backgrounds(generator, num)
    means = backgrounds.mean(axis=(1, 2, 3))
    pictures = np.empty((num, SIDE, SIDE, 3), np.uint8)
    for index, label in enumerate(labels):
        numbers = generator.random(15)
        canvas = Image.fromarray(backgrounds[index]).resize((size, size), Image.Resampling.BILINEAR)
        pen = ImageDraw.Draw(canvas)
        _draw_clutter(pen, numbers[:6], size)
        _draw_shape(pen, SHAPES_CLASSES[label], numbers[6:], size, means[index])
        pictures[index] = np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX))
    _add_noise(pictures, generator)
    return pictures, labels.astype(np.int64)


def _add_noise(pictures: NDArray[np.uint8], generator: np.random.Generator) -> None:
    """A portion at a time: as numbers with a fraction all pictures would take 75 MB, and the server draws them too."""
    portions = [slice(start, start + PORTION) for start in range(0, len(pictures), PORTION)]
    # The strengths come behind the noise in the random stream, so a copy of it runs ahead to them.
    ahead = copy.deepcopy(generator)
    for portion in portions:
        ahead.standard_normal(pictures[portion].shape, dtype=np.float32)
    strengths = ahead.uniform(2, 10, (len(pictures), 1, 1, 1)).astype(np.float32)
    for portion in portions:
        noise = generator.standard_normal(pictures[portion].shape, dtype=np.float32)
        noise *= strengths[portion]
        noise += pictures[portion]
        pictures[portion] = np.clip(noise, 0, 255, out=noise)


def _backgrounds(generator: np.random.Generator, num: int) -> NDArray[np.uint8]:
    """(num, 6, 6, 3) patches of colour, which become soft blotches when they are scaled up."""
    base = generator.uniform(30, 225, (num, 1, 1, 3))
    blotches = generator.normal(0, 1, (num, 6, 6, 3)) * generator.uniform(5, 25, (num, 1, 1, 1))
    return np.clip(base + blotches, 0, 255).astype(np.uint8)


def _draw_clutter(pen: "ImageDraw.ImageDraw", numbers: NDArray[np.float64], size: int) -> None:
    """A short stroke or a dot of any colour, or nothing."""
    x, y, dx, dy, tone, kind = numbers
    color = tuple(int(255 * ((tone * k) % 1)) for k in (7, 13, 29))
    start = (x * size, y * size)
    if kind < 0.6:
        end = (start[0] + (dx - 0.5) * size * 0.7, start[1] + (dy - 0.5) * size * 0.7)
        pen.line([start, end], fill=color, width=2 + int(3 * kind))
    elif kind < 0.85:
        radius = 1 + 4 * dx
        pen.ellipse([start[0] - radius, start[1] - radius, start[0] + radius, start[1] + radius], fill=color)


def _draw_shape(
    pen: "ImageDraw.ImageDraw", name: str, numbers: NDArray[np.float64], size: int, background: float
) -> None:
    angle = math.radians(MOST_TURNED) * (2 * numbers[0] - 1)
    radius = size * (0.28 + 0.14 * numbers[1])
    reach = (size / 2 - radius) * 0.8
    center = (size / 2 + (2 * numbers[2] - 1) * reach, size / 2 + (2 * numbers[3] - 1) * reach)
    color = _contrasting(numbers[4:7], background)
    stretch = 0.85 + 0.3 * numbers[7]
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    outline = _OUTLINES[name] * (stretch * radius, radius / stretch) @ turn
    if numbers[8] < 0.5:
        outline = outline * (-1, 1)
    outline = outline + center
    points = [(x, y) for x, y in outline.tolist()]
    if name == "ring" or (numbers[8] % 0.5 < 0.05 and name not in ("crescent", "circle")):
        # A ring is a circle drawn as a line; any other shape may be an outline too, so that filling tells nothing.
        pen.line([*points, points[0], points[1]], fill=color, width=max(3, int(radius * 0.38)), joint="curve")
    else:
        pen.polygon(points, fill=color)


def _contrasting(numbers: NDArray[np.float64], background: float) -> tuple[int, int, int]:
    """A colour, made brighter or darker where it would be lost before the background's mean brightness."""
    color = 255 * numbers
    if abs(color.mean() - background) < LEAST_CONTRAST:
        target = background + (LEAST_CONTRAST if background < 128 else -LEAST_CONTRAST)
        color = color + (target - color.mean())
    red, green, blue = (int(min(255.0, max(0.0, value))) for value in color)
    return red, green, blue


def _regular(corners: int) -> list[Point]:
    return [
        (math.cos(2 * math.pi * k / corners), math.sin(2 * math.pi * k / corners)) for k in range(corners)
    ]


def _star() -> list[Point]:
    return [
        (
            (1 if k % 2 == 0 else 0.42) * math.cos(math.pi * k / 5),
            (1 if k % 2 == 0 else 0.42) * math.sin(math.pi * k / 5),
        )
        for k in range(10)
    ]


def _heart() -> list[Point]:
    steps = [2 * math.pi * k / 24 for k in range(24)]
    return [
        (
            math.sin(t) ** 3,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16,
        )
        for t in steps
    ]


def _crescent() -> list[Point]:
    outer = [(math.cos(t), math.sin(t)) for t in np.linspace(0.6, 2 * math.pi - 0.6, 20)]
    inner = [
        (0.45 + 0.68 * math.cos(t), 0.68 * math.sin(t)) for t in np.linspace(2 * math.pi - 0.97, 0.97, 16)
    ]
    return [*outer, *inner]


_CROSS: list[Point] = [
    (-0.33, -1), (0.33, -1), (0.33, -0.33), (1, -0.33), (1, 0.33), (0.33, 0.33),
    (0.33, 1), (-0.33, 1), (-0.33, 0.33), (-1, 0.33), (-1, -0.33), (-0.33, -0.33),
]  # fmt: skip
_ARROW: list[Point] = [
    (1, 0), (0.15, -0.8), (0.15, -0.3), (-1, -0.3), (-1, 0.3), (0.15, 0.3), (0.15, 0.8),
]  # fmt: skip

_OUTLINES: dict[str, NDArray[np.float64]] = {
    name: np.array(points)
    for name, points in {
        "circle": _regular(28),
        "square": _regular(4),
        "triangle": _regular(3),
        "star": _star(),
        "cross": _CROSS,
        "ring": _regular(28),
        "heart": _heart(),
        "crescent": _crescent(),
        "hexagon": _regular(6),
        "arrow": _ARROW,
    }.items()
}
