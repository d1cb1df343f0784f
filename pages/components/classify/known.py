"""What a run knows: its classes, and what it was trained on, which is measured once per run and weights."""

from collections.abc import Sequence

import streamlit as st

from core.datasets.storage import describe_dataset
from core.errors import ConvDeckError, EngineError
from core.inspection.prediction import learn_known
from core.inspection.temperature import Temperature, run_temperature
from core.server.services import Services
from core.store.records import Run
from pages.components.kit.cache import KEPT, VersionedCache
from pages.components.kit.redraw import render_folded
from pages.components.kit.text import error_text, literal

MOST_BADGES = 20
CORRECTED = (
    "Networks that overfit say 99 % too often. The validation pictures tell how sure this run may be: the network's "
    "outputs are divided by the temperature before they become probabilities. Above 1 makes it less sure, below 1 "
    "surer. The order of the classes stays the same. Inspect shows both."
)

_learned: VersionedCache[str | None] = VersionedCache(KEPT)
_temperatures: VersionedCache[Temperature | None] = VersionedCache(KEPT)


def learn_what_it_knows(services: Services, run: Run) -> str | None:
    """Have the engine measure what the run was trained on, with progress on the page; once for these weights.

    Returns why it cannot be measured, in a sentence, or None. It is measured again once the data set is another one.
    """
    try:
        return _learned.get(
            (services.workspace.root, run.id), _version(services, run), lambda: _learn(services, run)
        )
    except EngineError as error:
        return error_text(error)


def temperature_of(services: Services, run: Run) -> Temperature | None:
    """What corrects its probabilities, measured once for these weights; None where it cannot be measured."""
    return _temperatures.get(
        (services.workspace.root, run.id),
        _version(services, run),
        lambda: _measure_temperature(services, run),
    )


def _version(services: Services, run: Run) -> object:
    info = describe_dataset(services.workspace, run.dataset)
    return run.attempt, run.best_epoch, run.dataset_digest, info and (info.state, info.digest)


def _measure_temperature(services: Services, run: Run) -> Temperature | None:
    try:
        with st.spinner("Measuring how sure the run may be. Once per run…"):
            return run_temperature(services.workspace, services.engine, run)
    except ConvDeckError:
        return None


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


def render_temperature(runs: Sequence[Run], temperatures: Sequence[Temperature | None]) -> None:
    """Whether the probabilities are corrected, and by what; of several runs, by name."""
    if len(runs) == 1:
        (temperature,) = temperatures
        st.caption(_temperature_in_words(temperature), help=temperature and CORRECTED)
        return
    values = ", ".join(
        f"“{literal(run.name)}” {'–' if each is None else f'{each.value:.2f}'}"
        for run, each in zip(runs, temperatures, strict=True)
    )
    st.caption(
        f"Probabilities are corrected, where they can be checked: temperature {values}.", help=CORRECTED
    )


def _temperature_in_words(temperature: Temperature | None) -> str:
    if temperature is None:
        return (
            "Probabilities are as the network gives them: its validation pictures are not here to check them."
        )
    if temperature.note:
        return f"Probabilities have the temperature {temperature.value:g}. {literal(temperature.note)}"
    return f"Probabilities are corrected: temperature {temperature.value:.2f}."


def render_classes(services: Services, run: Run) -> None:
    """The classes that it can answer with; of many, a fold with them."""
    names = class_names(services, run)
    if len(names) > MOST_BADGES:
        render_folded(
            f"The {len(names)} classes it knows", f"classify-classes-{run.id}",
            lambda: st.markdown(literal(", ".join(names))), icon=":material/category:",
        )  # fmt: skip
    elif names:
        badges = " ".join(f":gray-badge[{literal(name)}]" for name in names)
        st.markdown(f"It knows {len(names)} classes: {badges}")


def class_names(services: Services, run: Run) -> tuple[str, ...]:
    """Of the run, or of its data set where the run was started before runs kept them; nothing where neither has any."""
    if run.class_names is not None:
        return run.class_names
    info = describe_dataset(services.workspace, run.dataset)
    return tuple(info.class_names) if info is not None else ()


def shape_of(services: Services, run: Run) -> tuple[int, int, int] | None:
    """The (height, width, channels) that it reads; None where its settings or its data set cannot be read."""
    info, config = describe_dataset(services.workspace, run.dataset), run.readable_config
    return None if info is None or config is None else config.dataset.picture_shape(info.image_shape)
