"""Who does something: the person of this machine, the teacher of a class, or one of its visitors; and
what a visitor may not do, in sentences that pages show beforehand and core raises with.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from core.errors import NotAllowed

Role = Literal["machine", "teacher", "visitor"]


@dataclass(frozen=True)
class Person:
    """Only visitors have an `id`, which their runs keep. What has no visitor belongs to the machine and the teacher."""

    role: Role
    id: str | None = None

    @property
    def is_visitor(self) -> bool:
        """Whether this person has rights on what is their own alone."""
        return self.role == "visitor"

    @property
    def is_in_class(self) -> bool:
        """Whether there is a class at all: without one there is only the person of this machine."""
        return self.role != "machine"

    def may_change(self, visitor_id: str | None) -> bool:
        """Whether this person may change what the visitor `visitor_id` has started; None: what the teacher has."""
        return not self.is_visitor or (visitor_id is not None and visitor_id == self.id)

    def to_header(self) -> str:
        """As the value of PERSON_HEADER."""
        return self.role if self.id is None else f"{self.role} {self.id}"

    @classmethod
    def from_header(cls, value: str | None) -> "Person":
        """What `to_header` gave. Anything else is a visitor to whom nothing belongs."""
        if value == TEACHER.role:
            return TEACHER
        role, _, visitor_id = (value or "").partition(" ")
        return cls("visitor", visitor_id if role == "visitor" and visitor_id else None)


# The command line, the scheduler and workers act as this one, and so does all of a server without a class.
MACHINE = Person("machine")
TEACHER = Person("teacher")
STRANGER = Person("visitor")  # one that the class does not know; nothing belongs to them
TEACHERS = "the teacher"
UNKNOWN = "a visitor"  # one who is not in this workspace

# With it, the server's outermost layer tells those within whom a request comes from. It removes what a client sends.
PERSON_HEADER = "x-convdeck-person"

_acting: ContextVar[Person | None] = ContextVar("acting", default=None)
_tell: Callable[[], Person | None] | None = None


def acting_person() -> Person:
    """Who does what is being done here: whom `acting_as` says, else whom the way of `tell_by` says, else MACHINE."""
    return _acting.get() or (_tell and _tell()) or MACHINE


@contextlib.contextmanager
def acting_as(person: Person) -> Iterator[None]:
    """What is done in this context, and in threads to which asyncio and anyio pass it on, this person does."""
    token = _acting.set(person)
    try:
        yield
    finally:
        _acting.reset(token)


def tell_by(tell: Callable[[], Person | None]) -> None:
    """How to tell who acts in threads that get no context, such as those of Streamlit's scripts. None: MACHINE does,
    so in a class `tell` says STRANGER where it cannot tell.
    """
    global _tell
    _tell = tell


def refusal(what: str, owner: str | None, thing: str = "run") -> str:
    """`That is Anna's run. Only Anna or the teacher can stop it.` An `owner` of None is the teacher."""
    if owner in (None, UNKNOWN):
        return f"That is {owner or TEACHERS}'s {thing}. Only {TEACHERS} can {what} it."
    return f"That is {owner}'s {thing}. Only {owner} or {TEACHERS} can {what} it."


def teacher_only(what: str) -> str | None:
    """Why the acting person cannot do `what`, which is for the teacher alone; None where they can."""
    return f"Only {TEACHERS} can {what}." if acting_person().is_visitor else None


def check_not_visitor(what: str) -> None:
    """Raises NotAllowed with the sentence of `teacher_only`."""
    if sentence := teacher_only(what):
        raise NotAllowed(sentence)
