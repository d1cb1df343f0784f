"""A lesson as a page: its sentences, a guess, one button, the runs live, a question with its answer, and the next.

`?lesson=NAME` is the lesson, `?run=ID,ID` the runs that were started for it, so that a refresh keeps them.
"""

from collections.abc import Sequence

import streamlit as st

from core.datasets.samples import mislabelled, unseen_pictures
from core.errors import RunNotFound
from core.formatting import rough_duration
from core.onboarding.lessons import LESSONS, PRESET, Lesson, next_lesson
from core.runs.lessons import lesson_seconds, results_in_words, reusable_run
from core.server.services import Services
from core.store.lesson_guesses import LessonGuess
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.system.devices import list_devices
from pages.components.home.followed_run import render_followed, render_problem, render_stop
from pages.components.home.lesson_class import render_class, shows_class
from pages.components.home.lesson_guess import answer_guess, ask_guess, read_guess
from pages.components.home.lesson_outcome import render_outcome
from pages.components.home.story_fix import render_variants
from pages.components.home.story_keep import page_address
from pages.components.kit.pictures import render_pixels
from pages.components.kit.starting import render_shared, start_runs
from pages.components.kit.text import error_text, literal
from pages.components.runs.curves import curves_of
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
        st.page_link("lesson.py", label="All lessons", icon=":material/view_list:")


def render_lessons(services: Services) -> None:
    """A card for each lesson: what it asks, and about how long its training takes here, where that is known."""
    lessons = list(LESSONS.values())
    with st.grid(3, min_column_width=280):
        for number, (lesson, time) in enumerate(
            zip(lessons, _times(services, lessons), strict=True), start=1
        ):
            with st.container(border=True, height="stretch"):
                st.caption(" · ".join((f"Lesson {number}", *time)))
                _link(lesson, lesson.title, ":material/school:")
                st.markdown(literal(lesson.question))


def render_lesson(services: Services, lesson: Lesson) -> None:
    """All of one lesson."""
    runs = _read_runs(services.store)
    number = list(LESSONS).index(lesson.name) + 1
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        place = f"Lesson {number} of {len(LESSONS)}"
        st.caption(" · ".join((place, *(() if runs else _times(services, [lesson])[0]))), width="content")
        st.page_link("home.py", label="All of ConvDeck", icon=":material/home:")
    st.title(lesson.title, anchor=False)
    for text in lesson.texts:
        st.markdown(literal(text))
    _render_pictures(services, lesson)
    guess = read_guess(services, lesson, runs)
    with_class = shows_class(services, lesson, runs)
    if not runs:
        ask_guess(services, lesson)
        if st.button(
            lesson.action, key=f"lesson-{lesson.name}", type="primary", icon=":material/play_arrow:"
        ):
            _start(services, lesson)
    else:
        if again := render_shared(services, runs):
            _show(services, lesson, guess, [again.get(run.id, run) for run in runs])
        st.caption(literal(lesson.look))
        _render_taken(lesson, runs)
        render_outcome(services, lesson, guess, runs, with_chart=not with_class)
    if with_class:
        render_class(services, lesson, guess, runs)
    if runs:
        _render_runs(services, runs)
    st.markdown(f"**{literal(lesson.question)}**")
    # Another lesson's answer begins folded again.
    with st.expander(
        "Think first, then open the answer", key=f"answer-{lesson.name}", icon=":material/help:"
    ):
        st.markdown(literal(lesson.answer))
        _render_own_result(services, lesson, runs)
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


def _times(services: Services, lessons: Sequence[Lesson]) -> list[tuple[str, ...]]:
    """For each about how long its training takes here; nothing where that is not known."""
    devices = len(list_devices().devices)
    return [
        () if seconds is None else (f"{rough_duration(seconds)} of training here",)
        for seconds in lesson_seconds(services.workspace, services.store, lessons, devices)
    ]


def _render_own_result(services: Services, lesson: Lesson, runs: list[Run]) -> None:
    """What came out for the reader, beside the answer, once all has been trained."""
    if len(runs) != len(lesson.runs):
        return
    if not all(run.state.is_finished for run in runs):
        st.caption("Your own numbers appear here once the training has ended.")
        return
    curves = [curves_of(services.store, run) for run in runs]
    if all(own["epoch"] for own in curves):
        st.markdown(f":material/monitoring: {literal(results_in_words(lesson, runs, curves))}")


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
    reused = [reusable_run(services.workspace, services.store, each) for each in lesson.runs]
    requests = [
        RunRequest(each.config, each.name, PRESET)
        for each, found in zip(lesson.runs, reused, strict=True)
        if found is None
    ]
    started = start_runs(services, requests)
    if started is not None:
        others = iter(started)
        runs = [next(others) if found is None else services.store.get_run(found) for found in reused]
        _show(services, lesson, read_guess(services, lesson), runs)


def _render_taken(lesson: Lesson, runs: list[Run]) -> None:
    """Which run is reused from before the lesson: its name is not the lesson's."""
    for wanted, run in zip(lesson.runs, runs, strict=False):
        if wanted.any_will_do and run.name != wanted.name:
            st.caption(
                f"“{literal(run.name)}” already has the settings that this lesson needs, so it is reused."
            )


def _show(services: Services, lesson: Lesson, guess: LessonGuess | None, runs: list[Run]) -> None:
    if len(runs) == len(lesson.runs):
        answer_guess(services, lesson, guess, runs)
    st.query_params[RUNS] = ",".join(run.id for run in runs)
    st.rerun()


def _render_runs(services: Services, runs: list[Run]) -> None:
    for run in runs:
        render_problem(run)
    if not all(run.state is RunState.FINISHED for run in runs):
        with st.container(horizontal=True, gap="small"):
            for run in runs:
                render_stop(services, run, cancels=len(runs) > 1, name=run.name if len(runs) > 1 else None)
    if len(runs) == 1:
        render_followed(services, runs[0])
    else:
        render_live(services, runs)
