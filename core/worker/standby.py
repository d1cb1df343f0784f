"""The standby worker, which has loaded everything and waits for its run: `python -m core.worker.standby`.

A run arrives as one line of JSON on standard input; from then on this process is that run's worker in every respect.
When standard input ends before that, the scheduler is gone, and this process ends.
"""

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.system.processes import choose_backend, prefer_oom_kill
from core.worker import run


def main() -> int:
    """Load what a worker loads; train the run that is handed over."""
    return stand_by(load, run.main)


def load() -> None:
    """Import Keras and the training code. No operation is run: devices, threads and determinism are the run's."""
    choose_backend()
    import core.training.runtime
    import core.training.train  # noqa: F401


def stand_by(load: Callable[[], None], work: Callable[[Sequence[str]], int]) -> int:
    """`load`, wait, then `work` with the arguments that a worker of the run would have been started with."""
    # While it loads and waits there is nothing to save, so a signal ends it. A worker handles signals in its own way.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    own_score = prefer_oom_kill("1000")
    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(orders.put,), name="standby", daemon=True).start()
    load()
    order = orders.get()
    os.environ.update(order["environment"])
    _turn_output_to(Path(order["log"]))
    prefer_oom_kill(own_score)
    return work(order["arguments"])


def _listen(put: Callable[[dict[str, Any]], None]) -> None:
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        os._exit(0)
    put(json.loads(line))


def _turn_output_to(log: Path) -> None:
    """Have everything that this process prints, libraries included, go to the run's log, and nothing come in."""
    sys.stdout.flush()
    sys.stderr.flush()
    printed = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((printed, 1), (printed, 2), (nothing, 0)):
        os.dup2(source, target)
    os.close(printed)
    os.close(nothing)


if __name__ == "__main__":
    run.leave(main())
