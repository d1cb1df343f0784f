"""The value that a widget begins with reaches the browser, whatever is clicked meanwhile."""

from collections.abc import Callable

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest


def _fields() -> None:
    import streamlit as st

    from pages.components.kit.widget_values import first_value

    first_value("pictures", 300)
    st.number_input("Pictures", value=None, key="pictures")
    first_value("method", "tpe")
    st.selectbox("Method", ["grid", "random", "tpe"], key="method")
    st.button("Another")


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_function(_fields, default_timeout=180).run()


def _forget_the_fields(page: AppTest) -> None:
    """As when a click comes before the browser has drawn the fields: it sends no value of theirs."""
    page._tree.children[0].children.clear()


def test_it_is_sent_again_where_the_browser_has_not_got_it(page: AppTest) -> None:
    for _ in range(2):
        _forget_the_fields(page)
        page.run()
        number, choice = page.number_input(key="pictures"), page.selectbox(key="method")
        assert (number.proto.set_value, number.proto.value) == (True, 300)
        assert (choice.proto.set_value, choice.proto.raw_value) == (True, "tpe")


def test_it_is_sent_no_more_once_the_browser_has_it(page: AppTest) -> None:
    """What a person is typing into the field would be overwritten."""
    page.button[0].click().run()
    assert not page.number_input(key="pictures").proto.set_value
    assert not page.selectbox(key="method").proto.set_value


@pytest.mark.parametrize("value", [None, 500])
def test_what_the_person_enters_stays(page: AppTest, value: int | None) -> None:
    page.number_input(key="pictures").set_value(value).run()
    page.button[0].click().run()
    assert page.number_input(key="pictures").value == value
    _forget_the_fields(page)
    page.run()
    assert page.number_input(key="pictures").value == value


def _folded() -> None:
    import streamlit as st

    from pages.components.kit.widget_values import if_drawn

    @if_drawn
    def take(key: str, name: str) -> None:
        st.session_state.setdefault("taken", []).append((name, st.session_state[key]))

    st.session_state.setdefault("taken", [])
    if st.toggle("More", key="more"):
        st.toggle("Flip", key="flip", on_change=take, args=("flip", "mirrored"))
    st.button("Another", key="another")


def _states(*held: tuple[str, bool]) -> WidgetStates:
    """What the browser sends: the values of these widgets, by their ids."""
    sent = WidgetStates()
    for widget_id, value in held:
        state = sent.widgets.add()
        state.id, state.bool_value = widget_id, value
    return sent


@pytest.fixture
def unfolded() -> tuple[AppTest, Callable[[bool, bool], None]]:
    """A page whose fold is open, and how the browser asks for it with the values of fold and switch."""
    page = AppTest.from_function(_folded, default_timeout=180).run()
    page.toggle(key="more").set_value(True).run()
    more, flip = (page.toggle(key=key).proto.id for key in ("more", "flip"))
    return page, lambda is_open, mirrored: page._run(_states((more, is_open), (flip, mirrored)))


def test_what_a_person_changes_is_taken(unfolded) -> None:
    page, ask = unfolded
    ask(True, True)
    assert page.session_state["taken"] == [("mirrored", True)]


def test_a_value_of_a_widget_that_the_last_run_left_out_is_not(unfolded) -> None:
    """The browser sends it along as long as it has not heard that this run has ended."""
    page, ask = unfolded
    ask(True, True)
    ask(False, True)
    assert not [each for each in page.toggle if each.key == "flip"]
    ask(True, True)
    assert page.session_state["taken"] == [("mirrored", True)]
    # Drawn again, it counts again.
    ask(True, False)
    assert page.session_state["taken"] == [("mirrored", True), ("mirrored", False)]
