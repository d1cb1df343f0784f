"""Variants of a picture and a run's answers to them, asked of the engine in the background: no page waits for it."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.datasets.splits import resize
from core.datasets.storage import Dataset
from core.engine.client import Engine
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.augment.original import Original
from pages.components.kit.cache import former_answer, last_answer

VARIANTS = 12
LAST = "augment-varied"

RunAnswer = tuple[str, float]  # the likeliest class, and its probability


@dataclass(frozen=True, eq=False)
class Varied:
    """Variants of a picture, in words what was drawn for each, and the run's answers: to the picture itself first,
    then to each variant; none without a run. `original` is the version of the picture.
    """

    original: Hashable
    variants: list[Pixels]
    captions: list[dict[str, Any]]
    answers: list[RunAnswer]


@dataclass(frozen=True, eq=False)
class Question:
    """What is varied, how, by which draw, and the run that is asked about it."""

    augmentation: AugmentationConfig
    dataset: Dataset
    original: Original
    seed: int
    run: Run | None

    @property
    def mixes(self) -> bool:
        return self.augmentation.mixup_alpha > 0 or self.augmentation.cutmix_alpha > 0

    @property
    def version(self) -> tuple[Hashable, ...]:
        """Another one where something else would come out."""
        # A run saves its best weights before it reports them.
        run = self.run and (self.run.id, self.run.attempt, self.run.best_epoch)
        return self.augmentation, self.dataset.id, self.dataset.digest, self.original.version, self.seed, run


def varied_of(services: Services, question: Question) -> Varied | str | None:
    """The engine's answer, or in a sentence what went wrong; None until it is there."""
    key = ("varied", str(services.workspace.root), *question.version)
    found: Varied | str | None = last_answer(LAST, key, lambda: vary(services.engine, question))
    return found


def former_of(question: Question) -> Varied | None:
    """The last variants of the same picture, which stay in sight until the next are there."""
    last = former_answer(LAST)
    return last if isinstance(last, Varied) and last.original == question.original.version else None


def vary(engine: Engine, question: Question) -> Varied:
    """Draw the variants and ask the run. Raises EngineError, and UserError where the run cannot be asked."""
    original = question.original.pixels
    batch = np.repeat(original[None], VARIANTS, axis=0)
    if question.mixes:
        batch = np.stack([batch, _partners(question)], axis=1).reshape(-1, *original.shape)
    varied, captions = engine.preview(question.augmentation, batch, question.seed)
    step = 2 if question.mixes else 1
    variants = list(varied[::step])
    answers: list[RunAnswer] = []
    if question.run is not None:
        probabilities, names = engine.answer(question.run.id, np.stack([original, *variants]))
        best = probabilities.argmax(axis=1)
        answers = [(names[place], float(row[place])) for place, row in zip(best, probabilities, strict=True)]
    return Varied(question.original.version, variants, captions[::step], answers)


def _partners(question: Question) -> NDArray[np.uint8]:
    """Other pictures of the data set, to mix with."""
    others, shape = question.dataset.x_train, question.original.pixels.shape
    chosen = np.random.default_rng(question.seed).integers(0, len(others), VARIANTS)
    partners = np.asarray(others[np.sort(chosen)])
    return partners if partners.shape[1:] == shape else resize(partners, shape[0])
