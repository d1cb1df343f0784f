"""Sweeps: searches over settings. What is searched, `core.sweeps` knows; here it is kept, with its trials."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import IllegalTransition, RunError, SweepNotFound, TokenTaken, TrialTaken
from core.store import run_tables
from core.store.database import reading
from core.store.groups import RunGroups
from core.store.records import check_name, check_token, new_run_id
from core.store.reuse import UNDER_WAY
from core.store.states import SWEEP_TRANSITIONS, SweepState
from core.store.trials import (
    MAX_RESUMES,
    NewTrialRun,
    Origin,
    Purpose,
    Trial,
    insert_runs,
    insert_trial,
    read_trial,
    read_trials,
    result_versions,
    seeds_seen,
)


@dataclass(frozen=True)
class Sweep:
    """A sweep as the store knows it: `spec` is JSON of `core.sweeps`.

    `planned` is how many trials it is to have, `concurrency` how many of them at once (None: as many as there are
    devices). `error` and `next_step` say why it has failed. `insights` is what the searcher has worked out of its
    trials. `num_trials` counts the trials there are, `num_runs` their runs, `num_under_way` those that wait or train.
    `confirm_seeds` is with how many seeds its confirmation was planned before any result of it was there; None where
    runs were added to it since.
    """

    id: str
    name: str
    spec: str
    state: SweepState
    planned: int
    concurrency: int | None
    created_at: float
    ended_at: float | None
    error: str | None
    next_step: str | None
    insights: dict[str, Any] | None = field(compare=False)
    num_trials: int
    num_runs: int
    num_under_way: int
    confirm_seeds: int | None


@dataclass(frozen=True)
class SweepPlace:
    """Where a run is in a sweep."""

    sweep_id: str
    sweep_name: str
    trial: int


_SELECT = f"""
    SELECT id, name, spec, state, planned, concurrency, created_at, ended_at, error, next_step, insights,
        (SELECT count(*) FROM trials WHERE sweep_number = sweeps.number),
        (SELECT count(DISTINCT run_number) FROM trial_runs JOIN live_runs AS runs ON runs.number = run_number
            WHERE sweep_number = sweeps.number),
        (SELECT count(DISTINCT run_number) FROM trial_runs JOIN live_runs AS runs ON runs.number = run_number
            WHERE sweep_number = sweeps.number AND {UNDER_WAY}),
        confirm_seeds
    FROM sweeps
"""


class Sweeps(RunGroups):
    """The part of the store that keeps sweeps."""

    table, noun, not_found = "sweeps", "sweep", SweepNotFound

    # Reading

    def get(self, sweep_id: str) -> Sweep:
        """Raises SweepNotFound."""
        with self._database.reading() as connection:
            return _read(connection, self._number(connection, sweep_id))

    def list_sweeps(self) -> list[Sweep]:
        """Newest first."""
        return self._list("ORDER BY number DESC")

    def running(self) -> list[Sweep]:
        """Those that are to go on with new trials, oldest first."""
        return self._list(f"WHERE state = '{SweepState.RUNNING}' ORDER BY number")

    def open_on(self, dataset_id: str) -> list[str]:
        """The names of those that are RUNNING or PAUSED on a data set: they may want its pictures again."""
        query = f"""
            SELECT name FROM sweeps WHERE state IN ('{SweepState.RUNNING}', '{SweepState.PAUSED}')
                AND json_valid(spec) AND json_extract(spec, '$.config.dataset.id') = ? ORDER BY number
        """
        with self._database.reading() as connection:
            return [name for (name,) in connection.execute(query, (dataset_id,))]

    def is_any_running(self) -> bool:
        """Whether a sweep is RUNNING, so that a searcher is needed."""
        query = f"SELECT EXISTS (SELECT 1 FROM sweeps WHERE state = '{SweepState.RUNNING}')"
        with self._database.reading() as connection:
            return bool(connection.execute(query).fetchone()[0])

    def interrupted_confirmations(self) -> list[str]:
        """The ids of runs of confirmations that lost their process and are to be resumed, oldest first. Those of a
        sweep that was stopped are not, nor those that lost it too often.
        """
        query = f"""
            SELECT DISTINCT runs.id FROM live_runs AS runs JOIN trial_runs ON run_number = runs.number
            JOIN sweeps ON sweeps.number = sweep_number
            WHERE purpose = 'confirm' AND NOT is_reused AND runs.state = 'INTERRUPTED' AND attempt <= {MAX_RESUMES}
            AND sweeps.state != '{SweepState.STOPPED}' ORDER BY runs.number
        """
        with self._database.reading() as connection:
            return [run_id for (run_id,) in connection.execute(query)]

    def trials(self, sweep_id: str) -> list[Trial]:
        """In the order in which they were chosen, with those of their runs that were not deleted.

        Raises SweepNotFound.
        """
        with self._database.reading() as connection:
            return read_trials(connection, self._number(connection, sweep_id))

    def result_versions(self) -> dict[str, Sequence[Any]]:
        """See `core.store.trials.result_versions`."""
        with self._database.reading() as connection:
            return result_versions(connection)

    def val_accuracies(self, sweep_id: str) -> dict[str, list[float | None]]:
        """Of each of its runs, those of a confirmation too, epoch by epoch, by run id. Raises SweepNotFound."""
        found: dict[str, list[float | None]] = {}
        query = """
            SELECT id, val_accuracy FROM live_runs AS runs JOIN epochs ON run_number = number
            WHERE number IN (SELECT run_number FROM trial_runs WHERE sweep_number = ?)
            ORDER BY number, epochs.epoch
        """
        with self._database.reading() as connection:
            for run_id, value in connection.execute(query, (self._number(connection, sweep_id),)):
                found.setdefault(run_id, []).append(value)
        return found

    def training_seconds(self, sweep_id: str) -> dict[str, float]:
        """The sum of its epochs' seconds by run id; runs without an epoch are left out. Raises SweepNotFound."""
        query = """
            SELECT id, sum(seconds) FROM live_runs AS runs JOIN epochs ON run_number = number
            WHERE number IN (SELECT run_number FROM trial_runs WHERE sweep_number = ?) AND seconds IS NOT NULL
            GROUP BY number
        """
        with self._database.reading() as connection:
            return dict(connection.execute(query, (self._number(connection, sweep_id),)).fetchall())

    def places(self, run_ids: Collection[str]) -> dict[str, list[SweepPlace]]:
        """The sweeps that have each run, by run id, newest sweep first; runs of none are left out."""
        found: dict[str, list[SweepPlace]] = {}
        query = """
            SELECT runs.id, sweeps.id, sweeps.name, trial FROM live_runs AS runs
            JOIN trial_runs ON run_number = runs.number JOIN sweeps ON sweeps.number = sweep_number
            WHERE runs.id IN (SELECT value FROM json_each(?)) ORDER BY sweeps.number DESC, trial
        """
        with self._database.reading() as connection:
            for run_id, *place in connection.execute(query, (json.dumps(list(run_ids)),)):
                found.setdefault(run_id, []).append(SweepPlace(*place))
        return found

    def seeds_seen(self, run_ids: Collection[str]) -> dict[str, set[int]]:
        """See `core.store.trials.seeds_seen`."""
        with self._database.reading() as connection:
            return seeds_seen(connection, run_ids)

    def _list(self, clause: str) -> list[Sweep]:
        with self._database.reading() as connection:
            return [_sweep(*row) for row in connection.execute(f"{_SELECT} {clause}").fetchall()]

    # What people request

    def create(
        self,
        name: str,
        spec: str,
        planned: int,
        concurrency: int | None = None,
        *,
        token: str | None = None,
        found: Sequence[tuple[Mapping[str, Any], Sequence[NewTrialRun]]] = (),
    ) -> Sweep:
        """A new sweep, RUNNING, in one transaction with its first trials, if any: choices and their runs, which are
        there already. The same token gives the same sweep again.

        Raises RunError for a name or a token that is not allowed, TokenTaken for one that has started another sweep.
        """
        name = check_name(name)
        check_token(token)
        with self._database.writing() as connection:
            if (started := self._started(connection, token)) is not None:
                return _same_sweep(_read(connection, started), spec)
            sweep_id = new_run_id()
            query = """
                INSERT INTO sweeps (id, token, name, spec, state, planned, concurrency, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
            values = (sweep_id, token, name, spec, SweepState.RUNNING, planned, concurrency, self._clock())
            connection.execute(query, values)
            row = self._number(connection, sweep_id)
            for number, (choices, runs) in enumerate(found):
                insert_trial(connection, self._clock(), row, number, "found", choices, (), None)
                wanted = [(number, each) for each in runs]
                insert_runs(connection, self._clock(), row, wanted, "search", reuse=True)
            return _read(connection, row)

    def set_planned(self, sweep_id: str, planned: int) -> Sweep:
        """How many trials it is to have. One that has FINISHED is RUNNING again when more are planned.

        Raises SweepNotFound, RunError for fewer than there are.
        """
        with self._database.writing() as connection:
            number = self._number(connection, sweep_id)
            sweep = _read(connection, number)
            if planned < max(1, sweep.num_trials):
                raise RunError(
                    f"“{sweep.name}” has {sweep.num_trials:,} trials already; it cannot have {planned:,}."
                )
            changes: dict[str, object] = {"planned": planned}
            if sweep.state is SweepState.FINISHED and planned > sweep.num_trials:
                changes |= {"state": SweepState.RUNNING, "ended_at": None}
            return _update(connection, number, changes)

    def set_concurrency(self, sweep_id: str, concurrency: int | None) -> Sweep:
        """How many trials are trained at once. Raises SweepNotFound."""
        with self._database.writing() as connection:
            return _update(connection, self._number(connection, sweep_id), {"concurrency": concurrency})

    def change_state(
        self,
        sweep_id: str,
        to: SweepState,
        *,
        expected: SweepState | Collection[SweepState],
        planned: int | None = None,
        error: str | None = None,
        next_step: str | None = None,
    ) -> Sweep:
        """Change the state if, and only if, it is one of `expected`, with the cause and what to try next.

        With `planned`, it must also be still planned to have that many trials: a search that ends does not overlook
        those that a person has just added. Raises SweepNotFound, IllegalTransition.
        """
        states = {expected} if isinstance(expected, SweepState) else set(expected)
        with self._database.writing() as connection:
            number = self._number(connection, sweep_id)
            sweep = _read(connection, number)
            if sweep.state not in states or to not in SWEEP_TRANSITIONS[sweep.state]:
                raise IllegalTransition(
                    f"“{sweep.name}” is {sweep.state.lower()}; it cannot become {to.lower()} now."
                )
            if planned is not None and planned != sweep.planned:
                raise IllegalTransition(
                    f"“{sweep.name}” is now planned to have {sweep.planned:,} trials, not {planned:,}."
                )
            ended_at = max(sweep.created_at, self._clock()) if to.is_finished else None
            changes = {"state": to, "ended_at": ended_at, "error": error, "next_step": next_step}
            return _update(connection, number, changes)

    def delete(self, group_id: str) -> None:
        """Forget the sweep; its runs stay. Other sweeps that have one under way may stop it. Raises SweepNotFound."""
        with self._database.writing() as connection:
            number = self._number(connection, group_id)
            query = f"""
                UPDATE trial_runs SET is_reused = 0 WHERE sweep_number != ? AND run_number IN (
                    SELECT run_number FROM trial_runs JOIN live_runs AS runs ON runs.number = run_number
                    WHERE sweep_number = ? AND NOT is_reused AND {UNDER_WAY}
                )
            """
            connection.execute(query, (number, number))
            connection.execute("DELETE FROM sweeps WHERE number = ?", (number,))

    # Trials

    def add_trial(
        self,
        sweep_id: str,
        number: int,
        choices: Mapping[str, Any],
        runs: Sequence[NewTrialRun],
        *,
        origin: Origin = "search",
        known: Sequence[int] = (),
        error: str | None = None,
        reuse: bool = True,
    ) -> Trial:
        """Add the trial `number`, which must be the next one, with all of its runs, in one transaction.

        With `reuse`, identical runs are taken instead of new ones. `error` says why a trial cannot be trained; it has
        no runs then. One by hand is one more than planned.

        Raises SweepNotFound; TrialTaken when the sweep has this trial already: read the trials again; IllegalTransition
        when the search is not to add one, because the sweep is not RUNNING or has as many as planned; DatasetError for
        other data than that of its other trials.
        """
        with self._database.writing() as connection:
            row = self._number(connection, sweep_id)
            sweep = _read(connection, row)
            if number != sweep.num_trials:
                raise TrialTaken(f"The next trial of “{sweep.name}” is {sweep.num_trials}, not {number}.")
            is_open = sweep.state is SweepState.RUNNING and sweep.num_trials < sweep.planned
            if origin != "hand" and not is_open:
                raise IllegalTransition(
                    f"“{sweep.name}” is {sweep.state.lower()}, with {sweep.num_trials:,} of {sweep.planned:,} planned "
                    "trials; the search adds none now."
                )
            insert_trial(connection, self._clock(), row, number, origin, choices, known, error)
            wanted = [(number, each) for each in runs]
            insert_runs(connection, self._clock(), row, wanted, "search", reuse=reuse)
            if origin == "hand":
                _update(connection, row, {"planned": sweep.planned + 1})
            return read_trial(connection, row, number)

    def add_runs(
        self, sweep_id: str, runs: Sequence[tuple[int, NewTrialRun]], purpose: Purpose, *, reuse: bool = True
    ) -> int:
        """Add runs of trials that are there, in this order; those that the trial has with that seed are left out.

        Of a confirmation, note with how many seeds it is planned until a result of it is there; what is added then was
        planned after looking, also a trial with the same seeds, or a run in place of one that was deleted. Returns how
        many were added. Raises SweepNotFound; DatasetError for other data than that of its other trials.
        """
        with self._database.writing() as connection:
            number = self._number(connection, sweep_id)
            query = """
                SELECT count(*) > 0 FROM trial_runs JOIN live_runs AS runs ON runs.number = run_number
                WHERE sweep_number = ? AND purpose = 'confirm' AND runs.state = 'FINISHED'
            """
            (has_results,) = connection.execute(query, (number,)).fetchone()
            added = insert_runs(connection, self._clock(), number, runs, purpose, reuse=reuse)
            if purpose == "confirm" and (added or not has_results):
                seeds = {each.seed for _, each in runs}
                _update(connection, number, {"confirm_seeds": None if has_results else len(seeds)})
            return added

    def record_pruned(self, sweep_id: str, trial: int, epoch: int) -> Trial:
        """Note after which epoch a trial is given up, and stop its own runs of the search, in one transaction.

        One that has been given up already, or has ended, stays as it is. Raises SweepNotFound.
        """
        with self._database.writing() as connection:
            number = self._number(connection, sweep_id)
            found = read_trial(connection, number, trial)
            if found.state.is_finished:
                return found
            query = "UPDATE trials SET pruned_at = ? WHERE sweep_number = ? AND trial = ?"
            connection.execute(query, (epoch, number, trial))
            for each in found.search_runs:
                if each.may_stop and not each.run.state.is_finished:
                    run_tables.request_stop(connection, self._clock(), each.run.id)
            return read_trial(connection, number, trial)

    def record_insights(self, sweep_id: str, insights: Mapping[str, Any]) -> None:
        """What the searcher has worked out of the trials, in place of the former. Raises SweepNotFound."""
        text = json.dumps(dict(insights), allow_nan=False)
        with self._database.writing() as connection:
            _update(connection, self._number(connection, sweep_id), {"insights": text})


def _read(connection: sqlite3.Connection, number: int) -> Sweep:
    return _sweep(*connection.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone())


def _sweep(*row: Any) -> Sweep:
    with reading("a sweep"):
        values = list(row)
        values[3] = SweepState(values[3])
        values[10] = None if values[10] is None else json.loads(values[10])
        return Sweep(*values)


def _update(connection: sqlite3.Connection, number: int, changes: Mapping[str, object]) -> Sweep:
    assignments = ", ".join(f"{column} = ?" for column in changes)
    connection.execute(f"UPDATE sweeps SET {assignments} WHERE number = ?", (*changes.values(), number))
    return _read(connection, number)


def _same_sweep(sweep: Sweep, spec: str) -> Sweep:
    """The sweep that a token has started, if it is the one that is asked for."""
    if sweep.spec != spec:
        raise TokenTaken(
            f"This token has started the sweep “{sweep.name}”, which asks something else. Send another token for "
            "another sweep."
        )
    return sweep
