"""Waiting for runs in a terminal: each change is reported on standard error, and the queue is kept served."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from core.cli.output import end_progress, progress_line
from core.scheduling.service import ensure_scheduler
from core.workspace import Workspace

POLL_SECONDS = 0.5
SCHEDULER_CHECK_SECONDS = 2.0

T = TypeVar("T")


def wait_until(
    has_ended: Callable[[T], bool],
    look: Callable[[], T],
    describe: Callable[[T], str | None],
    *,
    workspace: Workspace | None,
    if_left: str = "",
    poll_seconds: float = POLL_SECONDS,
) -> T:
    """`look` again and again until `has_ended` is true of what it returns; returns the last of these.

    Each change of what `describe` says of it is printed; None prints nothing. Meanwhile a scheduler is kept running
    for `workspace`, if it is given. `if_left` is said to a person who no longer waits: what goes on without them.
    """
    try:
        return _look_until(has_ended, look, describe, workspace, poll_seconds)
    except KeyboardInterrupt:
        end_progress()
        if if_left:
            print(if_left, file=sys.stderr)
        raise


def _look_until(
    has_ended: Callable[[T], bool],
    look: Callable[[], T],
    describe: Callable[[T], str | None],
    workspace: Workspace | None,
    poll_seconds: float,
) -> T:
    reported, checked = "", 0.0
    while True:
        found = look()
        text = describe(found)
        if text is not None and text != reported:
            progress_line(text)
            reported = text
        if has_ended(found):
            break
        if workspace is not None and time.monotonic() - checked > SCHEDULER_CHECK_SECONDS:
            ensure_scheduler(workspace)
            checked = time.monotonic()
        time.sleep(poll_seconds)
    end_progress()
    return found
