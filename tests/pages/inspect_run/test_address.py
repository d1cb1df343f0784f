"""The address of Inspect: what it holds, and what is made of one that somebody typed."""

import pytest

from pages.components.inspect_run.address import View

EVERYTHING = View("aaaaaaaaaa", "validation", "last", "bbbbbbbbbb", 3, 0, "doubt")


@pytest.mark.parametrize("view", [View(), View("aaaaaaaaaa"), EVERYTHING])
def test_an_address_brings_back_what_it_was_made_of(view: View) -> None:
    assert View.from_parameters(view.to_parameters()) == view


def test_only_what_was_chosen_is_in_the_address() -> None:
    assert View("aaaaaaaaaa").to_parameters() == {"run": "aaaaaaaaaa"}
    assert EVERYTHING.to_parameters() == {
        "run": "aaaaaaaaaa",
        "split": "validation",
        "epoch": "last",
        "with": "bbbbbbbbbb",
        "is": "3",
        "taken_for": "0",
        "show": "doubt",
    }


@pytest.mark.parametrize(
    "nonsense",
    [
        {"split": "train"},
        {"show": "best"},
        {"is": "-1"},
        {"is": "²"},
        {"taken_for": "99999999999999999999"},
        {"is": "1.5", "epoch": "", "with": "", "run": ""},
        {"embed": "true"},
    ],
)
def test_what_cannot_be_read_is_as_without_it(nonsense: dict[str, str]) -> None:
    assert View.from_parameters(nonsense) == View()
