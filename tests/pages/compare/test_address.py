"""How the page looks at runs is in its address, and quick clicks lose nothing of it."""

import pytest

from pages.components.compare import address as of_compare
from tests.pages.compare.seen import set_field
from tests.pages.visits import address, go_to, open_page, words

PAGE = "compare.py"


def shown(page) -> dict[str, str]:
    return {name: address(page, name) for name in page.query_params}


def ask(page, query: dict[str, str]) -> None:
    """Let the browser's next request come with this address."""
    page.query_params.clear()
    for name, value in query.items():
        page.query_params[name] = value


def test_a_click_that_comes_with_the_address_before_changes_only_its_own_part(store, runs):
    """The browser sends the address that it has: after a quick second click that is the one before the first."""
    page = open_page(PAGE, text="rate 0.003")
    at_first = shown(page)
    set_field(page, "segmented_control", "grouping", "alike")
    grouped = {**at_first, "group_by": "all-but-seed"}
    assert shown(page) == grouped
    for clicked in ("differences", "scatter"):  # the second is two steps ahead of the browser
        ask(page, at_first)
        set_field(page, "segmented_control", "kind", clicked)
        assert shown(page) == {**grouped, "show": clicked}
    ask(page, at_first)
    set_field(page, "text_input", "text", "rate 0.003 batch 32")
    assert shown(page) == {**grouped, "show": "scatter", "text": "rate 0.003 batch 32"}
    # What has no part in the address, as a tick in the table.
    ask(page, grouped)
    page.run()
    assert shown(page) == {**grouped, "show": "scatter", "text": "rate 0.003 batch 32"}
    assert "10 of 40 runs in 2 groups." in words(page)


def test_back_leads_to_the_address_before(store, monkeypatch):
    page = open_page(PAGE, text="rate 0.003")
    at_first = shown(page)
    set_field(page, "segmented_control", "grouping", "alike")
    monkeypatch.setattr(of_compare, "is_back", lambda: True)
    ask(page, at_first)
    page.run()
    assert shown(page) == at_first and "20 of 40 runs." in words(page)


@pytest.mark.parametrize("query", [{"text": "rate 0.003"}, {"sort": "-gap"}])
def test_a_link_from_another_page_counts_also_when_its_address_was_left_here(store, query):
    page = open_page(PAGE, **query)
    set_field(page, "segmented_control", "grouping", "alike")
    go_to(page, "system.py")
    go_to(page, PAGE, **query)
    assert shown(page) == query
    go_to(page, "system.py")
    go_to(page, PAGE)
    assert shown(page) == query  # without a word there, what was looked at before
