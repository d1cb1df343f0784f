"""What visitors are called: a name that they give, or a friendly one that is made."""

import re
import secrets
import unicodedata
from collections.abc import Collection

from core.errors import UserError

MAX_NAME_CHARACTERS = 30
_COLOURS = (
    "Amber", "Blue", "Bronze", "Coral", "Crimson", "Golden", "Green", "Indigo", "Ivory", "Jade", "Lilac", "Olive",
    "Orange", "Pearl", "Pink", "Purple", "Red", "Rose", "Ruby", "Scarlet", "Silver", "Teal", "Turquoise", "Violet",
    "White", "Yellow",
)  # fmt: skip
_ANIMALS = (
    "Badger", "Bear", "Beaver", "Bison", "Camel", "Cat", "Crane", "Deer", "Dolphin", "Dove", "Eagle", "Falcon",
    "Ferret", "Finch", "Fox", "Frog", "Gecko", "Hare", "Hedgehog", "Heron", "Horse", "Koala", "Lark", "Lion", "Lynx",
    "Mole", "Moose", "Mouse", "Newt", "Otter", "Owl", "Panda", "Penguin", "Puffin", "Rabbit", "Raven", "Robin", "Seal",
    "Sparrow", "Squirrel", "Stork", "Swan", "Tiger", "Toad", "Turtle", "Whale", "Wolf", "Wren", "Yak", "Zebra",
)  # fmt: skip
# These would pass for somebody else in “X's run”.
_RESERVED = {"teacher", "the teacher", "you", "me", "convdeck", "visitor", "a visitor"}
_BETWEEN_WORDS = " '\N{RIGHT SINGLE QUOTATION MARK}-"
_PARTS = re.compile(f"[{_BETWEEN_WORDS}]")


def friendly_name(taken: Collection[str] = ()) -> str:
    """`Green Otter`: one of 1,300 that is not among `taken`, which are keys of `name_key`; with a number if all are."""
    free = [
        f"{colour} {animal}"
        for colour in _COLOURS
        for animal in _ANIMALS
        if name_key(f"{colour} {animal}") not in taken
    ]
    if free:
        return secrets.choice(free)
    return next_free(f"{secrets.choice(_COLOURS)} {secrets.choice(_ANIMALS)}", taken)


def next_free(name: str, taken: Collection[str]) -> str:
    """`Anna 2`: the name with the first number that makes it another one than those taken."""
    number = 2
    while True:
        end = f" {number}"
        numbered = name[: MAX_NAME_CHARACTERS - len(end)].rstrip(_BETWEEN_WORDS) + end
        if name_key(numbered) not in taken:
            return numbered
        number += 1


def check_visitor_name(name: object) -> str:
    """The name on one line, with single spaces. Raises UserError for one that is not allowed.

    Letters, digits and single spaces, hyphens and apostrophes between them: nothing that Markdown, HTML or a link
    begins with.
    """
    if not isinstance(name, str):
        raise UserError("A name must be text.")
    shown = re.sub(r"\s+", " ", unicodedata.normalize("NFC", name)).strip()
    if not shown:
        raise UserError("Type a name, so that others see whose runs are yours.")
    if len(shown) > MAX_NAME_CHARACTERS:
        raise UserError(f"A name has at most {MAX_NAME_CHARACTERS} characters, not {len(shown):,}.")
    if not all(map(_is_word, _PARTS.split(shown))):
        raise UserError(
            "A name has letters and digits, and between them single spaces, hyphens or apostrophes; "
            "it begins with a letter."
        )
    if not unicodedata.category(shown[0]).startswith("L"):
        raise UserError("A name begins with a letter.")
    if name_key(shown) in _RESERVED:
        raise UserError(f"“{shown}” would be mistaken for somebody else. Choose another name.")
    return shown


def name_key(name: str) -> str:
    """The same for names that people would not tell apart: case, accents and signs between words do not count."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return " ".join(_PARTS.sub(" ", "".join(c for c in plain if not unicodedata.combining(c))).split())


def _is_word(part: str) -> bool:
    """Letters, digits and marks on them: scripts such as Devanagari write vowels as marks, which letters carry."""
    categories = [unicodedata.category(character) for character in part]
    letters = [category[0] == "L" or category == "Nd" for category in categories]
    marks = [category in ("Mn", "Mc") for category in categories]
    return bool(part) and letters[0] and all(map(any, zip(letters, marks, strict=True)))
