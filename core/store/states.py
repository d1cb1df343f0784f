"""The states of a run, and which may follow which.

WAITING -> STARTING -> RUNNING -> FINISHED | STOPPED | FAILED | INTERRUPTED
                       RUNNING <-> PAUSED
STOPPED | INTERRUPTED | FAILED -> WAITING     resume, under a new attempt
"""

from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands. FAILED has a cause of its own making; INTERRUPTED lost its process to something else."""

    WAITING = "WAITING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def is_active(self) -> bool:
        """A process and a device belong to it."""
        return self in ACTIVE

    @property
    def is_finished(self) -> bool:
        """Nothing more happens unless a person asks for it."""
        return self in FINAL

    @property
    def can_stop(self) -> bool:
        return not self.is_finished

    @property
    def can_resume(self) -> bool:
        return RunState.WAITING in TRANSITIONS[self]

    @property
    def can_delete(self) -> bool:
        return not self.is_active


ACTIVE = frozenset({RunState.STARTING, RunState.RUNNING, RunState.PAUSED})
FINAL = frozenset({RunState.FINISHED, RunState.STOPPED, RunState.FAILED, RunState.INTERRUPTED})

TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.WAITING: frozenset({RunState.STARTING, RunState.STOPPED}),
    RunState.STARTING: frozenset({RunState.RUNNING, RunState.STOPPED, RunState.FAILED, RunState.INTERRUPTED}),
    RunState.RUNNING: FINAL | {RunState.PAUSED},
    RunState.PAUSED: (FINAL - {RunState.FINISHED}) | {RunState.RUNNING},
    RunState.FINISHED: frozenset(),
    RunState.STOPPED: frozenset({RunState.WAITING}),
    RunState.FAILED: frozenset({RunState.WAITING}),
    RunState.INTERRUPTED: frozenset({RunState.WAITING}),
}
