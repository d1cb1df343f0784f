"""The class in a lesson: who has begun, and all guesses and curves in one chart, drawn again while that changes.

The teacher sees it from the start, with names, and says when the guesses are shown, because those who have not guessed
yet may see the same screen. A visitor sees it once their own guess can no longer change, without names.
"""

from collections.abc import Sequence

import streamlit as st

from core.errors import RunNotFound
from core.onboarding.lessons import Guess, Lesson
from core.runs.lesson_class import Learner, Stage, closest_to, learners_of, spread_of, trained_together
from core.runs.lessons import guessed_curve
from core.server.services import Services
from core.store.lesson_guesses import LessonGuess
from core.store.records import Run
from pages.components.charts.class_guesses import GuessLine, TrainedLine, class_data, class_spec
from pages.components.charts.zoom import ZOOM
from pages.components.home.lesson_guess import title_of
from pages.components.kit.person import who
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import literal
from pages.components.runs.curves import curves_of, last_epoch

TICK_SECONDS = 2.0
MOST_NAMES = 40  # of one stage
BADGES = {
    Stage.FINISHED: ":green-badge[:material/check: {}]",
    Stage.TRAINING: ":blue-badge[:material/autorenew: {}]",
    Stage.GUESSED: ":orange-badge[:material/edit: {}]",
    Stage.JOINED: ":gray-badge[:material/hourglass_empty: {}]",
}


def shows_class(services: Services, lesson: Lesson, runs: Sequence[Run]) -> bool:
    """Whether this person sees the class here: the teacher always, a visitor once these runs are kept as those that
    answer their own guess, if others have guessed. Anybody can have an address with another's runs.
    """
    person = who()
    if not person.is_visitor:
        return person.is_in_class
    if person.id is None or len(runs) != len(lesson.runs):
        return False
    ids = tuple(run.id for run in runs)
    has_begun = any(
        each.run_ids == ids for each in services.store.lesson_guesses.of_lesson(lesson.name, person.id)
    )
    return has_begun and any(
        each.guess is not None and each.visitor != person.id for each in learners_of(services.store, lesson)
    )


def render_class(services: Services, lesson: Lesson, guess: LessonGuess | None, runs: Sequence[Run]) -> None:
    """All of it. `guess` and `runs` are this person's own, if there are any."""
    learners = learners_of(services.store, lesson)
    is_over = bool(learners) and all(each.stage is Stage.FINISHED for each in learners)
    ids = tuple(run.id for run in runs)
    draw_ticking(_draw, services, lesson, guess, ids, every=None if is_over else TICK_SECONDS)


def _draw(services: Services, lesson: Lesson, guess: LessonGuess | None, ids: Sequence[str]) -> None:
    learners = learners_of(services.store, lesson)
    try:
        runs = tuple(services.store.get_run(run_id) for run_id in ids)
    except RunNotFound:
        st.rerun()  # deleted elsewhere: the page says so
    is_teacher = not who().is_visitor
    with st.container(gap="small"):
        st.subheader("The class", anchor=False)
        if not learners:
            st.caption("No one has joined the class yet.")
            return
        st.markdown(stages_in_words(learners, named=is_teacher))
        if is_teacher and not st.toggle(
            "Show guesses and curves", key=f"class-shown-{lesson.name}", persist_state="session",
            help="Those who have not guessed yet would see them on a projector.",
        ):  # fmt: skip
            return
        _render_guesses(services, lesson, learners, guess, runs, named=is_teacher)


def stages_in_words(learners: Sequence[Learner], *, named: bool) -> str:
    """How many are how far, the furthest first; `named`: and who."""
    badges, names = [], []
    for stage, badge in BADGES.items():
        there = [literal(each.name) for each in learners if each.stage is stage]
        if there:
            badges.append(badge.format(f"{len(there)} {stage}"))
            more = f" and {len(there) - MOST_NAMES} more" if len(there) > MOST_NAMES else ""
            names.append(f"{stage.capitalize()}: {', '.join(there[:MOST_NAMES])}{more}")
    return " ".join(badges) + ("\n\n" + "  \n".join(names) if named else "")


def _render_guesses(
    services: Services, lesson: Lesson, learners: Sequence[Learner], own: LessonGuess | None,
    own_runs: tuple[Run, ...], *, named: bool,
) -> None:  # fmt: skip
    visitor = who().id
    guesses = [
        GuessLine(each.name if named else "", each.guess.value, each.guess.curve, is_own=False)
        for each in learners
        if each.guess and each.guess.value is not None and (visitor is None or each.visitor != visitor)
    ]
    with_own = own is not None and own.value is not None
    if own is not None and own.value is not None:
        guesses.append(GuessLine("you", own.value, own.curve, is_own=True))
    together = trained_together(learners)
    if own_runs and own_runs not in together:
        together.append(own_runs)
    # Without runs of one's own, all are looked at alike.
    trained = [
        TrainedLine(
            guessed_curve(lesson.guess, [curves_of(services.store, run) for run in runs]),
            is_own=not own_runs or runs == own_runs,
        )
        for runs in together
    ]
    if not guesses and not any(each.curve for each in trained):
        st.caption("Guesses and curves appear here as they come in.")
        return
    is_over = bool(together) and all(run.state.is_finished for runs in together for run in runs)
    st.markdown(_guesses_in_words(lesson.guess, learners, trained, is_over=is_over, named=named))
    end = max([lesson.num_epochs, *(last_epoch(run) for runs in together for run in _guessed(lesson, runs))])
    st.vega_lite_chart(
        class_data(lesson.guess, guesses, trained, end),
        class_spec(title_of(lesson), lesson.guess, end, named=named, with_own=with_own),
        key=f"class-{lesson.name}-{end}-{named}-{with_own}", on_select="rerun", selection_mode=[ZOOM], width="stretch",
        alt=f"{title_of(lesson)}, by epoch: the guesses of the class and the trained curves",
    )  # fmt: skip


def _guessed(lesson: Lesson, runs: Sequence[Run]) -> Sequence[Run]:
    """Those whose curve was guessed."""
    return runs if lesson.guess.measure == "difference" else [runs[lesson.guess.run]]


def _guesses_in_words(
    guess: Guess, learners: Sequence[Learner], trained: Sequence[TrainedLine], *, is_over: bool, named: bool
) -> str:
    """How the guesses spread, and what came out; `named`: and whose was nearest."""
    unit, said = guess.unit, []
    spread = spread_of(learners)
    if spread is not None and spread.num_guesses > 1:
        said.append(
            f"**{spread.num_guesses} guesses** from {spread.least:.0f} to {spread.most:.0f} {unit}, half of them up to "
            f"{spread.median:.0f}."
        )
    ends = [each.curve[-1] for each in trained if each.is_own and each.curve]
    if len(ends) == 1:
        epoch, value = ends[0]
        said.append(
            f"In the end: **{value:.1f} {unit}**." if is_over else f"After epoch {epoch}: {value:.1f} {unit}."
        )
        nearest = closest_to(learners, value) if is_over and named else []
        if nearest:
            names = ", ".join(literal(each.name) for each in nearest[:5])
            said.append(f"Closest: **{names}**.")
    return " ".join(said)
