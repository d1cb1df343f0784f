"""A class for pages that AppTest runs: who looks at them, without the server that would tell."""

import contextlib
from collections.abc import Iterator

import pytest

from core.server import key as key_module
from core.visitors import person as person_module
from core.visitors.person import Person

SECRET = "correct horse battery staple"
KEY = key_module.Key(SECRET, is_class=True)


@contextlib.contextmanager
def looking(person: Person) -> Iterator[None]:
    """Pages are drawn for this person of a class."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_module, "_taken", {"CONVDECK_TOKEN": KEY})
        patch.setattr(person_module, "_tell", lambda: person)
        yield
