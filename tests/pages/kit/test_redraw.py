"""A long list a few entries at a time."""

from streamlit.testing.v1 import AppTest


def listing(count: int) -> None:
    import streamlit as st

    from pages.components.kit.redraw import some_of

    st.text(" ".join(map(str, some_of(range(count), 4, "numbers"))))


def test_only_a_list_that_is_longer_has_pages():
    page = AppTest.from_function(listing, kwargs={"count": 4}, default_timeout=60).run()
    assert page.text[0].value == "0 1 2 3" and not page.get("pagination")
    page = AppTest.from_function(listing, kwargs={"count": 9}, default_timeout=60)
    page.session_state["numbers-of-3"] = 3
    assert page.run().text[0].value == "8"
    # A list that has grown shorter has another field.
    page = AppTest.from_function(listing, kwargs={"count": 5}, default_timeout=60)
    page.session_state["numbers-of-3"] = 3
    assert page.run().text[0].value == "0 1 2 3" and page.get("pagination")
