"""Which runs are looked at: kept in the address (`?run=ID,ID`), so that a link, a refresh and “back” keep it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.store.records import Run
from core.store.store import Store
from pages.components.kit import session

PARAMETER = "run"
NOTHING = "none"  # everything was unticked, which is not the same as an address without a choice
MAX_ASKED = 50


@dataclass(frozen=True)
class Selection:
    """`ids` of runs that exist; `unknown` are those asked for that do not."""

    ids: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def read_selection(store: Store) -> Selection:
    """What the address asks for; without a word there, what this visitor had chosen before.

    On a first visit that is the newest run that is active, or else the newest.
    """
    values, before = st.query_params.get_all(PARAMETER), session.chosen_runs()
    runs = store.get_runs([*_asked(values), *(before or ())])
    if not runs and (first := store.run_to_watch()):
        runs = [first]
    selection = parse_selection(values, before, runs)
    session.set_chosen_runs(selection.ids)
    return selection


def parse_selection(values: Iterable[str], before: Sequence[str] | None, runs: Sequence[Run]) -> Selection:
    """`values` are ids, or several with commas between, whatever they hold; `before` counts when there are none.

    `runs` are those of them that exist, in any order. Where nothing was asked for and `before` is gone, they are what
    there is to begin with: the first that is active is taken, or else the first.
    """
    asked = _asked(values)
    existing = {run.id for run in runs}
    if asked:
        found = tuple(run_id for run_id in asked if run_id in existing)[:MAX_ASKED]
        return Selection(found, tuple(run_id for run_id in asked if run_id not in existing | {NOTHING}))
    if before is not None and (kept := tuple(run_id for run_id in before if run_id in existing)):
        return Selection(kept)
    first = next((run for run in runs if run.state.is_active), runs[0] if runs else None)
    return Selection((first.id,) if first else ())


def _asked(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


def write_selection(ids: Sequence[str]) -> None:
    """Put the choice into the address."""
    session.set_chosen_runs(tuple(ids))
    st.query_params[PARAMETER] = ",".join(ids) or NOTHING


def signature(runs: Iterable[Run]) -> tuple[tuple[object, ...], ...]:
    """What buttons and badges depend on: when it changes, a ticking fragment has the whole page drawn again."""
    return tuple(
        (
            run.id,
            run.name,
            run.state,
            run.attempt,
            run.stop_requested,
            run.pause_requested,
            run.total_epochs,
            run.best_epoch is None,
        )
        for run in runs
    )
