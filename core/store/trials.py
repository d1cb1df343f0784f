"""The trials of sweeps: what was chosen, the runs that train it, and the state that follows from them."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from core.errors import DatasetError
from core.store import run_tables
from core.store.database import reading
from core.store.groups import IS_SHARED, IS_WANTED
from core.store.records import RUN_COLUMNS, Run, RunRequest, check_name, run_from_row
from core.store.reuse import CHANGED, find_identical
from core.store.states import RunState, TrialState

# A run that lost its process is resumed this often before its trial counts as failed.
MAX_RESUMES = 3
# Who chose a trial: the search, a person, or runs that were there before the sweep.
Origin = Literal["search", "hand", "found"]
# Runs of a confirmation are no part of the search, which has not seen their seeds.
Purpose = Literal["search", "confirm"]


@dataclass(frozen=True)
class NewTrialRun:
    """A run that a trial asks for."""

    seed: int
    request: RunRequest


@dataclass(frozen=True)
class TrialRun:
    """A run of a trial. `is_reused`: it existed before the trial, which must not delete it.

    `is_alone`: a person started it by itself. `is_shared`: a study or another sweep has it too; `is_wanted`: and wants
    it to go on. `is_changed`: a person changed it while it trained, so its config
    does not describe all of it.
    """

    run: Run
    seed: int
    purpose: Purpose
    is_reused: bool
    is_alone: bool
    is_shared: bool
    is_wanted: bool
    is_changed: bool

    @property
    def is_own(self) -> bool:
        """Whether the sweep may delete it."""
        return not (self.is_reused or self.is_shared)

    @property
    def may_stop(self) -> bool:
        """Whether the sweep may stop it: of those that share a run, the last that wants it does."""
        return not (self.is_alone or self.is_wanted)

    @property
    def will_resume(self) -> bool:
        """Whether it lost its process, and the searcher resumes it; of a confirmation that was not stopped."""
        run = self.run
        return run.state is RunState.INTERRUPTED and run.attempt <= MAX_RESUMES and not self.is_reused


@dataclass(frozen=True)
class Trial:
    """A trial of a sweep: one choice of values by path, and the runs that train it, a seed each.

    `number` counts from 0. `known` are the numbers of the trials whose results were known when it was chosen.
    `pruned_at` is the epoch after which it was given up, `error` why it has no runs. `runs` are without those that were
    deleted; `num_due` is how many seeds its sweep asks for.
    """

    number: int
    origin: Origin
    choices: dict[str, Any] = field(compare=False)
    known: tuple[int, ...]
    created_at: float
    pruned_at: int | None
    error: str | None
    runs: tuple[TrialRun, ...]
    num_due: int = 0

    @cached_property
    def search_runs(self) -> tuple[TrialRun, ...]:
        """Those that the search judges it by, in the order of their seeds."""
        return tuple(each for each in self.runs if each.purpose == "search")

    @cached_property
    def confirm_runs(self) -> tuple[TrialRun, ...]:
        """Those with the fresh seeds of a confirmation."""
        return tuple(each for each in self.runs if each.purpose == "confirm")

    @cached_property
    def state(self) -> TrialState:
        """As its runs of the search have it: FINISHED once those of all seeds are."""
        if self.error is not None:
            return TrialState.FAILED
        if self.pruned_at is not None:
            return TrialState.PRUNED
        states = {each.run.state for each in self.search_runs}
        if not all(state.is_finished for state in states):
            return TrialState.WAITING if states == {RunState.WAITING} else TrialState.RUNNING
        if states & {RunState.FAILED, RunState.INTERRUPTED}:
            return TrialState.FAILED
        is_whole = states == {RunState.FINISHED} and len(self.search_runs) >= self.num_due
        return TrialState.FINISHED if is_whole else TrialState.STOPPED


def read_trial(connection: sqlite3.Connection, sweep: int, number: int) -> Trial:
    """One that is known to be there."""
    (found,) = read_trials(connection, sweep, "= ?", number)
    return found


def read_trials(
    connection: sqlite3.Connection, sweep: int, which: str = ">= ?", number: int = 0
) -> list[Trial]:
    """All of a sweep, in the order in which they were chosen, or those whose number is so."""
    columns = ", ".join(f"runs.{column}" for column in RUN_COLUMNS)
    me = {"study": 0, "sweep": "trial_runs.sweep_number"}
    query = f"""
        SELECT trial, seed, purpose, is_reused, NOT {run_tables.STARTED_AS_ONE_OF_SEVERAL}, {IS_SHARED.format(**me)},
            {IS_WANTED.format(**me)}, {CHANGED}, {columns}
        FROM trial_runs JOIN live_runs AS runs ON runs.number = run_number
        WHERE sweep_number = ? AND trial {which} ORDER BY trial, purpose = 'confirm', seed
    """
    runs: dict[int, list[TrialRun]] = {}
    for trial, seed, purpose, *flags, in_row in (
        (*row[:8], row[8:]) for row in connection.execute(query, (sweep, number))
    ):
        found = TrialRun(run_from_row(in_row), seed, purpose, *map(bool, flags))
        runs.setdefault(trial, []).append(found)
    query = f"""
        SELECT trial, origin, choices, known, trials.created_at, pruned_at, trials.error,
            CASE WHEN json_valid(spec) THEN json_extract(spec, '$.seeds') END
        FROM trials JOIN sweeps ON number = sweep_number WHERE sweep_number = ? AND trial {which} ORDER BY trial
    """
    rows = connection.execute(query, (sweep, number)).fetchall()
    return [_trial(row, runs.get(row[0], [])) for row in rows]


def _trial(row: Sequence[Any], runs: Sequence[TrialRun]) -> Trial:
    number, origin, choices, known, created_at, pruned_at, error, seeds = row
    with reading("a trial"):
        chosen, numbers = dict(json.loads(choices)), tuple(json.loads(known))
    num_due = seeds if isinstance(seeds, int) else 0  # another version may have written it
    return Trial(number, origin, chosen, numbers, created_at, pruned_at, error, tuple(runs), num_due)


def result_versions(connection: sqlite3.Connection) -> dict[str, Sequence[Any]]:
    """Of each sweep that is not RUNNING and has insights, by its id: other numbers once results of its trials change.

    One look over all runs of sweeps, 20 ms of 5,000; to read as many trials takes 2 s.
    """
    query = """
        SELECT sweeps.id, count(runs.number), total(runs.number), total(runs.state = 'FINISHED'), total(attempt),
            total(epoch), total(best_val_accuracy), total(gap)
        FROM sweeps LEFT JOIN trial_runs ON sweep_number = sweeps.number
        LEFT JOIN live_runs AS runs ON runs.number = run_number
        WHERE sweeps.state != 'RUNNING' AND insights IS NOT NULL GROUP BY sweeps.number
    """
    return {sweep_id: version for sweep_id, *version in connection.execute(query)}


def seeds_seen(connection: sqlite3.Connection, run_ids: Collection[str]) -> dict[str, set[int]]:
    """The seeds that the sweeps of each run have trained, by run id: those of a confirmation and of runs that were
    deleted count too. Runs of no sweep are left out.
    """
    query = """
        SELECT DISTINCT runs.id, trained.seed FROM live_runs AS runs
        JOIN trial_runs AS chosen ON chosen.run_number = runs.number
        JOIN trial_runs AS trained ON trained.sweep_number = chosen.sweep_number
        WHERE runs.id IN (SELECT value FROM json_each(?))
    """
    found: dict[str, set[int]] = {}
    for run_id, seed in connection.execute(query, (json.dumps(list(run_ids)),)):
        found.setdefault(run_id, set()).add(seed)
    return found


def insert_trial(
    connection: sqlite3.Connection, now: float, sweep: int, number: int, origin: Origin,
    choices: Mapping[str, Any], known: Sequence[int], error: str | None,
) -> None:  # fmt: skip
    """Add a trial, which has no runs yet."""
    query = """
        INSERT INTO trials (sweep_number, trial, origin, choices, known, created_at, error)
        VALUES (?, ?, ?, ?, ?, ?, ?)
    """
    text = json.dumps(dict(choices), allow_nan=False)
    values = (sweep, number, origin, text, json.dumps(list(known)), now, error)
    connection.execute(query, values)


def insert_runs(
    connection: sqlite3.Connection,
    now: float,
    sweep: int,
    runs: Sequence[tuple[int, NewTrialRun]],
    purpose: Purpose,
    *,
    reuse: bool,
) -> int:
    """Add runs of trials, by the trial's number, but for those that are there already. Returns how many are new rows.

    With `reuse`, an identical run is taken instead of a new one (see `core.store.reuse`). Raises DatasetError for runs
    on other data than those that the sweep has.
    """
    query = """
        SELECT trial, seed FROM trial_runs JOIN live_runs ON number = run_number
        WHERE sweep_number = ? AND purpose = ?
    """
    there = set(connection.execute(query, (sweep, purpose)).fetchall())
    missing = [(trial, each) for trial, each in runs if (trial, each.seed) not in there]
    requests = [each.request for _, each in missing]
    _check_same_data(connection, sweep, requests)
    known = find_identical(connection, requests, known_data_only=False) if reuse else {}
    query = """
        INSERT INTO trial_runs (sweep_number, trial, run_number, seed, purpose, is_reused) VALUES (?, ?, ?, ?, ?, ?)
    """
    for trial, each in missing:
        number = known.get(each.request.config.config_id)
        is_reused = number is not None
        if number is None:
            request = replace(each.request, name=check_name(each.request.name))
            number = run_tables.add_run(connection, now, request)
        connection.execute(query, (sweep, trial, number, each.seed, purpose, is_reused))
    return len(missing)


def _check_same_data(connection: sqlite3.Connection, sweep: int, requests: Sequence[RunRequest]) -> None:
    """Trials on two data sets that had the same name one after the other cannot be compared."""
    query = """
        SELECT DISTINCT dataset_digest, sweeps.name FROM trial_runs JOIN live_runs AS runs ON runs.number = run_number
        JOIN sweeps ON sweeps.number = sweep_number WHERE sweep_number = ? AND dataset_digest IS NOT NULL
    """
    there = connection.execute(query, (sweep,)).fetchall()
    for request in requests:
        for digest, name in there:
            if request.data is not None and request.data.digest != digest:
                dataset = request.config.dataset.id
                raise DatasetError(
                    f"The trials of “{name}” were trained on another data set that was called {dataset}: remove the "
                    "one that has this name now and add the former one again, or start a new sweep."
                )
