"""Values that all visitors share: made once per epoch of a run, or asked of the engine in the background. The last
answer to a question of a page stays with the visit.

`st.cache_data` gives each caller a copy of its own, and looks at the signature of the function at every call: half a
millisecond each, of which a tick had five.
"""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import streamlit as st

from core.errors import ConvDeckError
from core.store.records import Run
from core.visitors.person import Person, acting_as, acting_person
from pages.components.kit import session
from pages.components.kit.text import error_text

Owner = TypeVar("Owner", bound=Hashable)
Value = TypeVar("Value")
P = ParamSpec("P")
KEPT = 64


@dataclass
class _Entry(Generic[Value]):
    """A version and its value, None until it is made."""

    kept: tuple[Hashable, Value] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)


class VersionedCache(Generic[Value]):
    """Values by name, each of the version that was asked for last, of at most `most` names. All callers share them
    and none may change one.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[Hashable, _Entry[Value]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: Hashable, version: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `name`, made by `make` where none of this version is kept.

        Of thirty who see the same epoch end, one makes it, and only those who want the same wait for it.
        """
        with self._lock:
            entry = self._entries.setdefault(name, _Entry())
            self._entries.move_to_end(name)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
        with entry.lock:
            if entry.kept is None or entry.kept[0] != version:
                entry.kept = version, make()
            return entry.kept[1]


def epoch_version(run: Run) -> tuple[Hashable, ...]:
    """A version of what is made from the epochs of a run: another one when it has one more."""
    # A resumed run forgets epochs that it trains again, at the moment that sets `started_at`.
    return run.attempt, run.started_at, run.epoch


def _by_epoch(owner: Hashable, run: Run) -> Hashable:
    return epoch_version(run)


def per_epoch(
    most: int, version: Callable[[Any, Run], Hashable] = _by_epoch
) -> Callable[[Callable[Concatenate[Owner, Run, P], Value]], Callable[Concatenate[Owner, Run, P], Value]]:
    """Decorate `make(owner, run, …)`: made once per epoch of a run, kept for `most` runs, shared by all callers.

    `owner` is the store or the services. Keyword arguments tell one value of a run from another. Further positional
    ones do not: what they hold must follow from the run and its version.
    """

    def decorate(
        make: Callable[Concatenate[Owner, Run, P], Value],
    ) -> Callable[Concatenate[Owner, Run, P], Value]:
        kept: VersionedCache[Value] = VersionedCache(most)

        @functools.wraps(make)
        def cached(owner: Owner, run: Run, *others: P.args, **which: P.kwargs) -> Value:
            name = owner, run.id, *which.items()
            return kept.get(name, version(owner, run), lambda: make(owner, run, *others, **which))

        return cached

    return decorate


def answer_of(key: tuple[Hashable, ...], ask: Callable[[], Any]) -> Any | None:
    """What `ask` returned for this key, or None as long as it has not returned; the first call asks.

    `ask` runs in a thread of its own and may not draw. What it raised is raised here, once; then it is asked again.
    """
    future = _asked(key, ask)
    if not future.done():
        return None
    if future.exception() is not None:
        _asked.clear(key, ask)
    return future.result()


def last_answer(place: str, key: tuple[Hashable, ...], ask: Callable[[], Any]) -> Any | str | None:
    """The same, or in a sentence what went wrong. The visit keeps the last answer of each `place`, until
    `forget_answer`: a sentence is not asked for again at each tick.
    """
    kept = session.widget_value(place)
    if kept is not None and kept[0] == key:
        return kept[1]
    try:
        found = answer_of(key, ask)
    except ConvDeckError as error:
        found = error_text(error)
    if found is not None:
        session.set_widget(place, (key, found))
    return found


def former_answer(place: str) -> Any | str | None:
    """The last answer of a place, to whatever question; None where there is none."""
    kept = session.widget_value(place)
    return None if kept is None else kept[1]


def forget_answer(place: str) -> None:
    """For another try."""
    session.set_widget(place, None)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _asked(key: tuple[Hashable, ...], _ask: Callable[[], Any]) -> "Future[Any]":
    return _threads().submit(functools.partial(_ask_as, acting_person(), _ask))


def _ask_as(person: Person, ask: Callable[[], Any]) -> Any:
    with acting_as(person):
        return ask()


@st.cache_resource(show_spinner=False)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="engine-question")
