"""The value that a widget shows, where Streamlit's own parameter for it will not do.

That is where something else than the widget may change it, and for a number field that may be empty: cleared, it would
fall back to the `value` that it was drawn with.

Streamlit (1.67) sends such a value once. The browser does not get it where a click interrupts the page before the
message has left, or is made before the browser has loaded its script for the widget: then it shows an empty field, and
with the next click the server takes that for the visitor's wish. So here the value is sent until the browser has
answered with one of this widget.
"""

from typing import Any

from pages.components.kit import session


def first_value(key: str, value: Any) -> None:
    """Have the widget `key`, which is drawn after this, begin with `value`; one that is there already keeps its own."""
    show_value(key, session.widget_value(key, value))


def show_value(key: str, value: Any) -> None:
    """Have the widget `key`, which is drawn after this, show `value`, also when something else has changed it."""
    if session.widget_value(key) != value or not session.has_browser_answered(key):
        session.set_widget(key, value)
