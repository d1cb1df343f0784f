"""The first five minutes, as one story in five steps. A step opens when the one before it is done.

Which runs belong to a visitor's story stands in the address (`?story=RUN` or `?story=RUN,FORK`), so that a refresh or
a link brings it back; `?story=begin` is its beginning. The visit remembers it too: the navigation's link to Home has no
address of a story.
"""

from dataclasses import dataclass

import streamlit as st

from core.design.presets import quick_start
from core.errors import RunNotFound
from core.onboarding.example import EXAMPLE_ID
from core.runs.start import has_cifar10
from core.server.services import Services
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from pages.components.home import story_keep, story_photo
from pages.components.home.followed_run import (
    has_overfit,
    render_curves,
    render_followed,
    render_problem,
    render_stop,
    render_verdict_line,
    stopped_sentence,
)
from pages.components.home.starters import fallback_sentence
from pages.components.home.story_fix import render_fix_button, render_race
from pages.components.home.story_sample import render_sample
from pages.components.kit import session
from pages.components.kit.starting import render_shared, start_run
from pages.components.kit.text import error_text, literal

PARAMETER = "story"
BEGIN = "begin"
PRESET = "overfit"
STEPS = ("A network that overfits", "Watch it overfit", "Now fix it", "Your own photo", "Keep it")
ANCHORS = {4: story_photo.ANCHOR, 5: story_keep.ANCHOR}
WHAT_OVERFITTING_IS = (
    "A small network was shown the same {pictures} pictures again and again, until it knew them by heart. On pictures "
    "that are new to it, it is much worse: it **overfits**."
)
WHAT_IT_DOES = (
    "It is training now, in the background. Each epoch adds a point: at first training and validation rise together. "
    "Then training keeps rising and validation stops, and a verdict says since when."
)
WHAT_RACES = (
    "The same network with the same initial weights and one change: augmentation. It races the one that overfits, "
    "which is drawn pale behind it."
)


@dataclass(frozen=True)
class Story:
    """The run that a visitor watches and its fork, as far as there are such."""

    run: Run | None = None
    fork: Run | None = None


def read_story(store: Store) -> Story:
    """What the address asks for, or else the story that this visitor is in, which then stands in the address again.

    When a run no longer exists, say so and start over.
    """
    asked = st.query_params.get(PARAMETER) or session.story()
    if asked in (None, BEGIN):
        session.set_story(None)
        return Story()
    try:
        runs = [store.get_run(run_id) for run_id in asked.split(",")[:2]]
    except RunNotFound as error:
        if asked == session.story():
            session.set_story(None)
        st.warning(f"{literal(error_text(error))} It may have been deleted.", icon=":material/link_off:")
        return Story()
    session.set_story(asked)
    if PARAMETER not in st.query_params:
        st.query_params[PARAMETER] = asked
    return Story(*runs)


def go_to(*ids: str) -> None:
    """Continue with these runs, or start over without any."""
    st.query_params.from_dict({PARAMETER: ",".join(ids) or BEGIN})
    st.rerun()


def render_story(services: Services, story: Story) -> None:
    """The steps so far; without a run, the beginning."""
    runs = [run for run in (story.run, story.fork) if run is not None]
    if again := render_shared(services, runs):
        go_to(*(again.get(run.id, run).id for run in runs))
    if story.run is None:
        _render_beginning(services, example_of(services.store))
    elif story.fork is None:
        _render_watching(services, story.run)
    else:
        _render_fixing(services, story.run, story.fork)


def example_of(store: Store) -> Run | None:
    """The run that came with ConvDeck, unless it was deleted or never came."""
    try:
        return store.get_run(EXAMPLE_ID)
    except RunNotFound:
        return None


def _render_beginning(services: Services, example: Run | None) -> None:
    _render_steps(1 if example else 2)
    if example is None:
        st.markdown("Train a small network on few pictures and see it learn them by heart: it **overfits**.")
        _render_watch_button(services)
        st.caption(fallback_sentence(services))
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        pictures = example.config.dataset.num_train
        st.markdown(WHAT_OVERFITTING_IS.format(pictures="all" if pictures is None else f"{pictures:,}"))
        render_verdict_line(services, example)
        with st.container(horizontal=True, vertical_alignment="center"):
            _render_watch_button(services)
            fork = render_fix_button(services, example, "Fix this one", primary=False)
        if fork is not None:
            go_to(example.id, fork.id)
        st.caption(fallback_sentence(services))
    with right:
        render_sample(services, example)
    render_curves(services, example)


def _render_watch_button(services: Services) -> None:
    if not st.button("Watch it overfit", key="story-watch", type="primary", icon=":material/play_arrow:"):
        return
    config = quick_start(PRESET, has_cifar10=has_cifar10(services.workspace), has_gpu=False)
    run = start_run(services, RunRequest(config, preset=PRESET))
    if run is not None:
        session.set_chosen_runs((run.id,))
        go_to(run.id)


def _render_watching(services: Services, run: Run) -> None:
    overfits = has_overfit(services, run)
    _render_steps(3 if overfits else 2)
    if overfits or run.state.is_finished:
        _render_end_of_watching(services, run, overfits)
    else:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(WHAT_IT_DOES)
            _render_ways_out(services, run)
    render_followed(services, run)


def _render_end_of_watching(services: Services, run: Run, overfits: bool) -> None:
    if run.error:
        render_problem(run)
    elif overfits:
        st.markdown(
            "There it is: it got better and better at its training pictures, but not at new ones. What helps most is "
            "**augmentation**: it rotates, shifts and mirrors each picture a little every time it is shown."
        )
    elif run.state is RunState.STOPPED:
        st.markdown(f"{stopped_sentence(run)} *Resume* continues, and you can try augmentation already.")
    else:
        st.markdown("This run does not clearly overfit. Augmentation may still improve it: try it.")
    with st.container(horizontal=True, vertical_alignment="center"):
        fork = render_fix_button(services, run, "Now fix it", primary=True) if run.epoch else None
        _render_ways_out(services, run)
    if fork is not None:
        go_to(run.id, fork.id)


def _render_fixing(services: Services, run: Run, fork: Run) -> None:
    has_answers = run.best_epoch is not None and fork.best_epoch is not None
    is_done = fork.state.is_finished
    _render_steps(5 if is_done and has_answers else 4 if has_answers else 3)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if is_done and has_answers:
            st.markdown(story_keep.race_result(services, run, fork))
        else:
            st.markdown(stopped_sentence(fork) if fork.state is RunState.STOPPED else WHAT_RACES)
        _render_ways_out(services, fork, cancels=True)
    render_problem(fork)
    render_race(services, run, fork)
    if has_answers:
        story_photo.render_photo(services, run, fork)
    if is_done and has_answers:
        story_keep.render_keep(services, run, fork)


def _render_ways_out(services: Services, run: Run, *, cancels: bool = False) -> None:
    """Buttons that end what trains, and the story."""
    render_stop(services, run, cancels=cancels)
    if st.button("Start over", key="story-again", type="tertiary", icon=":material/replay:"):
        go_to()


def _render_steps(current: int) -> None:
    """Where the story stands; an open step further down can be jumped to."""
    parts = []
    for number, title in enumerate(STEPS, start=1):
        if number in ANCHORS and number <= current:
            title = f"[{title}](#{ANCHORS[number]})"
        if number < current:
            parts.append(f":green-badge[:material/check: {title}]")
        elif number == current:
            parts.append(f":blue-badge[**{number}** {title}]")
        else:
            parts.append(f":gray-badge[{number} {title}]")
    st.markdown(" ".join(parts))
