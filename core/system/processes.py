"""Processes: which one it is, whether it lives, how to end it with its group, and what each sets up for itself."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn

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
    """Whether the process was stopped (SIGSTOP), so that it does nothing until it is told to continue."""
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


def kill_and_reap(process: "subprocess.Popen[bytes]") -> None:
    """End a child process whose standard input is a pipe, at once, and leave nothing of it."""
    process.kill()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    process.wait()


def choose_backend() -> None:
    """Before Keras is imported: TensorFlow on the CPU, unless the environment says otherwise.

    Unset, Keras's own ~/.keras/keras.json would choose, and a process that was given no device would take every GPU.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def choose_fast_kernels() -> None:
    """Before TensorFlow is imported, for training: oneDNN's kernels, unless the environment says otherwise.

    TensorFlow takes them by itself only where the processor has AVX-512; they are faster without it too
    (docs/performance.md). They round GELU more coarsely, so answers and exports stay with TensorFlow's own choice.
    What is reproducible is so with either kind, but not from one to the other.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def take_standard_output() -> BinaryIO:
    """Standard output, for answers alone. What libraries print there goes to standard error from now on."""
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return outgoing


def leave(code: int) -> NoReturn:
    """End this process at once. To take itself apart TensorFlow needs 2 seconds, for which the next run would wait."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def own_memory_mib() -> float:
    """What this process holds by itself, in MiB. Where the system can tell, without the files that it has mapped."""
    memory = psutil.Process().memory_info()
    return float(memory.rss - getattr(memory, "shared", 0)) / 2**20


def prefer_oom_kill(score: str | None) -> str | None:
    """Set how soon Linux ends this process when memory runs out, 1000 for first; returns what it was, None elsewhere.

    A process that only waits is to be ended before one that trains. Afterwards it gets back what it was given, which
    services and containers choose: without privileges it can be set no lower than that.
    """
    if score is None:
        return None
    with contextlib.suppress(OSError):
        path = Path("/proc/self/oom_score_adj")
        former = path.read_text()
        path.write_text(score)
        return former
    return None


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
