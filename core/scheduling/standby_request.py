"""Whether a worker should wait for the next run: a server asks for one for as long as its pages are used."""

import contextlib
import json
import os
import time
from pathlib import Path

from core.system.files import write_bytes
from core.system.processes import is_alive, process_started
from core.workspace import Workspace

# For so long after a page was last opened or clicked at, somebody may start a run any moment.
WANTED_SECONDS = 600.0

# The workspaces for which this process wants one.
_wanted_for: set[Path] = set()


def request_standby(workspace: Workspace) -> None:
    """Have a worker wait from now on, for this process. Nothing happens with `CONVDECK_STANDBY=off`."""
    if os.environ.get("CONVDECK_STANDBY") == "off":
        return
    _wanted_for.add(workspace.root)
    pid = os.getpid()
    wish = {"pid": pid, "started": process_started(pid)}
    with contextlib.suppress(OSError):  # no room, no comfort
        write_bytes(workspace.standby_request, json.dumps(wish).encode())


def touch_standby_request(workspace: Workspace) -> None:
    """Somebody uses a page: what was wanted is wanted for another ten minutes.

    There is one wish for all servers of a workspace. When the one that wished last has ended, this one wishes anew.
    """
    if workspace.root in _wanted_for and not _lives(_wish(workspace)):
        request_standby(workspace)
        return
    with contextlib.suppress(OSError):
        os.utime(workspace.standby_request)


def cancel_standby_request(workspace: Workspace) -> None:
    """This process ends. What another one wants stays."""
    _wanted_for.discard(workspace.root)
    wish = _wish(workspace)
    if wish is not None and wish[0] == os.getpid():
        with contextlib.suppress(OSError):
            workspace.standby_request.unlink()


def is_standby_requested(workspace: Workspace) -> bool:
    """Whether a server that lives said so, and was used in the last ten minutes. Takes 0.05 ms."""
    try:
        age = time.time() - workspace.standby_request.stat().st_mtime
    except OSError:
        return False
    return abs(age) <= WANTED_SECONDS and _lives(_wish(workspace))


def _wish(workspace: Workspace) -> tuple[int, float] | None:
    """Pid and start time of the server that wished last; None when there is no wish that can be read."""
    try:
        wish = json.loads(workspace.standby_request.read_text())
        return int(wish["pid"]), float(wish["started"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _lives(wish: tuple[int, float] | None) -> bool:
    return wish is not None and is_alive(*wish)
