"""A network as an SVG picture to scale: no library, no fonts, and the colours of where it is shown.

Each stage is a box seen from the side: its height and depth are the rows and columns of its maps, on the scale of the
picture that the network reads, and its width are the channels, on one scale for all. Behind the head a bar is as high
as it has numbers.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from core.design.architecture import Shape
from core.design.stages import Stage, network_in_words

FACE = 104  # the longer side of the picture
# A column of a map goes so far to the right and up.
DEPTH_X, DEPTH_Y = 0.38, 0.22
MOST_PER_CHANNEL, ROOM_PER_STAGE = 0.75, 44
THINNEST = 2.0
BAR = 8
GAP, EDGE = 18, 4
LETTER = 6.2  # the width of one, about
MIDDLE, HEIGHT = 104, 214
MOST_FRAMES = 5


class Drawing(NamedTuple):
    """A picture and its width in pixels at which its texts are as large as the page's small ones."""

    svg: str
    width: int


def network_svg(
    image_shape: Shape, stages: Sequence[Stage], source: str | None = None, failed: str | None = None
) -> Drawing:
    """The picture that the network reads, then the stages from left to right.

    `source` is the `src` of a picture of the data set, None where there is none here. Frames on it are the receptive
    fields of the blocks. `failed` names the layer that cannot be built, behind the last stage.

    Classes: `face`, `top` and `side` of a box, `pool` and `bar`, `branch` of every second branch, `wire`, `added`,
    `frame` with its `halo`, `small` and `failed` of texts, `none` where there is no picture.
    """
    scale = FACE / max(image_shape[:2])
    channels = [stage.shape[-1] for stage in stages if stage.is_map]
    per_channel = min(MOST_PER_CHANNEL, ROOM_PER_STAGE * len(channels) / max(1, sum(channels)))
    most_units = max((stage.shape[0] for stage in stages if not stage.is_map), default=1)
    parts = [_picture(image_shape, scale, stages, source)]
    at = EDGE + max(image_shape[1] * scale, LETTER * 14)
    tip = EDGE + image_shape[1] * scale
    block = None
    for stage in stages:
        box = _Box.of(stage, scale, per_channel) if stage.is_map else _Box.bar(stage.shape[0] / most_units)
        slot = max(box.width, LETTER * max(len(stage.what), len(stage.size)))
        left = at + GAP + (slot - box.width) / 2
        parts.append(f"<g><title>{escape(stage.words)}</title>")
        parts.append(_wires(stage, box, tip, left))
        parts.append(box.drawn(left, stage))
        middle = at + GAP + slot / 2
        parts.append(_text(middle, HEIGHT - 24, stage.what))
        parts.append(_text(middle, HEIGHT - 10, stage.size, "small"))
        if stage.block is not None and stage.block != block:
            block = stage.block
            parts.append(_text(middle, 12, f"Block {block + 1}"))
        parts.append("</g>")
        tip, at = left + box.width - box.depth / 2, at + GAP + slot
    if failed is not None:
        middle = at + GAP + LETTER * len(failed) / 2
        parts.append(_wire(tip, middle - 10) + _text(middle, MIDDLE + 8, "✗", "failed cross"))
        parts.append(_text(middle, HEIGHT - 24, failed, "failed"))
        at = middle + LETTER * len(failed) / 2
    width = round(at + EDGE)
    label = escape(_words(image_shape, stages, failed), quote=True)
    return Drawing(
        f'<svg viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>",
        width,
    )


def frames_of(stages: Sequence[Stage]) -> list[int]:
    """The receptive field after each block, or the whitening layer, in input pixels; of many the last."""
    fields = {stage.block: stage.receptive_field for stage in stages if stage.receptive_field is not None}
    return [field for field in fields.values() if field is not None][-MOST_FRAMES:]


def _words(image_shape: Shape, stages: Sequence[Stage], failed: str | None) -> str:
    words, frames = network_in_words(image_shape, stages), frames_of(stages)
    if frames:
        side = min(image_shape[:2])
        words += f" After the last block a position sees {min(frames[-1], side)} of {side} pixels per side."
    return words if failed is None else f"{words} {failed} cannot be built."


class _Box(NamedTuple):
    """A box from the side: `thick` to the right, `high` up, and its depth to the right and up."""

    thick: float
    high: float
    depth: float
    rise: float

    @classmethod
    def of(cls, stage: Stage, scale: float, per_channel: float) -> "_Box":
        rows, columns, channels = stage.shape
        deep = columns * scale
        return cls(max(THINNEST, channels * per_channel), rows * scale, deep * DEPTH_X, deep * DEPTH_Y)

    @classmethod
    def bar(cls, share: float) -> "_Box":
        return cls(BAR, max(THINNEST, share * FACE), 0.0, 0.0)

    @property
    def width(self) -> float:
        return self.thick + self.depth

    @property
    def top(self) -> float:
        """Of the face that is nearest."""
        return MIDDLE - (self.high - self.rise) / 2

    @property
    def bottom(self) -> float:
        return self.top + self.high

    def drawn(self, left: float, stage: Stage) -> str:
        """With a part for each branch, as wide as its channels."""
        name = "pool" if stage.is_pool else "" if stage.is_map else "bar"
        shares = stage.branches or (1,)
        parts, x = [], left
        for number, share in enumerate(shares):
            thick = self.thick * share / sum(shares)
            kind = f"{name} branch" if number % 2 else name
            parts.append(
                f'<rect class="face {kind}" x="{x:.1f}" y="{self.top:.1f}" width="{thick:.1f}" '
                f'height="{self.high:.1f}"/>'
            )
            if self.depth:
                parts.append(
                    f'<path class="top {kind}" d="M{x:.1f} {self.top:.1f}l{self.depth:.1f} {-self.rise:.1f}'
                    f'h{thick:.1f}l{-self.depth:.1f} {self.rise:.1f}z"/>'
                )
            x += thick
        if self.depth:
            parts.append(
                f'<path class="side {name}" d="M{x:.1f} {self.top:.1f}l{self.depth:.1f} {-self.rise:.1f}'
                f'v{self.high:.1f}l{-self.depth:.1f} {self.rise:.1f}z"/>'
            )
        return "".join(parts)


def _wires(stage: Stage, box: _Box, tip: float, left: float) -> str:
    """From what the stage reads to it: a wire to each branch, and below it that of an input that is added."""
    parts = []
    if stage.branches:
        x = left + box.depth / 2
        for number, share in enumerate(stage.branches):
            thick = box.thick * share / sum(stage.branches)
            above = box.top - box.rise - 8 - 5 * number
            parts.append(
                f'<path class="wire" d="M{tip:.1f} {MIDDLE}C{tip + 6:.1f} {above:.1f} {x + thick / 2:.1f} {above:.1f} '
                f'{x + thick / 2:.1f} {box.top - box.rise / 2:.1f}"/>'
            )
            x += thick
    else:
        parts.append(_wire(tip, left))
    if stage.is_residual:
        below = box.bottom + 7
        parts.append(
            f'<path class="wire added" d="M{tip + 4:.1f} {MIDDLE}V{below:.1f}H{left + box.thick:.1f}'
            f'V{box.bottom:.1f}"/>' + _text(left + box.thick + 6, below + 2, "+", "small")
        )
    return "".join(parts)


def _wire(start: float, end: float) -> str:
    return f'<path class="wire" d="M{start:.1f} {MIDDLE}H{end:.1f}"/>'


def _picture(image_shape: Shape, scale: float, stages: Sequence[Stage], source: str | None) -> str:
    """Face on, with a frame around what a position in the middle sees after each block."""
    rows, columns = image_shape[:2]
    high, wide = rows * scale, columns * scale
    place = f'x="{EDGE}" y="{MIDDLE - high / 2:.1f}" width="{wide:.1f}" height="{high:.1f}"'
    if source is None:
        parts = [f'<rect class="none" {place}/>']
    else:
        parts = [f'<image {place} preserveAspectRatio="none" href="{escape(source, quote=True)}"/>']
    frames = frames_of(stages)
    for field in frames:
        frame_high, frame_wide = min(field, rows) * scale, min(field, columns) * scale
        frame = (
            f'x="{EDGE + (wide - frame_wide) / 2:.1f}" y="{MIDDLE - frame_high / 2:.1f}" '
            f'width="{frame_wide:.1f}" height="{frame_high:.1f}"'
        )
        parts.append(f'<rect class="halo" {frame}/><rect class="frame" {frame}/>')
    middle = EDGE + max(wide, LETTER * 14) / 2
    seen = f"sees {', '.join(map(str, frames[-3:]))} px" if frames else "picture"
    size = "×".join(map(str, image_shape))
    return "".join([*parts, _text(middle, HEIGHT - 24, seen), _text(middle, HEIGHT - 10, size, "small")])


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(text)}</text>'
