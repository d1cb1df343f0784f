"""What is measured of a run before it answers a person's own pictures, and what it looks at in one of them."""

from dataclasses import replace

from core.datasets.identity import data_problem
from core.engine.client import Engine
from core.engine.explanation import Explanation
from core.errors import ConvDeckError, UserError
from core.inspection.answers import BEST, Advance
from core.inspection.temperature import run_temperature, with_temperature_of
from core.store.records import Run
from core.workspace import Workspace


def learn_known(workspace: Workspace, engine: Engine, run: Run, advance: Advance | None = None) -> str | None:
    """Measure what the run was trained on, if that was not done before; it takes seconds.

    Returns why it cannot be, in a sentence, or None. Raises EngineError where the engine crashed.
    """
    if problem := data_problem(workspace, run):
        return problem
    try:
        while True:
            done, of = engine.learn_known(run.id, run.config.dataset)
            if done >= of:
                return None
            if advance is not None:
                advance(done, of)
    except UserError as error:
        return str(error)


def explain(
    workspace: Workspace, engine: Engine, run: Run, name: str, picture: bytes, method: str,
    layer: str | None = None, class_name: str | None = None, crop: str | None = None, which: str = BEST,
) -> Explanation:  # fmt: skip
    """As `Engine.explain`, with calibrated probabilities like those of answers."""
    explained = engine.explain(run.id, name, picture, method, layer, class_name, crop, which)
    if which != BEST:
        return explained
    return calibrated_explanation(explained, known_temperature(workspace, engine, run))


def calibrated_explanation(explanation: Explanation, temperature: float | None) -> Explanation:
    """The same with probabilities that are corrected as those of answers are, where there is a temperature."""
    if temperature is None:
        return explanation
    return replace(explanation, top=with_temperature_of(explanation.top, temperature))


def known_temperature(
    workspace: Workspace, engine: Engine, run: Run, advance: Advance | None = None
) -> float | None:
    """The temperature of a run's best weights; None where it cannot be measured, as without its data set."""
    try:
        return run_temperature(workspace, engine, run, advance).value
    except ConvDeckError:
        return None
