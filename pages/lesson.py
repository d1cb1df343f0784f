"""Lesson: one thing to understand, with everything set beforehand and nothing else to click."""

import streamlit as st

from core.errors import UserError
from core.onboarding.lessons import get_lesson
from pages.components.home.lesson import PARAMETER, render_lesson, render_lessons
from pages.components.kit import session
from pages.components.kit.text import error_text, literal


def main() -> None:
    """The page."""
    name = st.query_params.get(PARAMETER)
    try:
        lesson = None if name is None else get_lesson(name)
    except UserError as error:
        st.warning(literal(error_text(error)), icon=":material/link_off:")
        lesson = None
    if lesson is None:
        st.title("Lessons", anchor=False)
        render_lessons(session.services())
        st.page_link("home.py", label="All of ConvDeck", icon=":material/home:")
        return
    render_lesson(session.services(), lesson)


main()
