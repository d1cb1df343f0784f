"""Lists that are too long for one drawing, a part at a time: which part it is, and how to get to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from core.comparison.comparison import Comparison
from core.formatting import count_of
from pages.components.compare.settings import Item
from pages.components.kit import session

T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[T]):
    """`items` are those from `first` to `last`, counted from 1, of `total`."""

    items: Sequence[T]
    first: int
    last: int
    total: int

    @property
    def is_all(self) -> bool:
        return len(self.items) == self.total

    def in_words(self, noun: str) -> str:
        """`runs 1 to 24 of 40`, `run 25 of 25`."""
        if self.first == self.last:
            return f"{noun} {self.first:,} of {self.total:,}"
        return f"{noun}s {self.first:,} to {self.last:,} of {self.total:,}"


def part_of(items: Sequence[T], at_once: int, page: int) -> Part[T]:
    """The part on this page, counted from 1; the last one for a page beyond it."""
    first = (_existing(page, len(items), at_once) - 1) * at_once
    part = items[first : first + at_once]
    return Part(part, first + 1, first + len(part), len(items))


def _existing(page: int, total: int, at_once: int) -> int:
    """This page, or the last one for a page beyond it."""
    return min(page, max(1, -(-total // at_once)))


def render_pager(comparison: Comparison, at_once: int, key: str, what: str) -> Part[Item]:
    """The runs or groups to draw now. Where these are not all, a line above says `what` is shown of which runs, with
    buttons for the previous and next ones. A new filter, order or grouping starts with the first part.
    """
    query = comparison.query
    items: Sequence[Item] = comparison.groups if query.is_grouped else comparison.runs
    asked = query.where, query.text, query.sort, query.group_by, query.hidden
    page_key, asked_key = f"compare-{key}-page", f"compare-{key}-of"
    if session.widget_value(asked_key) != asked:
        session.set_widget(asked_key, asked)
        session.set_widget(page_key, 1)
    # Of fewer runs than before, as after a deletion, the page may be gone, and the one before it would be drawn twice.
    page = _existing(session.widget_value(page_key), len(items), at_once)
    session.set_widget(page_key, page)
    part = part_of(items, at_once, page)
    if part.is_all:
        return part
    noun = "group" if query.is_grouped else "run"
    before, after = part.first - 1, part.total - part.last
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            f"Previous {at_once}", key=f"compare-{key}-previous", icon=":material/chevron_left:", disabled=not before,
            on_click=session.set_widget, args=(page_key, page - 1),
        )  # fmt: skip
        st.button(
            f"Next {min(at_once, after) or at_once}", key=f"compare-{key}-next", icon=":material/chevron_right:",
            icon_position="right", disabled=not after, on_click=session.set_widget, args=(page_key, page + 1),
        )  # fmt: skip
        st.markdown(f"{what} {part.in_words(noun)}, in the order of the table.", width="content")
        st.caption(f"The table and every number are of all {count_of(part.total, noun)}.", width="content")
    return part
