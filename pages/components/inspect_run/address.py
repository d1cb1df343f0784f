"""What of a run is inspected, kept in the address: a link restores all of it, and each field shows a part of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import streamlit as st

from core.inspection.answers import BEST, SPLITS
from pages.components.kit import session
from pages.components.kit.address import is_back, is_entered
from pages.components.kit.widget_values import if_drawn, show_value

# What the page answers to, and the last addresses that it has left itself: a click that follows soon after another
# comes with one of these, as the browser has not heard of the new one yet.
NOW, LEFT, KEPT = "inspect-address-now", "inspect-addresses-left", "inspect-address"
MOST_LEFT = 8
MOST_DIGITS = 6
ANY, NO_RUN = -1, ""  # what a field of classes, and of another run or a tag, shows without one
# Which pictures: an order of mistakes or, of the last two, of all pictures and of those that are right.
PICTURES = {
    "loss": "Worst mistakes",
    "confidence": "Surest mistakes",
    "doubt": "Most doubtful",
    "right": "Right answers",
}
# Fields whose name in the address is another one.
_NAMES = {"other": "with", "truth": "is", "answer": "taken_for", "pictures": "show"}


@dataclass(frozen=True)
class View:
    """A run's weights on a part of its data set; another run beside it; which pictures, by class and by answer."""

    run: str | None = None
    split: str = "test"
    epoch: str = BEST
    other: str | None = None
    truth: int | None = None
    answer: int | None = None
    pictures: str = "loss"
    tag: str | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> "View":
        """What cannot be read is as it is without a word."""
        found = {each.name: parameters.get(_NAMES.get(each.name, each.name)) for each in fields(cls)}
        split, pictures = found["split"], found["pictures"]
        return cls(
            run=found["run"] or None, split=split if split in SPLITS else "test", epoch=found["epoch"] or BEST,
            other=found["other"] or None, truth=_class(found["truth"]), answer=_class(found["answer"]),
            pictures=pictures if pictures in PICTURES else "loss", tag=found["tag"] or None,
        )  # fmt: skip

    def to_parameters(self) -> dict[str, str]:
        """The run, and what is not as it is without a word."""
        plain = View()
        return {
            _NAMES.get(each.name, each.name): str(getattr(self, each.name))
            for each in fields(self)
            if getattr(self, each.name) != getattr(plain, each.name)
        }


def read_view() -> View:
    """What the address asks for; without a word there, what this visitor looked at before."""
    asked, now, kept = _asked(), session.widget_value(NOW), session.widget_value(KEPT)
    is_late = now is not None and not is_entered() and not is_back() and asked in session.widget_value(LEFT)
    if is_late:
        st.query_params.from_dict(now)
    elif not dict(st.query_params) and kept:
        st.query_params.from_dict(kept)
    _note_move(_asked())
    return View.from_parameters(_asked())


def current_view() -> View:
    """What the page shows, for a callback, whose request may have come with an address before."""
    return View.from_parameters(_now())


def show_run(run_id: str) -> None:
    """The run that is shown although the address names none, or none that is here: say so there."""
    _move_to(replace(current_view(), run=run_id))


def keep_address() -> None:
    """Come back to this view later. For when it has been drawn: what cannot be drawn would fail at each visit."""
    session.set_widget(KEPT, _asked())


def forget_address() -> None:
    """Come back to the plain view."""
    session.set_widget(KEPT, {})


def change(**values: Any) -> None:
    """Look at something else. Another run may have other classes, and weights of other epochs."""
    if "run" in values:
        values = {"truth": None, "answer": None, "other": None, "epoch": BEST, "tag": None, **values}
    _move_to(replace(current_view(), **values))


def field(name: str, value: Any) -> dict[str, Any]:
    """What makes a widget show `value` and change the view's `name`: its key and callback."""
    key = f"inspect-{name}"
    show_value(key, value)
    return {"key": key, "on_change": _take, "args": (key, name)}


@if_drawn
def _take(key: str, name: str) -> None:
    value = session.widget_value(key)
    change(**{name: None if value in (ANY, NO_RUN) else value})


def _asked() -> dict[str, str]:
    """What the address says to this page; it may hold other keys, such as `embed`."""
    known = {_NAMES.get(each.name, each.name) for each in fields(View)}
    return {name: value for name, value in dict(st.query_params).items() if name in known}


def _now() -> dict[str, str]:
    now: dict[str, str] | None = session.widget_value(NOW)
    return _asked() if now is None else now


def _move_to(view: View) -> None:
    st.query_params.from_dict(view.to_parameters())
    _note_move(_asked())


def _note_move(now: dict[str, str]) -> None:
    before, left = session.widget_value(NOW), session.widget_value(LEFT) or ()
    if before is not None and before != now:
        left = (*left, before)
    session.set_widget(LEFT, tuple(each for each in left if each != now)[-MOST_LEFT:])
    session.set_widget(NOW, now)


def _class(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None
