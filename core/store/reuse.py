"""Which runs are what a request asks for, so that nothing has to be trained a second time."""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from core.store import run_tables
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
    connection: sqlite3.Connection, requests: Sequence[RunRequest], *, known_data_only: bool
) -> dict[str, int]:
    """Row numbers by config id: a finished run before one under way, then the furthest, then the oldest.

    Left out are runs that ended in any other way or are asked to stop, that a person changed while they trained, or
    that were started on other data. Data that is under way cannot be removed, so there the name is enough. Of a
    finished run without a digest (of an older version, or the example) nothing can be compared: it counts unless
    `known_data_only`.
    """
    digests = {each.config.config_id: each.data.digest if each.data else None for each in requests}
    query = f"""
        SELECT config_id, number, dataset_digest, state = '{RunState.FINISHED}' FROM live_runs AS runs
        WHERE config_id IN (SELECT value FROM json_each(?)) AND NOT {CHANGED}
            AND (state = '{RunState.FINISHED}' OR {UNDER_WAY} AND NOT stop_requested)
        ORDER BY state = '{RunState.FINISHED}', epoch, batch, number DESC
    """
    found = {}
    for config_id, number, digest, is_finished in connection.execute(query, (json.dumps(list(digests)),)):
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
        for number in find_identical(connection, [request], known_data_only=True).values():
            if request.token is not None:
                query = "INSERT OR REPLACE INTO shared_tokens (token, run_number) VALUES (?, ?)"
                connection.execute(query, (request.token, number))
            return Queued(run_tables.get_numbered(connection, number), True)
    return None
