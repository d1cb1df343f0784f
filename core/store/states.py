"""The states of runs, sweeps and trials, and which may follow which.

A run:

WAITING -> STARTING -> RUNNING -> FINISHED | STOPPED | FAILED | INTERRUPTED
                       RUNNING <-> PAUSED
STOPPED | INTERRUPTED | FAILED -> WAITING     resume, under a new attempt

A sweep:

RUNNING -> FINISHED | STOPPED | FAILED
RUNNING <-> PAUSED -> STOPPED
FINISHED | STOPPED | FAILED -> RUNNING        more trials, or resume

A trial has no state of its own: it follows from its runs (see `core.store.trials`).
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


class SweepState(StrEnum):
    """Where a sweep stands. FINISHED: all planned trials have ended; FAILED: it has given up, with a cause."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"

    @property
    def is_finished(self) -> bool:
        """No trial is added unless a person asks for it."""
        return self in SWEEP_FINAL


SWEEP_FINAL = frozenset({SweepState.FINISHED, SweepState.STOPPED, SweepState.FAILED})

SWEEP_TRANSITIONS: dict[SweepState, frozenset[SweepState]] = {
    SweepState.RUNNING: SWEEP_FINAL | {SweepState.PAUSED},
    SweepState.PAUSED: frozenset({SweepState.RUNNING, SweepState.STOPPED}),
    SweepState.FINISHED: frozenset({SweepState.RUNNING}),
    SweepState.STOPPED: frozenset({SweepState.RUNNING}),
    SweepState.FAILED: frozenset({SweepState.RUNNING}),
}


class TrialState(StrEnum):
    """Where a trial stands. PRUNED: given up on its first epochs. FAILED: a run failed, or it cannot be built."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    PRUNED = "PRUNED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"

    @property
    def is_finished(self) -> bool:
        """Nothing more happens to it unless a person asks for it."""
        return self not in (TrialState.WAITING, TrialState.RUNNING)
