"""Runs that were found in other tools' files come into the store, all of them or none."""

from collections.abc import Sequence
from dataclasses import replace

from core.epoch import CURVE_KEYS
from core.errors import RecordError
from core.foreign.epochs import FoundRun
from core.formatting import count_of, printable
from core.store.records import MAX_NAME_CHARACTERS, RecordedRun, Run, check_name
from core.store.store import Store

MAX_VALIDATION_PICTURES = 100_000_000


def add_found(
    store: Store, found: Sequence[FoundRun], name: str | None = None, validation_pictures: int | None = None
) -> list[Run]:
    """The new runs, of the acting person, in the order in which they were found. Each log says what is here already.

    `name` is that of the run, or begins those of several. `validation_pictures` is what their validation rests on,
    where a person knows it. Raises RecordError, RunError for a name, NotAllowed for one of whom the class knows
    nothing.
    """
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
    here = already_here(store, found)
    return store.whole_runs.add_recorded(
        [
            RecordedRun(
                printable(each.name, MAX_NAME_CHARACTERS) or f"Imported from {each.tool}", each.tool, each.rows,
                (*each.in_words(), *_known_in_words(same)), validation_pictures, each.nan_epoch,
            )
            for each, same in zip(found, here, strict=True)
        ]
    )  # fmt: skip


def _known_in_words(same: Run | None) -> list[str]:
    return [] if same is None else [f"The same curves were here already, as run {same.id}."]


def already_here(store: Store, found: Sequence[FoundRun]) -> list[Run | None]:
    """For each the newest imported run with the same curves, whatever it is called; None where there is none."""
    imported = [
        run for run in store.list_runs() if run.origin_json is not None and run.recorded_by is not None
    ]
    return [
        next(
            (run for run in imported if run.epoch == each.rows[-1].epoch and _is_same(store, run, each)), None
        )
        for each in found
    ]


def _is_same(store: Store, run: Run, found: FoundRun) -> bool:
    best = max((row.val_accuracy for row in found.rows if row.val_accuracy is not None), default=None)
    if run.best_val_accuracy != best:
        return False
    curves = store.curves(run.id)
    return all(curves[key] == [getattr(row, key) for row in found.rows] for key in CURVE_KEYS)


def here_in_words(found: Sequence[FoundRun], here: Sequence[Run | None]) -> list[str]:
    """A sentence for each run that `already_here` has found."""
    return [
        ("" if len(found) == 1 else f"“{printable(each.name, 60)}”: ")
        + f"{'Already' if len(found) == 1 else 'already'} here: run {run.id}, “{run.name}”. Import adds it once more."
        for each, run in zip(found, here, strict=True)
        if run is not None
    ]


def found_in_words(found: Sequence[FoundRun]) -> list[str]:
    """What would be imported, a sentence or several for each run."""
    alone = len(found) == 1
    return [
        *([] if alone else [f"{count_of(len(found), 'run')} found."]),
        *(
            (" " if alone else f"“{printable(each.name, 60)}”: ").lstrip() + " ".join(each.of_itself())
            for each in found
        ),
        *(sentence for each in found for sentence in each.beside),
    ]
