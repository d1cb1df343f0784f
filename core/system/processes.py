"""Processes beyond one's own children: which one it is, whether it lives, and how to end it with its group."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import psutil

Signal = Literal["interrupt", "terminate", "kill", "continue"]


def process_started(pid: int) -> float | None:
    """A number that tells a process from a later one with the same pid; None when there is no such process.

    On Linux it counts seconds since the computer started, because unix time would move with the clock: a clock
    set back by a day must not make a live worker look like another one.
    """
    if sys.platform == "linux":
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        ticks = text.rpartition(")")[2].split()[
            19
        ]  # field 22, counted after the name, which may hold anything
        return int(ticks) / os.sysconf("SC_CLK_TCK")
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def is_alive(pid: int, started: float) -> bool:
    """Whether that very process still runs. One that has ended but was not reaped does not."""
    if process_started(pid) != started:
        return False
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False


def is_suspended(pid: int) -> bool:
    """Whether somebody stopped the process (SIGSTOP), so that it does nothing until it is told to go on."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def signal_group(pid: int, kind: Signal) -> None:
    """Signal a process that leads a group, and every process of that group. Nothing happens when it is gone."""
    if sys.platform == "win32":
        _signal_tree(pid, kind)
        return
    number = {
        "interrupt": signal.SIGINT,
        "terminate": signal.SIGTERM,
        "kill": signal.SIGKILL,
        "continue": signal.SIGCONT,
    }[kind]
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def detached() -> dict[str, Any]:
    """The arguments for Popen that give a process a group of its own, out of reach of Ctrl+C in the terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _signal_tree(pid: int, kind: Signal) -> None:
    """Windows knows no groups to kill: the process and its descendants one by one."""
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        if kind == "continue":
            process.resume()
            return
        if kind == "interrupt":
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
            return
        for each in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.Error):
                each.kill()
