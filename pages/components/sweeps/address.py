"""What is open on the page of sweeps, kept in its address: a sweep, or what a new one starts from."""

from collections.abc import Mapping

import streamlit as st

from core.errors import SweepNotFound
from core.server.services import Services
from pages.components.design.drafts import ADDRESS as OF_THE_DRAFT
from pages.components.kit import session
from pages.components.kit.address import is_back, is_entered
from pages.components.sweeps.base import current_form
from pages.components.sweeps.form_state import DESIGN, FILE, SweepForm

SWEEP, BASE = "sweep", "base"
OPEN = "open-sweep"
# The one of the last request, and the one that it was answered with: the address may be a step behind.
SWEEPS, BASES = "sweeps-in-the-address", "bases-in-the-address"


def read_address(services: Services) -> str | None:
    """The id of the sweep that is open; None for a new one, which starts from what `?base=` says.

    `?base=design`, `?base=preset:NAME` or `?base=run:ID`. Without a word there, the sweep that this visitor looked at
    before, as on Runs and Compare.
    """
    asked = st.query_params.to_dict()
    opened = _opened(services, asked)
    _remember(asked.get(SWEEP), opened)
    session.set_widget(OPEN, opened)
    base = asked.get(BASE, "")
    if opened is None and _is_news(BASES, base) and _is_base(base):
        form = current_form()
        form.base = base
        session.set_widget(f"sweep-base-{form.generation}", base)
    return opened


def keep_address(form: SweepForm, sweep_id: str | None) -> None:
    """Put what is open into the address, once the form was drawn."""
    asked = st.query_params.to_dict()
    if sweep_id is not None:
        wanted = {SWEEP: sweep_id}
    elif form.base == DESIGN:
        wanted = {name: value for name, value in asked.items() if name in (BASE, *OF_THE_DRAFT)}
        wanted |= {BASE: DESIGN} if BASE in asked else {}
    else:
        wanted = {} if form.base == FILE else {BASE: form.base}
    session.set_widget(BASES, (asked.get(BASE), wanted.get(BASE)))
    if asked != wanted:
        st.query_params.from_dict(wanted)


def open_sweep(sweep_id: str) -> None:
    """Show a sweep, also one whose address is the one before: only a click can tell that it is meant."""
    session.set_widget(SWEEPS, (session.widget_value(OPEN), sweep_id))
    session.set_widget(OPEN, sweep_id)
    st.query_params.from_dict({SWEEP: sweep_id})


def close() -> None:
    """Show no sweep."""
    session.set_widget(SWEEPS, (session.widget_value(OPEN), None))
    session.set_widget(OPEN, None)
    st.query_params.clear()


def is_left(sweep_id: str) -> bool:
    """Whether the address of this sweep is the one before, so that a link to it would not be followed."""
    return sweep_id in (session.widget_value(SWEEPS) or ()) and sweep_id != session.widget_value(OPEN)


def _opened(services: Services, asked: Mapping[str, str]) -> str | None:
    if not asked and is_entered() and not is_back():
        return _looked_at(services)
    if _is_news(SWEEPS, asked.get(SWEEP)):
        return asked.get(SWEEP)
    kept: str | None = session.widget_value(OPEN)
    return kept


def _is_news(pair: str, asked: str | None) -> bool:
    return is_entered() or is_back() or asked not in (session.widget_value(pair) or ())


def _remember(asked: str | None, answered: str | None) -> None:
    """The address before is remembered until there is another one: it may come with any number of requests."""
    before = session.widget_value(SWEEPS)
    if is_entered() or asked != answered or before is None:
        session.set_widget(SWEEPS, (asked, answered))
    elif before[1] != answered:
        session.set_widget(SWEEPS, (answered, answered))


def _is_base(asked: str) -> bool:
    kind, _, name = asked.partition(":")
    return asked == DESIGN or (kind in ("preset", "run") and bool(name))


def _looked_at(services: Services) -> str | None:
    kept: str | None = session.widget_value(OPEN)
    if kept is not None:
        try:
            services.store.sweeps.get(kept)
        except SweepNotFound:
            return None
    return kept
