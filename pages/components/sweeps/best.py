"""The best trial of a sweep: its values, the ways into Design and Runs, and how far it can be trusted."""

import streamlit as st

from core.config.labels import named_value
from core.formatting import count_of
from core.store.trials import Trial
from core.sweeps.honesty import Honesty, guessing
from core.sweeps.report import SweepReport
from pages.components.kit.text import literal, unbroken
from pages.components.sweeps.readings import Readings, shown_choice

LUCK_OF_A_FRONT = (
    "Some trials may be on the front by luck, which is not estimated for several goals. Fresh seeds show which of them "
    "hold."
)
LUCK_HELP = (
    "Chance, such as the initial weights, makes each result a little better or worse. The best of many trials was "
    "usually lucky too. This is called the winner's curse. The standard deviation says how far results of the same "
    "settings typically lie from their mean."
)
CHANCE_HELP = (
    "Another trial may be the better one and was only less lucky. This is an estimate. To find out, train the best "
    "trials with fresh seeds, under Confirm."
)
ORDER_HELP = (
    "A search is worth its name if it finds good trials sooner than chance. So it is held against the same trials in "
    "every possible order. The chart shows both, with a band that holds 9 of 10 random orders."
)


def render_best(report: SweepReport, readings: Readings, *, is_live: bool) -> None:
    """What it reached, with which values, where to go with it, and how far to trust it."""
    assert report.best is not None
    found = report.confirmation
    confirmed = None if found is None or not found.is_complete or is_live else found.take
    trial = report.trials[report.best if confirmed is None else confirmed]
    values = report.reached[report.best]
    result = ", ".join(
        goal.show(value) if place == 0 else f"{goal.title.lower()} {goal.show(value)}"
        for place, (goal, value) in enumerate(zip(readings.goals, values, strict=True))
    )
    with st.container(border=True):
        word = "Most accurate of the front" if len(readings.goals) > 1 else "Best so far"
        if not is_live:
            word = word.removesuffix(" so far")
        if confirmed is None:
            st.markdown(f"#### {word}: trial {trial.number} with {literal(result)}")
        else:
            st.markdown(f"#### After the confirmation: trial {confirmed}")
            st.caption(f"The best of the search was trial {report.best} with {literal(result)}.")
        st.markdown(choices_line(trial))
        if level := guessing(trial):
            st.markdown(f":orange[:material/warning: {unbroken(level)}]")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            render_links(trial)
        if len(readings.goals) > 1:
            st.caption(f":material/casino: {LUCK_OF_A_FRONT}")
        fresh = report.fresh_seeds_sentence(trial.number)
        if fresh:
            st.caption(f":material/verified: {unbroken(fresh)}")
        _render_luck(report.honesty, is_measured=fresh is not None)


def _render_luck(honesty: Honesty | None, *, is_measured: bool) -> None:
    """How much of the best is luck, how likely it is the best, and what random order would have found.

    The first two are estimates, and left out where fresh seeds have measured it.
    """
    if honesty is None:
        return
    told: list[tuple[str, str | None]] = []
    if honesty.curse is not None and not is_measured:
        told += [(honesty.curse.sentence, LUCK_HELP), (honesty.curse.chance_sentence, CHANCE_HELP)]
    if honesty.curve is not None and len(honesty.curve.trials) > 1:
        told.append((honesty.curve.sentence, ORDER_HELP))
    if told and honesty.count_sentence:
        told.append((honesty.count_sentence, None))
    for sentence, help in told:
        st.caption(f":material/casino: {unbroken(sentence)}", help=help)


def choices_line(trial: Trial) -> str:
    """The values of a trial as Markdown, each setting's name plain and its value in bold."""
    return " · ".join(
        named_value(path, f"**{literal(shown_choice(path, value))}**")
        for path, value in trial.choices.items()
    )


def render_links(trial: Trial) -> None:
    """To the design and the runs of a trial."""
    runs = [each.run for each in trial.search_runs]
    if not runs:
        return
    st.page_link(
        "design.py", label="Open in Design", icon=":material/view_agenda:", query_params={"from": runs[0].id},
        width="content", help="Begins a new design with these settings.",
    )  # fmt: skip
    st.page_link(
        "runs.py", label="Open run" if len(runs) == 1 else f"Open {count_of(len(runs), 'run')}",
        icon=":material/monitoring:", query_params={"run": ",".join(run.id for run in runs)}, width="content",
    )  # fmt: skip
