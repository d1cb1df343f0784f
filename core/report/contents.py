"""What a run's report says: its facts, how good it is, what it confuses and looks at, and where its pictures lie."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.config.changes import settings_in_words
from core.datasets.splits import as_read
from core.datasets.storage import load_dataset
from core.engine.client import Engine
from core.engine.explanation import Explanation
from core.errors import ConvDeckError, UserError
from core.inspection.answers import BEST, Advance, SplitAnswers, answers_of, weights_of
from core.inspection.evaluation import SplitEvaluation, evaluation_of
from core.inspection.measures import Accuracy, accuracy_difference
from core.inspection.mistakes import ordered
from core.inspection.picture_map import PictureMap, answers_on, picture_map
from core.notebook.facts import RunFacts, facts_of
from core.store.records import Run
from core.store.store import Store
from core.system.frames import Pixels
from core.workspace import Workspace

MOST_MISTAKES = 8

# What is done now, and how much of it: for progress.
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class ShownMistake:
    """A wrong answer. `pixels` are uint8 (height, width, 1 or 3); `explanation` is None where there is no map."""

    row: int
    label: str
    answer: str
    confidence: float
    loss: float
    pixels: Pixels
    explanation: Explanation | None


@dataclass(frozen=True, eq=False)
class Report:
    """`flattery` is the validation accuracy minus that on the test pictures, with its interval.

    `settings` are (name, value) in words. `places` and `shown` are a map of test pictures and the answers to these;
    None where it cannot be made.
    """

    run: Run
    facts: RunFacts
    made_at: str
    settings: list[tuple[str, str]]
    test: SplitEvaluation
    validation: SplitEvaluation
    flattery: Accuracy
    mistakes: list[ShownMistake]
    places: PictureMap | None
    shown: SplitAnswers | None


def report_of(
    workspace: Workspace, store: Store, engine: Engine, run: Run, now: float, tell: Tell | None = None
) -> Report:
    """Measured on a run's best weights; `now` is unix seconds, for the report's date.

    Raises as `core.inspection.answers.answers_of` does.
    """

    def telling(what: str) -> Advance | None:
        return None if tell is None else lambda done, of: tell(what, done, of)

    epoch = weights_of(workspace, run, BEST).epoch
    validation = answers_of(workspace, engine, run, "validation", epoch, telling("Validation pictures"))
    answers = answers_of(workspace, engine, run, "test", epoch, telling("Test pictures"))
    test, held_out = evaluation_of(answers, validation), evaluation_of(validation, validation)
    places, shown = None, None
    try:
        places = picture_map(workspace, engine, run, "test", epoch, telling("Map of pictures"))
        shown = answers_on(places, answers)
    except ConvDeckError:
        pass  # the report has no map then
    return Report(
        run=run,
        facts=facts_of(store, run, store.curves(run.id)),
        made_at=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        settings=settings_in_words(run.config),
        test=test,
        validation=held_out,
        flattery=accuracy_difference(held_out.accuracy, test.accuracy),
        mistakes=_mistakes(workspace, engine, run, answers, telling("What it looks at")),
        places=places,
        shown=shown,
    )


def _mistakes(
    workspace: Workspace, engine: Engine, run: Run, answers: SplitAnswers, advance: Advance | None
) -> list[ShownMistake]:
    stored = load_dataset(workspace, run.dataset).x_test
    weights = weights_of(workspace, run, answers.epoch)
    worst = ordered(answers, "loss", np.flatnonzero(~answers.right))[:MOST_MISTAKES]
    found = []
    for done, place in enumerate(worst, start=1):
        row = int(answers.rows[place])
        pixels = np.asarray(stored[row])
        seen = as_read(pixels, run.config.dataset.picture_shape(pixels.shape))
        found.append(
            ShownMistake(
                row=row,
                label=answers.class_names[answers.labels[place]],
                answer=answers.class_names[answers.predicted[place]],
                confidence=float(answers.confidence[place]),
                loss=float(answers.losses[place]),
                pixels=seen,
                explanation=_explain(engine, run, seen, weights.which),
            )
        )
        if advance is not None:
            advance(done, len(worst))
    return found


def _explain(engine: Engine, run: Run, pixels: Pixels, which: str) -> Explanation | None:
    try:
        return engine.explain_pixels(run.id, pixels, "grad-cam", which=which)
    except UserError:  # a network without a convolution that has a map
        return None


def summary(report: Report) -> dict[str, Any]:
    """What the command line prints of it, as JSON."""
    accuracy = report.test.accuracy
    return {
        "run": report.run.id,
        "epoch": report.test.answers.epoch,
        "test_accuracy": accuracy.value,
        "test_accuracy_low": accuracy.low,
        "test_accuracy_high": accuracy.high,
        "mistakes_shown": len(report.mistakes),
        "has_map": report.places is not None,
    }
