"""A dry run's parent: starts the process, limits its memory and its silence, and reads its answer. Loads no Keras."""

import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from core.config import ExperimentConfig
from core.errors import PreflightError, UserError
from core.scheduling.launcher import worker_environment
from core.system.devices import Device
from core.system.files import open_log
from core.system.lines import conversation
from core.workspace import PROJECT_ROOT, Workspace

COMMAND = (sys.executable, "-m", "core.preflight.worker")
# Loading TensorFlow on a busy machine takes a quarter of that; beyond it a step is too long to be timed.
SILENCE_SECONDS = 120.0
LOOK_SECONDS = 0.05

Tell = Callable[[str], None]


class OutOfMemory(Exception):
    """The process ran out of memory, or took more than it was allowed and was ended."""


class TooSlow(Exception):
    """The process sent nothing for too long and was ended."""


def ask(
    workspace: Workspace,
    task: str,
    config: ExperimentConfig,
    devices: Sequence[Device],
    limit_mib: int,
    tell: Tell,
    seconds: float,
    command: Sequence[str] = COMMAND,
    silence_seconds: float = SILENCE_SECONDS,
) -> dict[str, Any]:
    """The answer to `task` (`time`, `fit` or `rates`) from a process of its own.

    It may take `limit_mib` of this computer.

    `seconds` is for how long steps are timed.

    Raises:
        OutOfMemory, TooSlow: and nothing of the process is left.
        UserError: what the process found wrong with the config or its data.
        PreflightError: it could not be started, failed, or ended without an answer.
    """
    workspace.ensure()
    environment = worker_environment(workspace, devices, os.environ)
    try:
        with open_log(_log_path(workspace)) as log:
            process = subprocess.Popen(
                list(command), cwd=PROJECT_ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True, encoding="utf-8",
            )  # fmt: skip
    except OSError as error:
        raise PreflightError(f"The dry run could not be started: {error.strerror or error}.") from error
    request = {"task": task, "config": config.to_dict(), "seconds": seconds}
    with conversation(process, request) as lines:
        answer = _listen(process, lines, limit_mib, tell, silence_seconds)
    if answer is None:
        # Linux kills a process that takes too much memory; an allocator that gets none aborts it.
        if process.returncode in (-getattr(signal, "SIGKILL", 9), -signal.SIGABRT):
            raise OutOfMemory
        raise PreflightError(
            f"The dry run ended unexpectedly (exit code {process.returncode}). Its log is "
            f"{_log_path(workspace).name} in the workspace."
        )
    if "user_error" in answer:
        raise UserError(answer["user_error"])
    if "error" in answer:
        raise PreflightError(answer["error"])
    if "out_of_memory" in answer:
        raise OutOfMemory
    return answer


def _log_path(workspace: Workspace) -> Path:
    return workspace.root / "preflight.log"


def _listen(
    process: "subprocess.Popen[str]",
    lines: "queue.Queue[str]",
    limit_mib: int,
    tell: Tell,
    silence_seconds: float,
) -> dict[str, Any] | None:
    """The last line that is no stage; None when the process ended by itself without one."""
    heard = time.monotonic()
    while True:
        try:
            line = lines.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            if _resident_mib(process.pid) > limit_mib:
                raise OutOfMemory from None
            if time.monotonic() - heard > silence_seconds:
                raise TooSlow from None
            continue
        if not line.endswith("\n"):
            process.wait()
            return None
        answer: dict[str, Any] = json.loads(line)
        if "stage" not in answer:
            return answer
        heard = time.monotonic()
        tell(answer["stage"])


def _resident_mib(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss) // 2**20
    except psutil.Error:
        return 0
