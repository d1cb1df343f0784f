"""The worker as a process that takes run after run, and before its first one waits with everything loaded.

    python -m core.worker.standby            loads, then waits for its first run
    python -m core.worker RUN --attempt N    begins with that run

A run arrives as one line of JSON on standard input; from then on this process is that run's worker in every respect.
If standard input is a socket, the process answers there when a run has ended in order, and waits for the next one.
When standard input ends, the scheduler is gone: a process that waits ends, and one with a run ends after it.
"""

import json
import os
import queue
import signal
import socket
import stat
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.system.processes import choose_backend, choose_fast_kernels, leave, own_memory_mib, prefer_oom_kill
from core.worker import run
from core.worker.run import Ending
from core.workspace import Workspace

# A process leaves after so many runs, or when it holds so much more memory than after its first one: what a library
# keeps of every run, or one run has kept, ends with it.
MAX_RUNS = 100
MAX_GROWTH_MIB = 200.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the run in `arguments`, if there is one, then those that are handed over. Returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return stand_by(load, run.train_attempt, reset, first=arguments)


def load() -> None:
    """Import Keras and the training code. No operation is run: devices, threads and determinism are the run's."""
    choose_backend()
    choose_fast_kernels()
    from core.training.loading import load_keras

    load_keras()
    import core.training.runtime
    import core.training.train  # noqa: F401


def reset() -> bool:
    """Forget the run that has ended; returns whether the next one will train here as in a new process."""
    from core.training.runtime import reset_runtime

    return reset_runtime()


def stand_by(
    load: Callable[[], None],
    work: Callable[[Sequence[str]], Ending],
    reset: Callable[[], bool],
    *,
    first: Sequence[str] = (),
) -> int:
    """`work` with the arguments of one run after the other, from `first` or else after `load`; `reset` in between."""
    # While it loads and waits there is nothing to save, so a signal ends it. A worker handles signals in its own way.
    _end_at_signals()
    own_score = prefer_oom_kill("1000") if not first else None
    orders = _Orders(is_busy=bool(first))
    arguments = first
    if not first:
        load()
        arguments = orders.wait() or ()
        prefer_oom_kill(own_score)
    memory_mib: float | None = None
    for number in range(1, MAX_RUNS + 1):
        if not arguments:
            return 0
        ending = work(arguments)
        if not ending.is_in_order or not orders.can_answer or number == MAX_RUNS or not reset():
            return ending.code
        now_mib = own_memory_mib()
        memory_mib = now_mib if memory_mib is None else memory_mib
        if now_mib - memory_mib > MAX_GROWTH_MIB:
            return ending.code
        _end_at_signals()
        own_score = prefer_oom_kill("1000")
        _turn_output_to(Workspace.from_environment().standby_log)
        orders.answer(arguments)
        arguments = orders.wait() or ()
        prefer_oom_kill(own_score)
    return 0


class _Orders:
    """Standard input: the runs that arrive there, and the answers that go back."""

    def __init__(self, *, is_busy: bool) -> None:
        """`is_busy`: this process has a run already."""
        self._is_busy = is_busy
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.can_answer = stat.S_ISSOCK(os.fstat(0).st_mode)
        if is_busy and not self.can_answer:
            return  # nothing will come in
        self._input = os.dup(0)
        if self.can_answer:
            self._socket = socket.socket(fileno=os.dup(0))
        _redirect(os.devnull, os.O_RDONLY, 0)
        threading.Thread(target=self._listen, name="standby", daemon=True).start()

    def wait(self) -> list[str] | None:
        """The arguments of the next run, as whose worker this process is set up; None when none will come."""
        order = self._queue.get()
        if order is None:
            return None
        os.environ.update(order["environment"])
        _turn_output_to(Path(order["log"]))
        return list(order["arguments"])

    def answer(self, arguments: Sequence[str]) -> None:
        """Say that the run with these arguments has ended, and that this process waits."""
        self._is_busy = False
        try:
            self._socket.sendall(json.dumps(list(arguments)).encode() + b"\n")
        except OSError:  # the scheduler is gone
            self._queue.put(None)

    def _listen(self) -> None:
        with os.fdopen(self._input, "rb") as lines:
            while (line := lines.readline()).endswith(b"\n"):
                self._is_busy = True
                self._queue.put(json.loads(line))
        if not self._is_busy:
            os._exit(0)
        self._queue.put(None)


def _end_at_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _turn_output_to(log: Path) -> None:
    """Have everything that this process prints, libraries included, go to the log."""
    sys.stdout.flush()
    sys.stderr.flush()
    _redirect(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 1, 2)


def _redirect(path: Path | str, flags: int, *targets: int) -> None:
    opened = os.open(path, flags, 0o666)
    for target in targets:
        os.dup2(opened, target)
    os.close(opened)


if __name__ == "__main__":
    leave(main())
