"""Who looks at this page: the person of this machine, or in a class the teacher or one of its visitors."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext

from core.server.key import has_class
from core.server.services import Services
from core.store.records import Run
from core.store.store import Store
from core.visitors.person import PERSON_HEADER, STRANGER, TEACHERS, UNKNOWN, Person, acting_person

_KNOWN = "_convdeck_person"


def who() -> Person:
    """Who looks at this page. `core.visitors.person.acting_person` finds the same one, for what the page asks core."""
    return acting_person()


def tell_person() -> Person | None:
    """Whom the server's access layer let in with the connection that this script runs for; None without a class.

    In a class, a thread whose person is not known acts as STRANGER; `acting_as` says for whom it acts.
    """
    if not has_class():
        return None
    context = get_script_run_ctx(suppress_warning=True)
    return STRANGER if context is None else _person_of(context)


def _person_of(context: ScriptRunContext) -> Person:
    """The same one until the run of the script ends, for its connection may end before."""
    run = context.cursors  # another dict for each run, also of a fragment, where the context may be the same
    known: tuple[object, Person] | None = getattr(context, _KNOWN, None)
    if known is not None and known[0] is run:
        return known[1]
    header = st.context.headers.get(PERSON_HEADER)
    if header is None:
        return STRANGER
    person = Person.from_header(header)
    setattr(context, _KNOWN, (run, person))
    return person


def own_of(services: Services, runs: Sequence[Run], what: str) -> tuple[list[Run], str | None]:
    """Those with which the person who looks may do `what` (`stop`, `delete`, …); where it is none of them, why not."""
    person = who()
    own = [run for run in runs if person.may_change(run.visitor)]
    return own, None if own or not runs else services.store.visitors.refusal(runs[0].visitor, what)


def starters(store: Store, runs: Sequence[Run]) -> list[str | None]:
    """Who has started each, as `started_by` says it; None where there is no class."""
    person = who()
    if not person.is_in_class:
        return [None] * len(runs)
    names = store.visitors.names()
    return [_starter(person, run.visitor, names) for run in runs]


def started_by(store: Store, run: Run) -> str:
    """` · by Anna`, to follow what is said of a run; empty where there is no class. Not escaped."""
    starter = starters(store, [run])[0]
    return "" if starter is None else f" · by {starter}"


def _starter(person: Person, visitor_id: str | None, names: Mapping[str, str]) -> str:
    if person.id == visitor_id and person.may_change(visitor_id):
        return "you"
    return TEACHERS if visitor_id is None else names.get(visitor_id, UNKNOWN)


def name_of(services: Services, person: Person) -> str:
    """What a person is called on a page, in the middle of a sentence: `Anna`, `the teacher`. Not escaped."""
    visitor = None if person.id is None else services.store.visitors.get(person.id)
    if visitor is not None:
        return visitor.name
    return UNKNOWN if person.is_visitor else TEACHERS
