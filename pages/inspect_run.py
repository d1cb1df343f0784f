"""Inspect: what a run gets wrong, how good it really is, and how far its probabilities can be believed.

Not `inspect.py`, which would stand in for the standard library's module of that name.
"""

import streamlit as st

from core.server.services import Services
from pages.components.inspect_run.address import View, forget_address, keep_address, read_view
from pages.components.inspect_run.calibration import render_calibration
from pages.components.inspect_run.choices import choose_part_and_weights, choose_run, runs_with_weights
from pages.components.inspect_run.classes import render_classes
from pages.components.inspect_run.confusion import render_confusion
from pages.components.inspect_run.elsewhere import render_elsewhere
from pages.components.inspect_run.evaluations import Evaluated, evaluate_here
from pages.components.inspect_run.how_good import render_how_good
from pages.components.inspect_run.inside import render_inside
from pages.components.inspect_run.over_epochs import render_over_epochs
from pages.components.inspect_run.own_pictures import render_own_button, render_own_pictures
from pages.components.inspect_run.picture_map import render_picture_map
from pages.components.inspect_run.pictures import render_pictures
from pages.components.inspect_run.report import render_report_button
from pages.components.inspect_run.side_by_side import render_side_by_side
from pages.components.kit import browser, session


def main() -> None:
    """The page."""
    st.title("Inspect", anchor=False)
    services = session.services()
    view = read_view()
    runs = runs_with_weights(services, view.run, view.other)
    if not runs:
        st.write("No run has weights yet. Train one first.")
        st.page_link("home.py", label="Start a run", icon=":material/play_arrow:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = choose_run(services, runs, view)
        which = choose_part_and_weights(services.workspace, run, view)
        render_own_button()
        render_report_button(services, run)
    evaluated = evaluate_here(services, run, which)
    if evaluated is not None:
        _render_parts(services, evaluated, view)
        render_side_by_side(services, evaluated, runs, view)
        render_elsewhere(services, evaluated)
    else:  # a network that cannot be measured, such as one whose data set is gone, answers all the same
        render_own_pictures(services, run)
    keep_address()
    browser.watch_width()


def _render_parts(services: Services, evaluated: Evaluated, view: View) -> None:
    shown = evaluated.on(view.split)
    key = f"{evaluated.run.id}-{view.split}-{shown.answers.epoch}"
    render_how_good(evaluated, view.split)
    render_confusion(shown, key)
    render_over_epochs(services, evaluated.run, shown.answers.class_names)
    render_pictures(services, evaluated.run, shown.answers, view)
    render_own_pictures(services, evaluated.run)
    render_picture_map(services, evaluated.run, shown.answers)
    render_inside(services, evaluated.run, shown.answers, view)
    left, right = st.columns([2, 3], gap="large")
    with left:
        render_calibration(shown, key)
    with right:
        render_classes(shown)


try:
    main()
except Exception:
    forget_address()
    raise
