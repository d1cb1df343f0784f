"""What a run's process printed, kept in `worker.log` of its folder: tracebacks above all."""

import os

from core.runs.launcher import MAX_LOG_TAIL_BYTES
from core.runs.records import Run
from core.workspace import Workspace


def output_tail(workspace: Workspace, run: Run, num_lines: int = 100) -> str:
    """The last lines that the current attempt printed; empty when it printed nothing."""
    try:
        with (workspace.run_folder(run.id) / "worker.log").open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - MAX_LOG_TAIL_BYTES))
            tail = log.read().decode(errors="replace")
    except OSError:
        return ""
    own = tail.rpartition(f"=== Attempt {run.attempt} ===")[2]
    return "\n".join(own.strip().splitlines()[-num_lines:])
