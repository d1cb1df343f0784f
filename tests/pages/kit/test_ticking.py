"""What draws itself again stands alone in its container: see `pages/components/kit/redraw.py` for what happens else."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.workspace import PROJECT_ROOT
from pages.components.kit import redraw

PAGES = PROJECT_ROOT / "pages"


def a_page() -> None:
    import streamlit as st

    from pages.components.kit.redraw import draw_ticking

    def draw(first: str, second: str) -> None:
        st.markdown(first)
        st.markdown(second)

    st.markdown("before")
    draw_ticking(draw, "one", "two", every=1.0)
    st.markdown("after")


def test_what_ticks_is_alone_in_its_container() -> None:
    page = AppTest.from_function(a_page).run()
    assert not page.exception
    before, place, after = page.main.children.values()
    assert (before.value, after.value) == ("before", "after")
    (own,) = place.children.values()
    assert [each.value for each in own.children.values()] == ["one", "two"]


def test_what_is_called_every_so_often_is_not_called_with_the_page(monkeypatch) -> None:
    calls, ticks = [], []
    monkeypatch.setattr(redraw, "draw_ticking", lambda draw, *, every: ticks.append((draw, every)))
    redraw.call_every(lambda *arguments: calls.append(arguments), "one", 2, every=10.0)
    ((tick, every),) = ticks
    tick()  # Streamlit does so in the page's own run
    assert (calls, every) == ([], 10.0)
    tick()
    tick()
    assert calls == [("one", 2)] * 2


@pytest.mark.parametrize(
    "path", sorted(PAGES.rglob("*.py")), ids=lambda path: path.relative_to(PAGES).as_posix()
)
def test_nothing_on_the_pages_ticks_in_any_other_way(path: Path) -> None:
    found = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "fragment"
    ]
    assert bool(found) == (path.relative_to(PAGES).as_posix() == "components/kit/redraw.py")
