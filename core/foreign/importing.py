"""Runs that were found in other tools' files come into the store, all of them or none."""

from collections.abc import Sequence
from dataclasses import replace

from core.errors import RecordError
from core.foreign.epochs import FoundRun
from core.foreign.reading import Format, Given, read_runs
from core.formatting import count_of, printable
from core.store.records import MAX_NAME_CHARACTERS, RecordedRun, Run, check_name
from core.store.store import Store

MAX_VALIDATION_PICTURES = 100_000_000


def import_recorded(
    store: Store,
    given: Sequence[Given],
    forced: Format | None = None,
    name: str | None = None,
    validation_pictures: int | None = None,
) -> list[Run]:
    """The new runs, of the acting person, in the order in which they were found.

    `name` is that of the run, or begins those of several. `validation_pictures` is what their validation rests on,
    where a person knows it. Raises RecordError, RunError for a name, NotAllowed for one of whom the class knows
    nothing.
    """
    return add_found(store, read_runs(given, forced), name, validation_pictures)


def add_found(
    store: Store, found: Sequence[FoundRun], name: str | None = None, validation_pictures: int | None = None
) -> list[Run]:
    """The second half of `import_recorded`, for who has looked at what was found."""
    if validation_pictures is not None and not 1 <= validation_pictures <= MAX_VALIDATION_PICTURES:
        raise RecordError(
            f"Validation can rest on 1 to {MAX_VALIDATION_PICTURES:,} pictures, not {validation_pictures:,}."
        )
    if name is not None and name.strip():
        name = check_name(name)
        found = [
            replace(each, name=name if len(found) == 1 else f"{name[: MAX_NAME_CHARACTERS // 2]} {each.name}")
            for each in found
        ]
    return store.whole_runs.add_recorded(
        [
            RecordedRun(
                printable(each.name, MAX_NAME_CHARACTERS) or f"Imported from {each.tool}", each.tool, each.rows,
                tuple(each.in_words()), validation_pictures, each.nan_epoch,
            )
            for each in found
        ]
    )  # fmt: skip


def found_in_words(found: Sequence[FoundRun]) -> list[str]:
    """What would be imported, a sentence or several for each run."""
    alone = len(found) == 1
    return [
        *([] if alone else [f"{count_of(len(found), 'run')} found."]),
        *(
            (" " if alone else f"“{printable(each.name, 60)}”: ").lstrip() + " ".join(each.in_words())
            for each in found
        ),
    ]
