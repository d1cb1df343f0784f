"""The value that a widget begins with reaches the browser, whatever is clicked meanwhile."""

import pytest
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
