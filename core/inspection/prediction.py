"""Pictures of a person's own: what a run says of each, and whether it knows such pictures at all."""

from core.datasets.identity import data_problem
from core.engine.answers import Answer
from core.engine.client import Engine
from core.engine.portions import Pictures
from core.errors import EngineError, UserError
from core.inspection.answers import Advance
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


def predict(
    workspace: Workspace, engine: Engine, run: Run, pictures: Pictures, crop: str | None = None,
    advance: Advance | None = None,
) -> tuple[list[Answer], str | None]:  # fmt: skip
    """What a run says of each picture, in order, and why it cannot tell whether it knows them, if it cannot.

    Raises:
        UserError: the run has no weights yet.
        EngineError: the engine crashed or overran its deadline.
    """
    try:
        problem = learn_known(workspace, engine, run, advance)
    except EngineError as error:
        problem = str(error)
    return engine.predict(run.id, pictures, crop, with_known=problem is None), problem
