"""What a run knows: its classes, and what it was trained on, which is measured once per run and weights."""

import streamlit as st

from core.datasets.storage import describe_dataset
from core.errors import EngineError
from core.inspection.prediction import learn_known
from core.server.services import Services
from core.store.records import Run
from pages.components.kit.cache import KEPT, VersionedCache
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import error_text, literal

MOST_BADGES = 20

_learned: VersionedCache[str | None] = VersionedCache(KEPT)


def learn_what_it_knows(services: Services, run: Run) -> str | None:
    """Have the engine measure what the run was trained on, with progress on the page; once for these weights.

    Returns why it cannot be measured, in a sentence, or None. It is measured again once the data set is another one.
    """
    info = describe_dataset(services.workspace, run.dataset)
    data = info and (info.state, info.digest)
    version = run.attempt, run.best_epoch, run.dataset_digest, data
    try:
        return _learned.get((services.workspace.root, run.id), version, lambda: _learn(services, run))
    except EngineError as error:
        return error_text(error)


def _learn(services: Services, run: Run) -> str | None:
    progress = st.empty()

    def show(done: int, of: int) -> None:
        progress.progress(done / of, f"{done:,} of {of:,} pictures")

    with st.spinner(
        "Measuring what the run was trained on, so that it can say what it does not know. Once per run…"
    ):
        problem = learn_known(services.workspace, services.engine, run, show)
    progress.empty()
    return problem


def render_problem(problem: str | None) -> None:
    """Why the answers do not say whether the run knows such pictures, if there is a reason."""
    if problem is not None:
        st.caption(
            ":material/info: The answers do not say whether the run knows such pictures, and have no nearest training "
            f"pictures. {literal(problem)}"
        )


def render_classes(services: Services, run: Run) -> None:
    """The classes that it can answer with, folded."""
    names = class_names(services, run)
    if names:
        render_folded(
            f"The {len(names)} classes it knows", f"classify-classes-{run.id}", lambda: _draw_classes(names),
            icon=":material/category:",
        )  # fmt: skip


def class_names(services: Services, run: Run) -> tuple[str, ...]:
    """Of the run, or of its data set where the run was started before runs kept them; nothing where neither has any."""
    if run.class_names is not None:
        return run.class_names
    info = describe_dataset(services.workspace, run.dataset)
    return tuple(info.class_names) if info is not None else ()


def _draw_classes(names: tuple[str, ...]) -> None:
    if len(names) > MOST_BADGES:
        st.markdown(literal(", ".join(names)))
        return
    st.markdown(" ".join(f":gray-badge[{literal(name)}]" for name in names))
