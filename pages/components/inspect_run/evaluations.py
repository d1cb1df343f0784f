"""A run's weights measured on both parts: computed once with the progress on the page, then shared by all visitors."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.datasets.identity import check_same_data
from core.errors import ConvDeckError
from core.inspection.answers import SplitAnswers, answers_of, weights_of
from core.inspection.evaluation import SplitEvaluation, evaluation_of
from core.server.services import Services
from core.store.records import Run
from pages.components.kit.cache import VersionedCache
from pages.components.kit.text import error_text, literal

PARTS = {"test": "Test", "validation": "Validation"}
MOST_KEPT = 8  # a run on CIFAR-100 takes 12 MB


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Weights of a run, `which` is `best`, `last` or the number of an epoch, measured on the pictures of both parts."""

    run: Run
    which: str
    test: SplitEvaluation
    validation: SplitEvaluation

    def on(self, split: str) -> SplitEvaluation:
        """The evaluation on one of PARTS."""
        return self.test if split == "test" else self.validation


_kept: VersionedCache[Evaluated] = VersionedCache(MOST_KEPT)


def evaluate_here(services: Services, run: Run, epoch: str) -> Evaluated | None:
    """A run's weights of `epoch`, measured. None where that is not possible, with the reason on the page."""
    try:
        return evaluate(services, run, epoch)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        st.button("Try again", key=f"inspect-again-{run.id}", icon=":material/refresh:")
        return None


def evaluate(services: Services, run: Run, epoch: str) -> Evaluated:
    """The same. Raises as `answers_of` does."""
    weights = weights_of(services.workspace, run, epoch)
    check_same_data(services.workspace, run)
    name = services.workspace.root, run.id, weights.epoch
    return _kept.get(name, weights.sha256, lambda: _evaluate(services, run, weights.which))


def _evaluate(services: Services, run: Run, which: str) -> Evaluated:
    # The spinner appears after half a second: answers that are kept are read sooner.
    with st.spinner(f"Asking “{literal(run.name)}” about every picture. This is done once…"):
        place = st.empty()
        validation = _answers(services, run, "validation", which, place.progress)
        test = _answers(services, run, "test", which, place.progress)
        place.empty()
    return Evaluated(
        run, which, evaluation_of(test, validation), evaluation_of(validation, validation)
    )  # fmt: skip


def _answers(
    services: Services, run: Run, split: str, which: str, draw: Callable[[float, str], object]
) -> SplitAnswers:
    def advance(done: int, of: int) -> None:
        draw(min(1.0, done / max(1, of)), f"{PARTS[split]}: {done:,} of {of:,} pictures")

    return answers_of(services.workspace, services.engine, run, split, which, advance)
