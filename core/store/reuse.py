"""Which runs are what a request asks for, so that nothing has to be trained a second time."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.errors import RunError
from core.formatting import count_of
from core.store import rights, run_tables
from core.store.records import Run, RunRequest, run_from_row
from core.store.states import RunState

UNDER_WAY = f"state IN ('{RunState.WAITING}', {run_tables.ACTIVE_STATES})"
# Another learning rate and more epochs make a run another one than its config says; a pause does not.
CHANGED = """(added_epochs > 0 OR EXISTS (
    SELECT 1 FROM interventions WHERE run_number = runs.number AND kind = 'learning_rate'
))"""


class Queued(NamedTuple):
    """The answer to a request for a run. `is_shared`: an identical run was there already, so none was added."""

    run: Run
    is_shared: bool


def find_identical(
    connection: sqlite3.Connection,
    requests: Sequence[RunRequest],
    *,
    known_data_only: bool,
    parent_id: str | None = None,
) -> dict[str, int]:
    """Row numbers by config id: a finished run before one under way, then the furthest, then the oldest.

    Left out are runs that ended in any other way or are asked to stop, that a person changed while they trained, that
    were started on other data, or that were imported: this machine has not measured those. Data that is under way
    cannot be removed, so there the name is enough. Of a finished run without a digest (of an older version, or the
    example) nothing can be compared: it counts unless `known_data_only`. With `parent_id`, only forks of that run
    count: a fork is drawn beside its parent.
    """
    digests = {each.config.config_id: each.data.digest if each.data else None for each in requests}
    query = f"""
        SELECT config_id, number, dataset_digest, state = '{RunState.FINISHED}' FROM live_runs AS runs
        WHERE config_id IN (SELECT value FROM json_each(:ids)) AND origin IS NULL AND NOT {CHANGED}
            AND (:parent IS NULL OR parent_id = :parent)
            AND (state = '{RunState.FINISHED}' OR {UNDER_WAY} AND NOT stop_requested)
        ORDER BY state = '{RunState.FINISHED}', epoch, batch, number DESC
    """
    found = {}
    values = {"ids": json.dumps(list(digests)), "parent": parent_id}
    for config_id, number, digest, is_finished in connection.execute(query, values):
        wanted = digests[config_id]
        is_unknown = digest is None or wanted is None
        if (digest == wanted and not is_unknown) or (is_unknown and not (is_finished and known_data_only)):
            found[config_id] = number  # a later row takes the place of an earlier one
    return found


def find_answer(connection: sqlite3.Connection, request: RunRequest, *, reuse: bool) -> Queued | None:
    """The run that has answered the request's token before, or with `reuse` an identical one; None to add a new one.

    Raises TokenTaken.
    """
    if request.token is not None:
        query = f"{run_tables.SELECT_RUN} WHERE token = ?"
        if started := connection.execute(query, (request.token,)).fetchone():
            return Queued(request.answered_by(run_from_row(started)), False)
        query = (
            f"{run_tables.SELECT_RUN} WHERE number = (SELECT run_number FROM shared_tokens WHERE token = ?)"
        )
        if shared := connection.execute(query, (request.token,)).fetchone():
            return Queued(request.answered_by(run_from_row(shared), shared=True), True)
    if reuse:
        same = find_identical(connection, [request], known_data_only=True, parent_id=request.parent_id)
        for number in same.values():
            if request.token is not None:
                query = "INSERT OR REPLACE INTO shared_tokens (token, run_number) VALUES (?, ?)"
                connection.execute(query, (request.token, number))
            return Queued(run_tables.get_numbered(connection, number), True)
    return None


def answer_all(
    connection: sqlite3.Connection,
    now: float,
    requests: Sequence[RunRequest],
    expect: Callable[[sqlite3.Connection, str, str], None],
    *,
    reuse: bool,
) -> list[Queued]:
    """An answer to each of the requests: what `find_answer` finds, or else a new run, added at `now` in unix seconds.

    `expect` notes what is expected of a new run. Raises TokenTaken; RunError where a visitor of a class has no room for
    all that are new.
    """
    answers, num_added = [], 0
    for request in requests:
        answer = find_answer(connection, request, reuse=reuse)
        if answer is None:
            _check_room(connection, len(requests), num_added)
            num_added += 1
            run = run_tables.get_numbered(connection, run_tables.add_run(connection, now, request))
            if request.expectation and request.expectation.strip():
                expect(connection, run.id, request.expectation)
            answer = Queued(run, False)
        answers.append(answer)
    return answers


def _check_room(connection: sqlite3.Connection, num_wanted: int, num_added: int) -> None:
    """Room for one more after `num_added` of `num_wanted`, which wait already in this transaction."""
    try:
        rights.check_room_in_queue(connection)
    except RunError:
        if not num_added:
            raise
        raise RunError(
            f"You have {count_of(rights.MOST_WAITING - num_added, 'run')} waiting, and these {num_wanted} start "
            f"together: {rights.MOST_WAITING} are the most that wait for you in a class. Wait until one has started, "
            "or stop one."
        ) from None
