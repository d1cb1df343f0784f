"""Names of visitors."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.visitors.names import MAX_NAME_CHARACTERS, check_visitor_name, friendly_name, name_key, next_free


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Anna", "Anna"),
        ("  Anna\t Maria\n", "Anna Maria"),
        ("Jean-Luc", "Jean-Luc"),
        ("Sinéad O'Neil", "Sinéad O'Neil"),
        ("D\u2019Arcy 7", "D\u2019Arcy 7"),
        ("Ivan 2b", "Ivan 2b"),
        ("Зоя", "Зоя"),
        ("王芳", "王芳"),
        ("प्रिया", "प्रिया"),
        ("Zoe\u0308", "Zoë"),
    ],
)
def test_people_are_called_what_they_are_called(typed, name):
    assert check_visitor_name(typed) == name


@pytest.mark.parametrize(
    "typed",
    [
        "", "   ", "<b>Anna</b>", "**Anna**", "_Anna_", "`Anna`", "[Anna](http://x)", "http://x.example",
        "Anna:fox_face:", "$x$", "Anna & Co", "1. Anna", "2 fast", "- Anna", "# Anna", "Anna--Maria",
        "Anna\u202eegnaro", "Anna\u0000", "Anna\u200b", "Anna.example", "\u0301Anna", "x" * 31, "Teacher",
        "THE  TEACHER", "ConvDeck", "You", None, 5, "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_plain_name_is_refused_in_words(typed):
    with pytest.raises(UserError) as refused:
        check_visitor_name(typed)
    assert str(refused.value).endswith((".", "”"))


@given(st.text(max_size=40))
def test_nothing_of_a_name_can_be_markup(typed):
    try:
        name = check_visitor_name(typed)
    except UserError:
        return
    assert html.escape(name, quote=False) == name
    assert not re.search(r"[\\`*_{}\[\]()#+.!|<>~:$&@/\"\x00-\x1f]", name)
    assert check_visitor_name(name) == name


def test_names_that_look_the_same_are_the_same():
    for other in ("anna", "ANNA", "Ánna", "Anna ", "A\uff4ena"):
        assert name_key(other) == name_key("Anna")
    assert name_key("Jean-Luc") == name_key("jean luc") != name_key("jeanluc")


def test_a_made_name_is_free_and_allowed():
    taken = set()
    for _ in range(1400):  # more than there are
        name = friendly_name(taken)
        assert check_visitor_name(name) == name and name_key(name) not in taken
        taken.add(name_key(name))


def test_a_taken_name_gets_the_next_number():
    assert next_free("Anna", {"anna"}) == "Anna 2"
    assert next_free("Anna", {"anna", "anna 2", "anna 3"}) == "Anna 4"
    long = "A" * MAX_NAME_CHARACTERS
    assert check_visitor_name(next_free(long, {name_key(long)})).endswith(" 2")
