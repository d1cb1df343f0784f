"""The value that a widget shows, where Streamlit's own parameter for it will not do.

That is where something else than the widget may change it, and for a number field that may be empty: cleared, it would
fall back to the `value` that it was drawn with.

Streamlit (1.67) sends such a value once. The browser does not get it where a click interrupts the page before the
message has left, or is made before the browser has loaded its script for the widget: then it shows an empty field, and
with the next click the server takes that for the visitor's wish. So here the value is sent until the browser has
answered with one of this widget.
"""

import functools
import secrets
from collections.abc import Callable
from typing import Any

from pages.components.kit import session


def if_drawn(take: Callable[..., None]) -> Callable[..., None]:
    """For a widget's callback, whose first argument is the widget's key: not called once the widget `session.has_gone`.

    For each callback that puts the widget's value somewhere else: a widget that is gone has the value of back then.
    """

    @functools.wraps(take)
    def callback(key: str, *arguments: Any) -> None:
        if not session.has_gone(key):
            take(key, *arguments)

    return callback


def first_value(key: str, value: Any) -> None:
    """Have the widget `key`, which is drawn after this, begin with `value`; one that is there already keeps its own."""
    show_value(key, session.widget_value(key, value))


def show_value(key: str, value: Any) -> None:
    """Have the widget `key`, which is drawn after this, show `value`, also when something else has changed it."""
    if session.widget_value(key) != value or not session.has_browser_answered(key):
        session.set_widget(key, value)


def key_for(name: str, value: Any) -> str:
    """The key for a widget that shows `value`, which something else than the widget changes too: another key then.

    For a widget whose change has an effect. Of one that keeps its key, the browser may show and send the value before
    for as long as it has not got the new one, and its callback would take that for the visitor's wish. By chance and
    not by counting, as `session.design_generation`. The widget's own callback has to say `note_value`, and to be
    one for `if_drawn`.
    """
    known = session.widget_value(_shown(name))
    if known is None or known[1] != value:
        known = secrets.token_hex(4), value
        session.set_widget(_shown(name), known)
    return f"{name}-{known[0]}"


def note_value(name: str, value: Any) -> None:
    """In the callback of the widget `name`: it shows `value` already, so it stays the same widget."""
    known = session.widget_value(_shown(name))
    if known is not None:
        session.set_widget(_shown(name), (known[0], value))


def _shown(name: str) -> str:
    return f"shown-{name}"
