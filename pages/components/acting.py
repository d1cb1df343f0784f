"""Doing something to one run or several: what one of them refuses is said, the others go on."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.errors import ConvDeckError
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.text import literal


def act_on(runs: Sequence[Run], act: Callable[[Run], object]) -> None:
    """Act on each run. What one of them refuses is said when the page is drawn anew; the others go on."""
    for run in runs:
        try:
            act(run)
        except (ConvDeckError, OSError) as error:
            session.flash(literal(str(error)))


def act_and_draw(runs: Sequence[Run], act: Callable[[Run], object]) -> None:
    """The same, and the page is drawn anew at once."""
    act_on(runs, act)
    st.rerun()


def counted(verb: str, affected: Sequence[Run], runs: Sequence[Run]) -> str:
    """The label of a button: with several runs, how many of them it is for."""
    return verb if len(runs) == 1 else f"{verb} {len(affected)}"
