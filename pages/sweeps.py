"""Sweeps: search settings for the best network, live, and honest about luck."""

import streamlit as st

from core.errors import SweepNotFound
from core.server.services import Services
from core.visitors.person import teacher_only
from pages.components.design.drafts import ensure_draft
from pages.components.kit import session
from pages.components.kit.redraw import render_folded, some_of
from pages.components.kit.text import literal
from pages.components.sweeps.address import BASE, keep_address, read_address
from pages.components.sweeps.as_file import render_as_file
from pages.components.sweeps.base import current_form, render_base
from pages.components.sweeps.form import render_search
from pages.components.sweeps.form_state import DESIGN
from pages.components.sweeps.listing import render_line
from pages.components.sweeps.plan import make_plan
from pages.components.sweeps.start import render_faults, render_start
from pages.components.sweeps.view import render_sweep

SWEEPS_PER_PAGE = 8
EXAMPLE = ("optimizer.learning_rate", "model.blocks[*].kernel_sizes")


def main() -> None:
    """The page."""
    st.title("Sweeps", anchor=False)
    if why := teacher_only("start a sweep"):
        st.caption(f":material/lock: {why}")
    services = session.services()
    asked = read_address(services)
    # The key holds the sweep that is shown: the form closes after a start, because it would offer the same sweep again.
    render_folded(
        "New sweep",
        f"new-sweep-{asked}",
        lambda: _render_form(services, is_open=asked is None),
        icon=":material/add:",
        expanded=asked is None,
    )
    keep_address(current_form(), asked)
    sweeps = services.store.sweeps.list_sweeps()
    if asked is not None:
        try:
            render_sweep(services, asked)
        except SweepNotFound:
            st.warning(
                f"There is no sweep “{literal(asked[:40])}” here. It may have been deleted.",
                icon=":material/link_off:",
            )
    if sweeps:
        st.subheader("All sweeps", anchor=False)
        for sweep in some_of(sweeps, SWEEPS_PER_PAGE, "sweeps-page"):
            render_line(services, sweep, is_shown=sweep.id == asked)
    elif asked is None:
        st.caption("No sweep has been started yet.")


def _render_form(services: Services, *, is_open: bool) -> None:
    form = current_form()
    if is_open and form.base == DESIGN:
        # The link on Design was drawn before the field that was left by clicking it.
        ensure_draft(services, keep=(BASE,), begins_again=False)
    base = render_base(services, form)
    if base is None:
        return
    entry, config = base
    if not form.rows and st.button("Fill in an example", icon=":material/auto_fix_high:"):
        for path in EXAMPLE:
            form.add(path, config)
        st.rerun()
    places = render_search(form, config)
    plan = make_plan(services, form, entry, config)
    render_faults(plan, places)
    render_start(services, form, plan)
    render_folded(
        "As a file: for the command line",
        f"sweep-file-{form.generation}",
        lambda: render_as_file(services, plan.values),
    )


main()
