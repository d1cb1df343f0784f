"""A lesson as a page: its sentences, one button, the runs live, a question with the answer to unfold, and the next.

`?lesson=NAME` is the lesson, `?run=ID,ID` the runs that were started for it, so that a refresh keeps them.
"""

import streamlit as st

from core.datasets.samples import mislabelled, unseen_pictures
from core.errors import RunNotFound
from core.onboarding.lessons import LESSONS, PRESET, Lesson, LessonRun, next_lesson
from core.runs.control import with_data
from core.runs.start import start_experiment
from core.server.services import Services
from core.store.records import Run, RunRequest
from core.store.store import Store
from pages.components.home.followed_run import render_followed, render_problem
from pages.components.home.story_fix import render_variants
from pages.components.home.story_keep import page_address
from pages.components.kit import session
from pages.components.kit.pictures import render_pixels
from pages.components.kit.starting import try_to_start
from pages.components.kit.text import error_text, literal
from pages.components.runs.live import render_live

PARAMETER = "lesson"
RUNS = "run"
PICTURES = 8
SIDE = 96


def render_lesson_links() -> None:
    """Every lesson by its title."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Two-minute lessons:", width="content")
        for lesson in LESSONS.values():
            _link(lesson, lesson.title, ":material/school:")


def render_lesson(services: Services, lesson: Lesson) -> None:
    """All of one lesson."""
    number = list(LESSONS).index(lesson.name) + 1
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"Lesson {number} of {len(LESSONS)}", width="content")
        st.page_link("home.py", label="All of ConvDeck", icon=":material/home:")
    st.title(lesson.title, anchor=False)
    for text in lesson.texts:
        st.markdown(literal(text))
    _render_pictures(services, lesson)
    runs = _read_runs(services.store)
    label = "Train again" if runs else lesson.action
    if st.button(
        label, key=f"lesson-{lesson.name}", type="tertiary" if runs else "primary", icon=":material/play_arrow:"
    ):  # fmt: skip
        _start(services, lesson)
    if runs:
        st.caption(literal(lesson.look))
        _render_taken(lesson, runs)
        _render_runs(services, runs)
    st.markdown(f"**{literal(lesson.question)}**")
    # Another lesson's answer begins folded again.
    with st.expander(
        "Think first, then open the answer", key=f"answer-{lesson.name}", icon=":material/help:"
    ):
        st.markdown(literal(lesson.answer))
    following = next_lesson(lesson.name)
    if following is not None:
        _link(following, f"Next: {following.title}", ":material/arrow_forward:")
    else:
        st.page_link(
            "design.py",
            label="That was the last lesson: now build your own network",
            icon=":material/view_agenda:",
        )
    with st.popover("Link to this lesson", icon=":material/link:", type="tertiary"):
        st.code(page_address(f"lesson?{PARAMETER}={lesson.name}"), language=None, wrap_lines=True)


def _render_pictures(services: Services, lesson: Lesson) -> None:
    """Some of what the lesson's last run is shown: varied, or with the labels that it learns from."""
    config = lesson.runs[-1].config
    if config.augmentation.is_active:
        render_variants(services, config.augmentation, config.dataset.id)
        return
    samples = unseen_pictures(services.workspace, config.dataset.id)
    noise = config.dataset.label_noise
    labels = mislabelled(samples.truths, noise, config.seed)
    with st.grid(PICTURES, min_column_width=72):
        for pixels, truth, label in list(zip(samples.pictures, samples.truths, labels, strict=True))[
            :PICTURES
        ]:
            with st.container():
                render_pixels(pixels, SIDE, width="stretch", alt=f"{truth}, called {label}")
                st.caption(f":red-badge[{literal(label)}]" if label != truth else literal(label))
    if noise:
        st.caption("Red: the labels that are wrong on purpose.")


def _link(lesson: Lesson, label: str, icon: str) -> None:
    st.page_link("lesson.py", label=label, icon=icon, query_params={PARAMETER: lesson.name})


def _read_runs(store: Store) -> list[Run]:
    ids = [part for part in st.query_params.get(RUNS, "").split(",") if part][:2]
    try:
        return [store.get_run(run_id) for run_id in ids]
    except RunNotFound as error:
        st.warning(f"{literal(error_text(error))} It may have been deleted.", icon=":material/link_off:")
        return []


def _start(services: Services, lesson: Lesson) -> None:
    runs = try_to_start(lambda: [_run_of(services, each) for each in lesson.runs])
    if runs is not None:
        st.query_params[RUNS] = ",".join(run.id for run in runs)
        st.rerun()


def _run_of(services: Services, wanted: LessonRun) -> Run:
    config = wanted.config
    if wanted.any_will_do:
        # The same settings and seed give the same curve, so it is not trained twice.
        request = with_data(services.workspace, RunRequest(config))
        known = services.store.studies.reusable([request])
        if found := known.get(config.config_id):
            return services.store.get_run(found)
    token = session.idempotency_token(config, wanted.name)
    return start_experiment(services.workspace, RunRequest(config, wanted.name, PRESET, token))


def _render_taken(lesson: Lesson, runs: list[Run]) -> None:
    """Which run is reused from before the lesson: its name is not the lesson's."""
    for wanted, run in zip(lesson.runs, runs, strict=False):
        if wanted.any_will_do and run.name != wanted.name:
            st.caption(
                f"“{literal(run.name)}” already has the settings that this lesson needs, so it is reused."
            )


def _render_runs(services: Services, runs: list[Run]) -> None:
    for run in runs:
        render_problem(run)
    if len(runs) == 1:
        render_followed(services, runs[0])
    else:
        render_live(services, runs)
