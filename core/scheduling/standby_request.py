"""The request for a standby worker: a server asks for one while its pages are in use."""

import contextlib
import json
import os
import time
from pathlib import Path

from core.system.files import write_bytes
from core.system.processes import is_alive, process_started
from core.workspace import Workspace

# After a page was last opened or clicked, a person may start a run at any moment for this long.
REQUEST_SECONDS = 600.0

# The workspaces for which this process requests one.
_requested_for: set[Path] = set()


def is_standby_off() -> bool:
    """Whether `CONVDECK_STANDBY=off` is set: no worker waits for a run, before its first one or between two."""
    return os.environ.get("CONVDECK_STANDBY") == "off"


def request_standby(workspace: Workspace) -> None:
    """Request a standby worker for this process from now on, unless it is off."""
    if is_standby_off():
        return
    _requested_for.add(workspace.root)
    pid = os.getpid()
    request = {"pid": pid, "started": process_started(pid)}
    with contextlib.suppress(OSError):  # a full disk only costs the faster start
        write_bytes(workspace.standby_request, json.dumps(request).encode())


def touch_standby_request(workspace: Workspace) -> None:
    """A page is in use: extend the request by ten minutes.

    All servers of a workspace share one request. When the server that made it has ended, this one makes it again.
    """
    if workspace.root in _requested_for and not _is_alive(_requester(workspace)):
        request_standby(workspace)
        return
    with contextlib.suppress(OSError):
        os.utime(workspace.standby_request)


def cancel_standby_request(workspace: Workspace) -> None:
    """This process ends. The request of another process stays."""
    _requested_for.discard(workspace.root)
    requester = _requester(workspace)
    if requester is not None and requester[0] == os.getpid():
        with contextlib.suppress(OSError):
            workspace.standby_request.unlink()


def is_standby_requested(workspace: Workspace) -> bool:
    """Whether a running server requested one and was used in the last ten minutes. Takes 0.05 ms."""
    try:
        age = time.time() - workspace.standby_request.stat().st_mtime
    except OSError:
        return False
    return abs(age) <= REQUEST_SECONDS and _is_alive(_requester(workspace))


def _requester(workspace: Workspace) -> tuple[int, float] | None:
    """Pid and start time of the server that made the request; None when there is none that can be read."""
    try:
        request = json.loads(workspace.standby_request.read_text())
        return int(request["pid"]), float(request["started"])
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _is_alive(requester: tuple[int, float] | None) -> bool:
    return requester is not None and is_alive(*requester)
