"""What runs say of pictures: requested in portions, and kept for as long as runs and weights are these."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace

import streamlit as st

from core.engine.answers import Answer
from core.engine.looking import Look, Variants
from core.images import Box
from core.inspection import looking
from core.inspection.looking import Asking
from pages.components.kit import session

SHOWN_CLASSES = 4
KEPT_CHUNKS, KEPT_TABLE_CHUNKS = 16, 256
ORIGINAL_SIDE = 208  # twice as many as on the page, for dense screens


@dataclass(frozen=True)
class Picture:
    """A picture to classify: an id that stays the same across reruns, its name, how to get its bytes, and the part of
    it that was chosen. `read` raises UserError where it cannot be read.
    """

    id: str
    name: str
    read: Callable[[], bytes]
    box: Box | None = None
    remove: Callable[[], None] | None = None


@dataclass(frozen=True, eq=False)
class LookedAt:
    """What the runs say of a picture, and a key that no other picture, part, crop, run or weights has."""

    key: str
    picture: Picture
    look: Look

    @property
    def answer(self) -> Answer:
        """That of the page's own run."""
        return self.look.answers[0]

    @property
    def variants(self) -> Variants | None:
        """Those of the page's own run."""
        return self.look.variants[0]


def look_at(
    asking: Asking, pictures: Sequence[Picture], *, drawn: bool = True, with_original: bool = False
) -> Iterator[list[LookedAt]]:
    """What the runs say, in order and a portion at a time. What they said before with the same weights is kept.

    `drawn`: with the pixels that each network sees, and `with_original`, with the whole picture; else as for a table.
    """
    key = _key(asking)
    for start in range(0, len(pictures), asking.at_once):
        chunk = pictures[start : start + asking.at_once]
        ids = tuple((picture.id, picture.box and astuple(picture.box)) for picture in chunk)
        looks = (
            _looks_to_draw(key, ids, with_original, asking, chunk)
            if drawn
            else _looks_for_the_table(key, ids, asking, chunk)
        )
        yield [
            LookedAt(f"{key}-{picture.id}-{picture.box}", picture, each)
            for picture, each in zip(chunk, looks, strict=True)
        ]


@st.cache_data(max_entries=KEPT_CHUNKS, show_spinner=False)
def _looks_to_draw(
    key: tuple[object, ...], ids: tuple[object, ...], with_original: bool, _asking: Asking,
    _pictures: Sequence[Picture],
) -> list[Look]:  # fmt: skip
    """Cached by runs, weights, crop, pictures and their parts."""
    return _look(_asking, _pictures, ORIGINAL_SIDE if with_original else 0)


@st.cache_data(max_entries=KEPT_TABLE_CHUNKS, show_spinner=False)
def _looks_for_the_table(
    key: tuple[object, ...], ids: tuple[object, ...], _asking: Asking, _pictures: Sequence[Picture]
) -> list[Look]:
    """The same without pixels, of which thousands of pictures have many."""
    return [
        replace(each, answers=tuple(replace(answer, seen=None) for answer in each.answers))
        for each in _look(_asking, _pictures, 0)
    ]


def _key(asking: Asking) -> tuple[object, ...]:
    """Another one where an answer may be another one."""
    # A run saves its best weights before it reports them.
    runs = tuple((run.id, run.attempt, run.best_epoch) for run in asking.runs)
    return runs, asking.temperatures, asking.crop, asking.known, asking.vary


def _look(asking: Asking, pictures: Sequence[Picture], original_side: int) -> list[Look]:
    services = session.services()
    found = looking.look_at(services.workspace, services.engine, asking, pictures, original_side)
    return [_shortened(each) for part in found for each in part]


def _shortened(each: Look) -> Look:
    """With as many classes as are shown; of variants, also the answer to the picture itself, and no single ones."""
    answers = tuple(replace(answer, top=answer.top[:SHOWN_CLASSES]) for answer in each.answers)
    variants = tuple(
        varied
        and replace(
            varied,
            each=(),
            classes=(
                *varied.classes[:SHOWN_CLASSES],
                *(more for more in varied.classes[SHOWN_CLASSES:] if more.name == answer.best),
            ),
        )
        for varied, answer in zip(each.variants, answers, strict=True)
    )
    return replace(each, answers=answers, variants=variants)
